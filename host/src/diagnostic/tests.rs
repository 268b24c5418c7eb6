//! Broken specs and what a person is told about each. The messages are the snapshots: read them as the user would.

use crate::test_support::front::{host, said};

macro_rules! told {
    ($($name:ident: $text:expr;)*) => {
        $(#[test]
        fn $name() {
            insta::assert_snapshot!(said($text, None));
        })*
    };
}

told! {
    broken_toml: "[stack]\nname = \"a\n";
    unclosed_table: "[stack]\nname = \"a\"\n[postgres.a\n";
    duplicate_key: "[stack]\nname = \"a\"\nname = \"b\"\n";
    no_stack: "[postgres.a]\n";
    stack_without_a_name: "[stack]\ntitle = \"a\"\n";
    stack_with_a_number_for_a_name: "[stack]\nname = 1\n";
    field_outside_of_an_instance: "debug = true\n[stack]\nname = \"a\"\n[postgres]\npassword = \"x\"\n";
    unknown_kind: "[stack]\nname = \"a\"\n[postgress.a]\n[traefik.a]\n";
    bad_names: &format!("[stack]\nname = \"a b\"\n[postgres.\"it's\"]\n[Postgres.a]\n[host.a]\n[postgres.{}]\n", "a".repeat(64));
    unknown_fields: "[stack]\nname = \"a\"\n[container.a]\nimage = \"x\"\nlisten-port = 1\nimgae = \"y\"\nfoo = 1\n";
    missing_field: "[stack]\nname = \"a\"\n[container.a]\nlisten_port = 1\n";
    wrong_types: "[stack]\nname = \"a\"\n[container.a]\nimage = 1\nlisten_port = \"8000\"\nvolumes = \"a:/b\"\nenvironment = { A = 1.5 }\n";
    out_of_range: "[stack]\nname = \"a\"\n[container.a]\nimage = \"x\"\nlisten_port = 70000\n";
    not_an_option: "[stack]\nname = \"a\"\n[postgres.a]\nauth = \"scrum\"\nextensions = [\"a\", \"a\"]\ndatabase = \"\"\n";
    one_of_several_forms: "[stack]\nname = \"a\"\n[secret.a]\none = { generate = \"hexx\" }\ntwo = { length = 3 }\nthree = 5\n\"Four!\" = \"x\"\n";
    integer_too_large: "[stack]\nname = \"a\"\n[container.a]\nimage = \"x\"\nlisten_port = 99999999999999999999\n";
    bad_references: "[stack]\nname = \"a\"\n[container.a]\nimage = \"${x}:${ a.b }\"\nnetwork = \"${secret.a\"\nuser = \"${host.a.b}\"\n";
    unknown_reference_kind: "[stack]\nname = \"a\"\n[postgres.a]\n[container.a]\nimage = \"${postgress.host}\"\nuser = \"${mysql.host}\"\n";
    unknown_instance: "[stack]\nname = \"a\"\n[postgres.media]\n[container.a]\nimage = \"${postgres.mdia.host}\"\nuser = \"${postgres.other.host}\"\n";
    unknown_output: "[stack]\nname = \"a\"\n[postgres.media]\n[container.a]\nimage = \"x/${postgres.hots}:1\"\nuser = \"${postgres.media}\"\n";
    ambiguous_reference: "[stack]\nname = \"a\"\n[postgres.b]\n[postgres.c]\n[container.a]\nimage = \"${postgres.host}\"\n";
    ambiguous_default: "[stack]\nname = \"a\"\n[gateway.b]\ndomain = \"b\"\nto = \"x\"\n[gateway.c]\ndomain = \"c\"\nto = \"x\"\n[oidc.a]\n";
    reference_of_another_type: "[stack]\nname = \"a\"\n[postgres.a]\n[container.a]\nimage = \"x\"\nlisten_port = \"${postgres.host}\"\n";
    ring: "[stack]\nname = \"a\"\n[gateway.a]\ndomain = \"${postgres.database}.lab\"\nto = \"x\"\n[postgres.a]\ndatabase = \"${oidc.client_secret}\"\n[oidc.a]\nclient_secret = \"${gateway.url}\"\norigin = \"x\"\n";
    ring_of_one: "[stack]\nname = \"a\"\n[postgres.a]\ndatabase = \"${postgres.database}\"\n";
    table_within_a_string: "[stack]\nname = \"a\"\n[postgres.a]\n[container.a]\nimage = \"x-${postgres.*}\"\n";
    table_without_a_contract: "[stack]\nname = \"a\"\n[postgres.a]\n[container.a]\nimage = \"x\"\nconfig.database = \"${postgres.*}\"\n";
    unknown_contract: "[stack]\nname = \"a\"\n[container.a]\nimage = \"x\"\ncontract = \"mediamanger\"\n[container.b]\nimage = \"x\"\ncontract = \"./none.toml\"\n";
}

