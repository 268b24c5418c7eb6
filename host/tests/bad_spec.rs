//! Specs, host files and plugins that are not as they have to be, as a person meets them: through the binary. Each ends
//! with the code of its class, says where and what to do, and changes nothing.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

const INVALID: i32 = 3;
const PLUGIN: i32 = 8;

/// A folder with a spec and a host file in it.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        // The recipient's key is nobody's; nothing here is ever decrypted.
        let host = "[store]\npath = \"FOLDER/store\"\nidentity = \"FOLDER/identity\"\nrecipients = \
                    [\"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\"]\n[state]\npath = \
                    \"FOLDER/state\"\n[folders]\ndata = \"FOLDER/data\"\n";
        desk.write("stackrun.toml", host.replace("FOLDER", &desk.folder.path().display().to_string()));
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        path
    }

    fn append(&self, name: &str, more: &str) {
        let old = fs::read_to_string(self.path(name)).unwrap();
        self.write(name, old + more);
    }

    /// What is said on standard error by `stackrun COMMAND app.toml …`, which ends with this code.
    fn said(&self, command: &str, more: &[&str], code: i32) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_stackrun"))
            .arg(command)
            .arg(self.path("app.toml"))
            .args(more)
            .arg("--host")
            .arg(self.path("stackrun.toml"))
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{command}: {said}");
        assert!(!said.contains("panicked at"), "{said}");
        said
    }

    fn checked(&self, spec: impl AsRef<[u8]>) -> String {
        self.write("app.toml", spec);
        self.said("check", &[], INVALID)
    }
}

fn example() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/mediamanager.toml")).unwrap()
}

/// Where a line of the example that begins so is underlined.
fn place(begins: &str, column: usize) -> String {
    let line = example().lines().position(|line| line.starts_with(begins)).unwrap() + 1;
    format!("app.toml:{line}:{column}")
}

fn all_in(said: &str, told: &[&str]) {
    for told in told {
        assert!(said.contains(told), "no {told} in\n{said}");
    }
}

// ---- the spec ---------------------------------------------------------------------------------------------------------

#[test]
fn of_broken_toml_the_first_mistake_is_shown_and_nothing_that_follows_from_it() {
    let said = Desk::new().checked(example().replace("token_secret       = {", "token_secret       = ["));
    all_in(&said, &["this is no TOML", &place("token_secret ", 24), "help: nothing after that was looked at"]);
    assert_eq!(said.matches("this is no TOML").count(), 1, "{said}");
}

#[test]
fn files_that_are_no_text_or_not_there_are_named() {
    let desk = Desk::new();
    all_in(&desk.checked(b"\xff\xfe"), &["app.toml can't be read", "UTF-8"]);
    all_in(&desk.checked(""), &["the spec does not say what the stack is called", "[stack]"]);
    fs::remove_file(desk.path("app.toml")).unwrap();
    for command in ["check", "plan", "apply", "verify", "status", "destroy"] {
        all_in(&desk.said(command, &[], INVALID), &["app.toml can't be read: No such file"]);
    }
    assert!(!desk.path("state").exists() && !desk.path("store").exists(), "something was made");
}

#[test]
fn what_nobody_knows_is_said_with_what_there_is() {
    let said = Desk::new().checked(
        example()
            .replace("[gateway.mediamanager]", "[gatway.mediamanager]")
            .replace("${secret.token_secret}", "${secret.nothing_like_it}")
            .replace("listen_port = 8000", "listen_prot = 8000"),
    );
    all_in(
        &said,
        &[
            "no plugin handles the kind `gatway`",
            "`secret.mediamanager` offers no `nothing_like_it`",
            "it offers `admin_password`, `database_password`, `oidc_client_secret` and `token_secret`",
            "there is no field `listen_prot` here",
            "did you mean `listen_port`?",
        ],
    );
}

#[test]
fn a_ring_of_references_is_shown_whole() {
    let said = Desk::new().checked(
        "[stack]\nname = \"a\"\n[gateway.a]\ndomain = \"${gateway.b.domain}\"\nto = \"localhost:1\"\n[gateway.b]\ndomain = \
         \"x-${gateway.c.domain}\"\nto = \"localhost:2\"\n[gateway.c]\ndomain = \"${gateway.a.domain}\"\nto = \
         \"localhost:3\"\n",
    );
    all_in(&said, &["a ring of references", "app.toml:4:10", "give one of these fields a value of its own"]);
    for (field, value) in [("a", "${gateway.b.domain}"), ("b", "${gateway.c.domain}"), ("c", "${gateway.a.domain}")] {
        all_in(&said, &[&format!("gateway.{field}.domain = {value}")]);
    }
}

