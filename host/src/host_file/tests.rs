use std::path::Path;

use super::*;
use crate::{
    diagnostic::{Sources, render},
    test_support::front::{catalog, host},
};

fn said(text: &str) -> String {
    let (host_file, source, mut diagnostics) = parse(Path::new("stackrun.toml"), text);
    if !diagnostics.iter().any(Diagnostic::is_error) {
        diagnostics.extend(host_file.check_kinds(&catalog()));
    }
    render(&diagnostics, &Sources { host_file: Some(source), ..Sources::default() }, 100, false)
}

const STORE: &str = "[store]\nidentity = \"/i\"\nrecipients = [\"age1a\", \"ssh-ed25519 b\"]\n";

#[test]
fn the_example_is_understood_and_short() {
    let text = include_str!("../../../examples/stackrun.toml");
    assert!(text.lines().count() <= 25);
    let host_file = host(text);
    assert_eq!(host_file.folders["media"].access, FolderAccess::Mount);
    assert_eq!(host_file.folders["data"].access, FolderAccess::Write);
    assert_eq!(host_file.store.path, Path::new("/var/lib/stackrun/store"));
    assert_eq!(host_file.connections["authelia"].verbs["restart"].command, ["systemctl", "restart", "authelia"]);
    assert_eq!(said(text), "");
}

#[test]
fn settings_are_what_all_kinds_do_not_have_with_the_defaults_of_the_kind() {
    let host_file =
        host(&format!("{STORE}[connection.pg]\nkind = \"postgresql\"\naddress = \"db\"\nlogin_as = \"postgres\"\n"));
    let settings = &host_file.connections["pg"].settings;
    assert_eq!(settings.get("login_as"), Some(&Tree::literal("postgres")));
    assert_eq!(settings.get("port"), Some(&Tree::Integer(5432)));
    assert_eq!(settings.get("socket"), Some(&Tree::literal("/run/postgresql")));
    assert_eq!(settings.get("address"), None);
    let by_url = host(&format!("{STORE}[connection.pg]\nkind = \"postgresql\"\nurl = \"postgresql://a@b\"\n"));
    assert_eq!(by_url.connections["pg"].settings.get("socket"), None);
}

#[test]
fn everything_wrong_is_said_at_once() {
    insta::assert_snapshot!(said(
        "[store]\nidentity = [\"relative\"]\nrecipient = [\"age1a\"]\n[state]\npath = 1\n[folders]\ndata = \"d\"\n\
         media = { path = \"/m\", acess = \"mount\" }\n[connection.pg]\nkind = \"postgresql\"\nprot = 1\nwrite = \"never\"\n\
         [connection.podman]\nkind = \"docker-api\"\n[plugin.x]\npath = \"/x.wasm\"\n[plugins.y]\n"
    ));
}

#[test]
fn one_recipient_alone_is_a_warning() {
    insta::assert_snapshot!(said("[store]\nidentity = \"/i\"\nrecipients = [\"age1a\"]\n"));
}

#[test]
fn a_kind_that_nobody_knows_is_an_error() {
    insta::assert_snapshot!(said(&format!(
        "{STORE}[connection.a]\nkind = \"postgres\"\n[connection.b]\nkind = \"mysql\"\n"
    )));
}

#[test]
fn a_grant_that_nothing_enforces_does_not_parse() {
    insta::assert_snapshot!(said(&format!(
        "{STORE}[plugin.x]\npath = \"/x.wasm\"\n[plugin.x.grants.files]\nexecute = [\"/\"]\n"
    )));
}

#[test]
fn a_grant_that_could_never_match_is_an_error() {
    insta::assert_snapshot!(said(&format!(
        "{STORE}[connection.main]\nkind = \"postgresql\"\nlogin_as = \"postgres\"\n\
         [plugin.x]\npath = \"/x.wasm\"\n[plugin.x.grants]\nsql.connections = [\"main\", \"mian\"]\nsql.roles = [\"{{role}}\"]\n\
         files.write = [\"/srv/../etc\"]\nservices.verbs.mian = [\"reload\"]\n\
         http.connections = [{{ connection = \"main\", methods = [\"get\"], paths = [\"/*\"] }}]\n\
         connection.postgresql.sql.connections = [\"{{connection.prot}}\"]\n"
    )));
}

#[test]
fn a_grant_is_held_against_what_its_plugin_says() {
    let grants = |grants: &str| said(&format!("{STORE}[plugin.postgres.grants]\n{grants}\n"));
    assert_eq!(
        grants("sql.roles = [\"{section.database}\"]\nconnection.postgresql.sql.connections = [\"{connection}\"]"),
        ""
    );
    insta::assert_snapshot!(grants(
        "sql.roles = [\"{section.databse}\"]\nconnection.mysql.sql.connections = [\"{connection}\"]"
    ));
}

#[test]
fn what_others_can_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stackrun.toml");
    std::fs::write(&path, STORE).expect("written");
    for (mode, good) in [(0o644, true), (0o600, true), (0o664, false), (0o646, false)] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("changed");
        assert_eq!(read(&path).is_ok(), good, "{mode:o}");
    }
    assert!(read(&folder.path().join("none.toml")).is_err());
}

#[test]
fn settings_that_do_not_go_together_are_an_error_at_once() {
    let told = said(&format!(
        "{STORE}[connection.pg]\nkind = \"postgresql\"\n\
         [connection.far]\nkind = \"postgresql\"\nurl = \"postgresql://a:secret@h\"\n\
         [connection.podman]\nkind = \"docker-api\"\nsocket = \"/run/podman.sock\"\npublish = \"everywhere\"\n\
         [connection.caddy]\nkind = \"caddy\"\nsites = \"/s\"\nadmin = \"ftp://x\"\n\
         [connection.idp]\nkind = \"oidc-registration\"\nissuer = \"https://\"\n"
    ));
    assert!(!told.contains("secret"), "{told}");
    insta::assert_snapshot!(told);
}

#[test]
fn every_kind_has_a_schema() {
    let schemas = connection_kinds::schemas();
    for kind in ["postgresql", "docker-api", "caddy", "authelia", "oidc-registration"] {
        let schema = schemas.get(kind).unwrap_or_else(|| panic!("no schema of {kind}"));
        assert!(schema["properties"]["address"].is_object(), "{kind}");
        assert_eq!(schema["additionalProperties"], false, "{kind}");
    }
    assert_eq!(schemas.len(), 5);
    assert!(schema()["properties"]["store"].is_object());
}