/// The user's old environment, of which nothing was ever read, and the values that went wrong for them.
#[test]
fn what_went_wrong_for_the_first_user() {
    let old = "\
[stack]
name = \"mediamanager\"

[container.mediamanager]
image       = \"ghcr.io/maxdorninger/mediamanager/mediamanager:v1.12.3\"
contract    = \"mediamanager\"
listen_port = 8080
volumes     = [\"/srv/config:/app/config\", \"/srv/tv:/media/tv\", \"/srv/downloads:/downloads\"]

[container.mediamanager.environment]
DATABASE_URL               = \"postgresql://mediamanager@host/mediamanager\"
DATABASE_HOST              = \"host.containers.internal\"
OIDC_ENABLED               = \"true\"
OIDC_CLIENT_ID             = \"mediamanager\"
MEDIAMANAGER_DATABASE_HOST = \"localhost\"
MEDIAMANAGER_DATABASE__HSOT = \"localhost\"
MEDIAMANAGER_MISC__FRONTEND_URL = \"https://m.arsfeld.one\"
MEDIAMANAGER_MISC__CORS_URLS = \"https://m.arsfeld.one\"
HOST                       = \"localhost\"
TZ                         = \"Europe/Berlin\"

[container.mediamanager.config]
misc.frontend_url          = \"https://mediamanager.arsfeld.one/web/\"
misc.image_directory       = \"/data/images\"
misc.tv_directory          = \"/media/tv\"
misc.movie_directory       = \"media/movies\"
misc.torrent_directory     = \"/downloads\"
misc.tv_library            = 1
auth.token_secret          = \"CHANGE_ME_GENERATE_RANDOM_STRING\"
auth.admin_emails          = [\"admin@arsfeld.local\"]
auth.session_lifetime      = \"1 day\"
database                   = { host = \"db\", port = 5432, user = \"m\", password = \"100%safe\" }
auth.openid_connect.enabled = true
";
    insta::assert_snapshot!(said(old, None));
}

#[test]
fn a_folder_and_a_way_that_the_host_file_lacks() {
    let host_file = host(
        "[store]\nidentity = \"/i\"\nrecipients = [\"age1a\", \"age1b\"]\n[folders]\ndata = \"/d\"\n\
         [connection.pg]\nkind = \"postgresql\"\nlogin_as = \"postgres\"\n[connection.edge]\nkind = \"caddy\"\nsites = \"/s\"\naddress = \"edge\"\n\
         [connection.podman]\nkind = \"docker-api\"\nsocket = \"/s\"\n",
    );
    let text = "[stack]\nname = \"a\"\n[container.a]\nimage = \"x\"\nvolumes = [\"${host.dta}:/d\", \"${host.media}:/m\"]\n\
                [gateway.a]\ndomain = \"a.lab\"\nto = \"${container.address}\"\n";
    insta::assert_snapshot!(said(text, Some(&host_file)));
}

#[test]
fn a_spec_may_say_nothing_wrong() {
    assert_eq!(said(include_str!("../../../examples/mediamanager.toml"), None), "");
}

/// Control characters of a spec must not drive the terminal.
#[test]
fn escapes_are_shown_and_not_obeyed() {
    let told = said("[stack]\nname = \"a\\u001b[31m\"\n# \u{1b}[2J\n", None);
    assert!(!told.contains('\u{1b}'), "{told:?}");
}