#[test]
fn wrong_types_say_what_is_expected() {
    let said = Desk::new().checked(
        example()
            .replace("length = 40", "length = \"forty\"")
            .replace("listen_port = 8000", "listen_port = [8000]")
            .replace("auth   = \"none\"", "auth   = true"),
    );
    all_in(
        &said,
        &[&place("database_password ", 60), "expected a whole number", &place("listen_port", 15), &place("auth ", 10)],
    );
    assert_eq!(said.matches("  × ").count(), 3, "{said}");
}

#[test]
fn what_names_something_is_no_reference_and_is_told_once() {
    let named = example().replace("[oidc.mediamanager] ", "[oidc.mediamanager]\nclient_id = \"${gateway.domain}\"\n#");
    let said = Desk::new().checked(named);
    all_in(&said, &["`client_id` must be known when the plan is made: give it as a plain string"]);
    assert_eq!(said.matches("  × ").count(), 1, "{said}");
}

/// PostgreSQL takes any name of up to 63 bytes; engines, files and stackrun's own addresses take less.
#[test]
fn names_are_taken_where_they_can_arrive_and_refused_where_not() {
    let desk = Desk::new();
    let with = |field: &str, name: &str, code: i32| {
        desk.write("app.toml", example());
        let said = desk.said("check", &["--set", &format!("{field}={}", toml_string(name))], code);
        assert_eq!(code == 0, said.is_empty(), "{name}: {said}");
        said
    };
    let (fits, too_long) = ("n".repeat(63), "n".repeat(64));
    let umlauts = "ü".repeat(32);
    for field in ["postgres.mediamanager.role", "postgres.mediamanager.database"] {
        for good in ["it's \"M\"", "Media-Manager", "MEDIA", "a b", "%{{$}}", "ü", &fits] {
            with(field, good, 0);
        }
        for (bad, why) in [
            (too_long.as_str(), "64 bytes long, and PostgreSQL cuts names after 63 bytes"),
            (&umlauts, "64 bytes long"),
            ("", "the name is empty"),
            ("a\nb", "control character"),
            ("+admins", "pg_hba.conf"),
        ] {
            let said = with(field, bad, INVALID);
            assert!(said.contains(why), "{bad:?}: no {why} in {said}");
        }
    }
    for good in ["Media-Manager_1.2", &fits, &too_long] {
        with("container.mediamanager.name", good, 0);
    }
    for bad in ["it's", "a\"b", "a b", "-a", "ü", "", "../a"] {
        let said = with("container.mediamanager.name", bad, INVALID);
        all_in(&said, &["letters, digits"]);
    }
    for bad in [too_long.as_str(), "it's", "ü"] {
        let said =
            desk.checked(example().replace("[postgres.mediamanager]", &format!("[postgres.{}]", toml_string(bad))));
        all_in(&said, &[&place("[postgres.", 1)]);
    }
}

fn toml_string(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// 2 says that changes are pending: a slip on the command line must not look like that.
#[test]
fn a_slip_on_the_command_line_is_an_error() {
    let desk = Desk::new();
    desk.write("app.toml", example());
    all_in(&desk.said("paln", &[], 1), &["unrecognized subcommand 'paln'"]);
    all_in(&desk.said("plan", &["--detailed-exitcodes"], 1), &["unexpected argument '--detailed-exitcodes'"]);
    for (set, says) in [
        ("gateway.mediamanager", "gives no value"),
        ("gatway.mediamanager.domain=x", "did you mean gateway.mediamanager?"),
        ("gateway.mediamanager=x", "write which field of it: gateway.mediamanager.FIELD=VALUE"),
        ("gateway.mediamanager.domian=x", "did you mean `domain`?"),
    ] {
        all_in(&desk.said("check", &["--set", set], INVALID), &[says]);
    }
}

// ---- the host file ------------------------------------------------------------------------------------------------------

#[test]
fn a_host_file_that_cannot_be_used_is_invalid_for_every_command() {
    let desk = Desk::new();
    desk.write("app.toml", "[stack]\nname = \"a\"\n[secret.a]\nkey = { generate = \"hex\" }\n");
    let commands = ["plan", "apply", "verify", "status", "destroy"];
    let each = |told: &[&str]| commands.map(|command| all_in(&desk.said(command, &[], INVALID), told));

    let good = fs::read_to_string(desk.path("stackrun.toml")).unwrap();
    desk.write("stackrun.toml", good.replace("[state]", "[state"));
    each(&["this is no TOML", "stackrun.toml:5:"]);
    desk.write("stackrun.toml", good.replace("identity = ", "identitty = "));
    each(&["did you mean `identity`?", "stackrun.toml:3:1"]);
    desk.write("stackrun.toml", good.replace("[folders]", "[connection.main]\nkind = \"postgres\"\n[folders]"));
    // To take away what state knows needs no plugin, so nobody knows the kinds then.
    for command in ["plan", "apply", "verify", "status"] {
        let told = ["no plugin knows the connection kind `postgres`", "did you mean `postgresql`?"];
        all_in(&desk.said(command, &[], INVALID), &told);
    }
    desk.write("stackrun.toml", good);
    fs::set_permissions(desk.path("stackrun.toml"), fs::Permissions::from_mode(0o666)).unwrap();
    each(&["stackrun.toml can be written by others (mode 0666)", "chmod go-w"]);
    fs::set_permissions(desk.path("stackrun.toml"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(desk.path(""), fs::Permissions::from_mode(0o777)).unwrap();
    each(&["on the way to the host file", "can be written by others (mode 0777)", "chmod go-w"]);
    fs::set_permissions(desk.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(desk.path("stackrun.toml")).unwrap();
    each(&["stackrun.toml can't be read: No such file", "name yours with --host FILE"]);
    assert!(!desk.path("state").exists() && !desk.path("store").exists(), "something was made");
}

#[test]
fn a_connection_that_the_host_file_lacks_is_named_with_the_lines_to_add() {
    let desk = Desk::new();
    desk.write("app.toml", example().replace("${host.media}", "${host.data}"));
    let said = desk.said("plan", &[], INVALID);
    for kind in ["postgresql", "docker-api", "caddy", "authelia"] {
        all_in(&said, &[&format!("kind = \"{kind}\"")]);
    }
    all_in(&said, &["[connection.NAME]", &place("[postgres.", 1)]);
    desk.append(
        "stackrun.toml",
        "[connection.main]\nkind = \"postgresql\"\nsocket = \"/nowhere\"\nlogin_as = \"postgres\"\n",
    );
    desk.write(
        "app.toml",
        example().replace("[postgres.mediamanager] ", "[postgres.mediamanager]\nconnection = \"mian\"\n#"),
    );
    let said = desk.said("plan", &[], INVALID);
    all_in(&said, &["the host file has no connection `mian`", "did you mean `main`?"]);
}

#[test]
fn secrets_are_not_planned_where_they_could_not_be_opened_again() {
    let desk = Desk::new();
    desk.write("app.toml", "[stack]\nname = \"a\"\n[secret.a]\nkey = { generate = \"hex\" }\n");
    for command in ["plan", "apply"] {
        let said = desk.said(command, &["--set", "secret.a.key.bytes=16"], INVALID);
        all_in(&said, &["secrets can't be made and filled in", "identity", "stackrun.toml:1:1"]);
    }
    assert!(!desk.path("store").exists(), "something was made");
}

// ---- plugins --------------------------------------------------------------------------------------------------------------

#[test]
fn a_plugin_that_cannot_be_used_is_named() {
    let desk = Desk::new();
    desk.write("app.toml", "[stack]\nname = \"a\"\n[hostile.app]\n");
    let path = desk.path("hostile.wasm");
    desk.append("stackrun.toml", &format!("[plugin.hostile]\npath = \"{}\"\n", path.display()));
    let both = |code: i32, told: &[&str]| ["check", "plan"].map(|command| all_in(&desk.said(command, &[], code), told));

    both(INVALID, &["hostile.wasm can't be read: No such file", "[plugin.hostile] of", "stackrun.toml"]);
    let secret = stackrun::plugin::builtin::of("secret").unwrap().bytes;
    desk.write("hostile.wasm", secret);
    both(INVALID, &["plugin `hostile` handles the kind `secret`: its table in the host file must be [plugin.secret]"]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    both(INVALID, &["hostile.wasm can be written by others (mode 0666)", "chmod go-w"]);
    fs::create_dir(desk.path("shared")).unwrap();
    fs::set_permissions(desk.path("shared"), fs::Permissions::from_mode(0o777)).unwrap();
    std::os::unix::fs::symlink("shared/real.wasm", desk.path("link.wasm")).unwrap();
    fs::rename(&path, desk.path("shared/real.wasm")).unwrap();
    fs::rename(desk.path("link.wasm"), &path).unwrap();
    both(INVALID, &["shared, on the way to the plugin", "can be written by others (mode 0777)"]);
    fs::remove_file(&path).unwrap();
    desk.write("hostile.wasm", &secret[..secret.len() / 2]);
    both(PLUGIN, &["plugin `hostile` can't be loaded: the file is cut off or damaged", "copy it again"]);
    desk.write("hostile.wasm", "fn main() {}");
    both(PLUGIN, &["plugin `hostile` can't be loaded: the file is text"]);
    desk.write("hostile.wasm", wat::parse_str("(module)").unwrap());
    both(PLUGIN, &["a core WebAssembly module, and a plugin is a component"]);
    assert!(!desk.path("state").exists() && !desk.path("store").exists(), "something was made");
}
