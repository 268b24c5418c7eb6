//! The secret plugin and `stackrun secret`, through the command itself, on a store and folders in a directory that goes
//! away.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    io::Write,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use age::secrecy::ExposeSecret;

const SPEC: &str = r#"
[stack]
name = "media"

[secret.app]
password = { generate = "alphanumeric", length = 40 }
api_key  = { required = "ask the provider" }
outside  = { file = "@/agenix-env", key = "OUTSIDE" }

[[secret.app.render]]
path   = "${host.data}/app/env"
values = { PASSWORD = "${secret.password}", KEY = "x ${secret.api_key}", FROM = "${secret.outside}" }
"#;

const CANARY: &str = "canary'of\"a$key\\0";

struct Machine {
    directory: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { directory: tempfile::tempdir().unwrap() };
        let identity = age::x25519::Identity::generate();
        machine.write("identity", identity.to_string().expose_secret(), 0o600);
        machine.write("agenix-env", "# by agenix\nOUTSIDE=canary-from-outside\n", 0o400);
        fs::create_dir(machine.path("srv")).unwrap();
        let at = machine.directory.path().display().to_string();
        machine.write("app.toml", &SPEC.replace('@', &at), 0o644);
        let host = format!(
            "[state]\npath = \"{at}/state\"\n[store]\npath = \"{at}/store\"\nidentity = \"{at}/identity\"\n\
             recipients = [\"{}\"]\n[folders]\ndata = \"{at}/srv\"\n",
            identity.to_public()
        );
        machine.write("stackrun.toml", &host, 0o600);
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), PermissionsExt::from_mode(mode)).unwrap();
    }

    fn run(&self, args: &[&str], input: &str) -> (i32, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_stackrun"))
            .args(args)
            .current_dir(self.directory.path())
            .env("STACKRUN_HOST", self.path("stackrun.toml"))
            .env("STACKRUN_LOG", "trace")
            .env("NO_COLOR", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).ok();
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let said = String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap();
        assert!(!said.contains("canary") || args.contains(&"--clear"), "{args:?} told a secret: {said}");
        (status.code().unwrap(), said)
    }

    /// Runs what has to succeed.
    fn done(&self, args: &[&str]) -> String {
        let (code, said) = self.run(args, "");
        assert_eq!(code, 0, "{args:?}: {said}");
        said
    }

    fn applied() -> Self {
        let machine = Self::new();
        assert_eq!(machine.run(&["secret", "set", "app.toml", "api_key"], &format!("{CANARY}\n")).0, 0);
        machine.done(&["apply", "--yes", "app.toml"]);
        machine
    }

    fn nothing_to_do(&self) -> bool {
        self.run(&["plan", "--detailed-exitcode", "app.toml"], "").0 == 0
    }

    fn env(&self) -> String {
        fs::read_to_string(self.path("srv/app/env")).unwrap()
    }
}

#[test]
fn what_has_to_be_set_is_asked_for_and_nothing_is_made() {
    let machine = Machine::new();
    let (code, said) = machine.run(&["apply", "--yes", "app.toml"], "");
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("`api_key` has not been set") && said.contains("ask the provider"), "{said}");
    assert!(!machine.path("store").exists() && !machine.path("srv/app").exists());
}

#[test]
fn an_apply_converges_repairs_drift_and_is_taken_away_again() {
    let machine = Machine::applied();
    let text = machine.env();
    assert!(
        text.contains("KEY=\"x canary'of\\\"a\\$key\\\\0\"\n") && text.contains("FROM=canary-from-outside\n"),
        "{text}"
    );
    assert!(machine.nothing_to_do());
    machine.write("srv/app/env", &text.replace("canary-from", "edited"), 0o644);
    let (code, said) = machine.run(&["plan", "--detailed-exitcode", "app.toml"], "");
    assert_eq!(code, 2, "{said}");
    assert!(!said.contains("edited"), "a line that may hold a secret is not shown: {said}");
    machine.done(&["apply", "--yes", "app.toml"]);
    assert_eq!(machine.env(), text);
    assert_eq!(fs::metadata(machine.path("srv/app/env")).unwrap().mode() & 0o7777, 0o600);
    assert!(machine.nothing_to_do());

    machine.done(&["destroy", "--yes", "app.toml"]);
    assert_eq!(fs::read_dir(machine.path("srv")).unwrap().count(), 0);
    machine.done(&["apply", "--yes", "app.toml"]);
    assert_eq!(machine.env(), text, "the same secrets as before");
    machine.done(&["destroy", "--yes", "--delete-data", "secret.app", "app.toml"]);
    assert!(!machine.path("store/media/secret.app").exists());
}

#[test]
fn the_command_that_a_plan_ends_with_carries_out_that_plan() {
    let machine = Machine::applied();
    let set = r#"secret.app.render=[{ path = "${host.data}/it's other/env", values = { A = "${secret.password}" } }]"#;
    let said = machine.done(&["plan", "app.toml", "--set", set]);
    let command = said.lines().find_map(|line| line.strip_prefix("To carry it out:  ")).unwrap();
    let folder = PathBuf::from(env!("CARGO_BIN_EXE_stackrun")).parent().unwrap().to_owned();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("PATH={}:$PATH; {command} --yes", folder.display()));
    let ran = shell.current_dir(machine.directory.path()).output().unwrap();
    assert!(ran.status.success(), "{command}: {}", String::from_utf8_lossy(&ran.stderr));
    assert!(machine.path("srv/it's other/env").exists() && !machine.path("srv/app/env").exists(), "{command}");
}

#[test]
fn a_plan_without_changes_needs_no_identity() {
    let machine = Machine::applied();
    fs::remove_file(machine.path("identity")).unwrap();
    assert!(machine.nothing_to_do());
}

#[test]
fn a_rotation_reaches_its_places_and_the_old_value_is_told_nowhere() {
    let machine = Machine::applied();
    let before = machine.env();
    machine.done(&["secret", "rotate", "app.toml", "password"]);
    machine.done(&["plan", "app.toml", "-o", "plan.json"]);
    machine.done(&["apply", "--yes", "plan.json"]);
    let (old, new) = (before.lines().next().unwrap(), machine.env());
    assert!(!new.contains(old));
    assert!(machine.nothing_to_do());
    let old = old.strip_prefix("PASSWORD=").unwrap();
    for place in ["plan.json", "state/media.state"] {
        let bytes = fs::read(machine.path(place)).unwrap();
        assert!(!bytes.windows(old.len()).any(|window| window == old.as_bytes()), "{place}");
        assert!(!bytes.windows(6).any(|window| window == b"canary"), "{place}");
    }
}

#[test]
fn values_come_in_by_standard_input_and_files_only() {
    let machine = Machine::applied();
    let set = |args: &[&str]| machine.run(&[&["secret", "set", "app.toml"], args].concat(), "canary-two\n");
    assert_eq!(set(&["api_key"]).0, 1, "one that is there is not replaced by itself");
    assert_eq!(set(&["api_key", "--replace"]).0, 0);
    let (code, said) = set(&["outside"]);
    assert!(code == 1 && said.contains("read only"), "{said}");
    let (code, said) = set(&["api_kye"]);
    assert!(code == 1 && said.contains("did you mean secret.app.api_key"), "{said}");
    let (code, said) = machine.run(&["secret", "show", "app.toml", "api_key"], "");
    assert!(code == 1 && said.contains("on a terminal only"), "{said}");
    machine.done(&["apply", "--yes", "app.toml"]);
    assert!(machine.env().contains("KEY='x canary-two'\n"));
}

#[test]
fn a_secret_that_is_too_short_to_be_found_is_refused_or_warned_of() {
    let machine = Machine::new();
    let warned = |said: &str, name: &str| said.contains(&format!("secret.app.{name} has fewer than 6 characters"));
    let (code, said) = machine.run(&["secret", "set", "app.toml", "api_key"], "12345\n");
    assert!(code == 0 && warned(&said, "api_key"), "{said}");
    machine.write("old.env", "API_KEY=1234\nPASSWORD=long enough\n", 0o600);
    let said = machine.done(&["secret", "import", "app.toml", "old.env", "--replace"]);
    assert!(warned(&said, "api_key") && !warned(&said, "password"), "{said}");
    let said = machine.done(&["plan", "app.toml"]);
    assert!(!warned(&said, "outside"), "{said}");
    machine.write("agenix-env", "OUTSIDE=123\n", 0o400);
    let said = machine.done(&["plan", "app.toml"]);
    assert!(warned(&said, "outside"), "{said}");
    // What is wrong with the user's files is said by what a person reviews, and not by `check` alone.
    assert!(said.contains("the secret store has one recipient") && !said.contains("0444"), "{said}");
    fs::set_permissions(machine.path("agenix-env"), PermissionsExt::from_mode(0o444)).unwrap();
    let said = machine.done(&["plan", "app.toml"]);
    assert!(said.contains("0444"), "{said}");
    machine.write(
        "short.toml",
        "[stack]\nname = \"media\"\n[secret.app]\npin = { generate = \"hex\", bytes = 2 }\n",
        0o600,
    );
    let (code, said) = machine.run(&["check", "short.toml"], "");
    assert!(code == 3 && said.contains("too short to be kept out of messages and logs"), "{said}");
}

#[test]
fn an_import_says_what_nothing_uses_and_takes_no_noise() {
    let machine = Machine::new();
    machine.write("old.env", "API_KEY='canary three'\nOIDC_ENABLED=true\nPASS=canary-brought-along\n", 0o600);
    let said = machine.done(&["secret", "import", "app.toml", "old.env", "--as", "PASS=password"]);
    assert!(said.contains("nothing uses `OIDC_ENABLED`") && said.contains("imported secret.app.password"), "{said}");
    machine.done(&["apply", "--yes", "app.toml"]);
    assert!(machine.env().contains("PASSWORD=canary-brought-along\n"));
    machine.write("noise", "warning: the tree is dirty\nAPI_KEY=canary-four\n", 0o600);
    let (code, said) = machine.run(&["secret", "import", "app.toml", "noise", "--replace"], "");
    assert!(code == 1 && said.contains("line 1"), "{said}");
    machine.write("other.env", "API_KEY=canary-five\n", 0o600);
    assert_eq!(machine.run(&["secret", "import", "app.toml", "other.env"], "").0, 1);
    assert!(machine.nothing_to_do());
}

#[test]
fn an_export_is_encrypted_and_comes_back_by_an_import() {
    let machine = Machine::applied();
    machine.done(&["secret", "export", "app.toml", "--to", "out.age"]);
    assert!(fs::read(machine.path("out.age")).unwrap().starts_with(b"age-encryption.org/"));
    assert_eq!(machine.run(&["secret", "export", "app.toml", "--to", "out.age"], "").0, 1, "nothing is overwritten");
    machine.done(&["destroy", "--yes", "--delete-data", "secret.app", "app.toml"]);
    let said = machine.done(&["secret", "import", "app.toml", "out.age"]);
    assert!(said.contains("imported secret.app.api_key"), "{said}");
    machine.done(&["secret", "export", "app.toml", "--to", "out.toml", "--clear"]);
    assert!(fs::read_to_string(machine.path("out.toml")).unwrap().contains("canary"));
    assert_eq!(fs::metadata(machine.path("out.toml")).unwrap().mode() & 0o7777, 0o600);
}

#[test]
fn a_store_that_others_can_write_a_lost_file_and_a_foreign_file_stop_everything() {
    let machine = Machine::applied();
    fs::set_permissions(machine.path("store"), PermissionsExt::from_mode(0o777)).unwrap();
    let (code, said) = machine.run(&["plan", "app.toml"], "");
    assert!(code == 1 && said.contains("can be written by others"), "{said}");
    fs::set_permissions(machine.path("store"), PermissionsExt::from_mode(0o700)).unwrap();
    fs::rename(machine.path("store/media/secret.app/password.age"), machine.path("away")).unwrap();
    let (code, said) = machine.run(&["apply", "--yes", "app.toml"], "");
    assert!(code == 1 && said.contains("has been used before"), "{said}");
    fs::rename(machine.path("away"), machine.path("store/media/secret.app/password.age")).unwrap();
    machine.done(&["destroy", "--yes", "app.toml"]);
    fs::create_dir(machine.path("srv/app")).unwrap();
    machine.write("srv/app/env", "theirs\n", 0o644);
    let (code, said) = machine.run(&["apply", "--yes", "app.toml"], "");
    assert!(code == 3 && said.contains("this stack has not written it"), "{said}");
    assert_eq!(machine.env(), "theirs\n");
}

#[test]
fn two_instances_share_the_folder_of_their_files_and_the_last_takes_it_away() {
    let machine = Machine::new();
    let instance = |name: &str| {
        format!(
            "[secret.{name}]\ntoken = {{ generate = \"hex\", bytes = 8 }}\n[[secret.{name}.render]]\n\
             path = \"${{host.data}}/both/{name}.env\"\nvalues = {{ TOKEN = \"${{secret.{name}.token}}\" }}\n"
        )
    };
    let spec = |instances: &[&str]| {
        let text: String = instances.iter().map(|name| instance(name)).collect();
        machine.write("both.toml", &format!("[stack]\nname = \"both\"\n{text}"), 0o644);
    };
    spec(&["one", "two"]);
    let said = machine.done(&["plan", "both.toml"]);
    assert_eq!(said.matches("+ directory").count(), 1, "{said}");
    machine.done(&["apply", "--yes", "both.toml"]);
    assert_eq!(machine.run(&["plan", "--detailed-exitcode", "both.toml"], "").0, 0);
    spec(&["two"]);
    let (code, said) = machine.run(&["apply", "--yes", "--only", "secret.oen", "both.toml"], "");
    assert!(code == 1 && said.contains("did you mean `secret.one`"), "{said}");
    machine.done(&["apply", "--yes", "--only", "secret.one", "both.toml"]);
    machine.done(&["apply", "--yes", "both.toml"]);
    assert!(machine.path("srv/both/two.env").exists() && !machine.path("srv/both/one.env").exists());
    machine.done(&["destroy", "--yes", "both.toml"]);
    assert!(!machine.path("srv/both").exists(), "whoever comes last takes the folder away");
}

#[test]
fn more_instances_than_plugins_run_at_once_are_planned() {
    let machine = Machine::new();
    let instances: String =
        (0..600).map(|number| format!("[secret.s{number}]\ntoken = {{ generate = \"hex\", bytes = 8 }}\n")).collect();
    machine.write("many.toml", &format!("[stack]\nname = \"many\"\n{instances}"), 0o644);
    let said = machine.done(&["plan", "many.toml"]);
    assert!(said.contains("Plan: 600 to create"), "{said}");
}

/// Quotes, backslashes, what shells and templates expand, other scripts; and a line break.
const AWKWARD: &str = r##"canary "q' \t\\ $HOME `id` %s %% {{ x }} ${y} é漢😀 #;=:"##;
const LINES: &str = "canary-line one\n  canary-line 'two'\n";

#[test]
fn a_secret_arrives_unchanged_or_is_refused_before_anything_is_changed() {
    for (format, value, arrives) in [
        ("toml", AWKWARD, true),
        ("yaml", AWKWARD, true),
        ("json", AWKWARD, true),
        ("env", AWKWARD, true),
        ("ini", AWKWARD, false),
        ("toml", LINES, true),
        ("yaml", LINES, true),
        ("json", LINES, true),
        ("env", LINES, false),
        ("ini", LINES, false),
    ] {
        let machine = Machine::new();
        let spec = format!(
            "[stack]\nname = \"media\"\n[secret.app]\nkey = {{ required = \"by hand\" }}\n[[secret.app.render]]\nformat = \
             \"{format}\"\npath = \"${{host.data}}/app/config.{format}\"\nvalues.a.KEY = \"${{secret.key}}\"\n"
        );
        let spec = if format == "env" { spec.replace("values.a.KEY", "values.KEY") } else { spec };
        machine.write("app.toml", &spec, 0o644);
        // One line break at the end is the terminal's.
        assert_eq!(machine.run(&["secret", "set", "app.toml", "key"], &format!("{value}\n")).0, 0, "{format}");
        let (code, said) = machine.run(&["apply", "--yes", "app.toml"], "");
        let file = machine.path("srv/app").join(format!("config.{format}"));
        if !arrives {
            assert_eq!(code, 3, "{format}: {said}");
            assert!(said.contains(&format!("config.{format}")) && said.contains("KEY"), "{format}: {said}");
            assert!(!machine.path("srv/app").exists(), "{format}: something was made");
            continue;
        }
        assert_eq!(code, 0, "{format}: {said}");
        let text = fs::read_to_string(file).unwrap();
        let found = match format {
            "toml" => toml::from_str::<toml::Value>(&text).unwrap()["a"]["KEY"].as_str().unwrap().to_owned(),
            "json" => {
                serde_json::from_str::<serde_json::Value>(&text).unwrap()["a"]["KEY"].as_str().unwrap().to_owned()
            }
            "yaml" => {
                serde_norway::from_str::<serde_json::Value>(&text).unwrap()["a"]["KEY"].as_str().unwrap().to_owned()
            }
            _ => {
                let script = format!(". {}/srv/app/config.env; printf %s \"$KEY\"", machine.directory.path().display());
                String::from_utf8(Command::new("sh").args(["-c", &script]).output().unwrap().stdout).unwrap()
            }
        };
        assert_eq!(found, value, "{format}: {text}");
        assert!(machine.nothing_to_do(), "{format}");
    }
}

#[test]
fn a_saved_plan_that_others_could_have_written_is_refused() {
    let machine = Machine::applied();
    fs::remove_file(machine.path("srv/app/env")).unwrap();
    fs::create_dir(machine.path("shared")).unwrap();
    machine.done(&["plan", "app.toml", "-o", "shared/plan.json"]);
    let mode =
        |name: &str, mode: u32| fs::set_permissions(machine.path(name), PermissionsExt::from_mode(mode)).unwrap();
    for (name, wrong, right) in [("shared/plan.json", 0o622, 0o600), ("shared", 0o777, 0o755)] {
        mode(name, wrong);
        let (code, said) = machine.run(&["apply", "--yes", "shared/plan.json"], "");
        assert!(code == 3 && said.contains("can be written by others") && said.contains("chmod go-w"), "{said}");
        mode(name, right);
    }
    machine.done(&["apply", "--yes", "shared/plan.json"]);
    assert!(machine.env().contains("PASSWORD"));
}

/// Nothing waits for a pipe that somebody put in the place of a file, whichever it is.
#[test]
fn a_pipe_in_the_place_of_any_file_is_an_error_at_once() {
    let machine = Machine::applied();
    machine.done(&["plan", "app.toml", "-o", "plan.json"]);
    let at = machine.directory.path().display().to_string();
    machine.write("keys.env", "API_KEY=canary-new\n", 0o600);
    machine.write("hostile.wasm", "", 0o600);
    machine.write("contract.toml", "", 0o600);
    let stack = "[stack]\nname = \"media\"\n";
    machine.write("plugin.toml", &format!("{stack}[hostile.app]\n"), 0o600);
    let image = "[container.app]\nimage = \"x\"\ncontract = \"./contract.toml\"\n";
    machine.write("contracted.toml", &format!("{stack}{image}"), 0o600);
    let host = fs::read_to_string(machine.path("stackrun.toml")).unwrap();
    machine.write("stackrun.toml", &format!("{host}[plugin.hostile]\npath = \"{at}/hostile.wasm\"\n"), 0o600);
    let refused: [(&str, &[&str]); 14] = [
        ("app.toml", &["check", "app.toml"]),
        ("app.toml", &["apply", "--yes", "app.toml"]),
        ("stackrun.toml", &["plan", "app.toml"]),
        ("plan.json", &["apply", "--yes", "plan.json"]),
        ("identity", &["secret", "export", "app.toml", "--to", "out.age"]),
        ("agenix-env", &["plan", "app.toml"]),
        ("store/media/fingerprint.key", &["plan", "app.toml"]),
        ("store/media/secret.app/password.age", &["plan", "app.toml"]),
        ("state/media.state", &["plan", "app.toml"]),
        ("state/media.lock", &["apply", "--yes", "app.toml"]),
        ("keys.env", &["secret", "import", "app.toml", "keys.env", "--replace"]),
        ("hostile.wasm", &["plugin", "inspect", "./hostile.wasm"]),
        ("hostile.wasm", &["plan", "plugin.toml"]),
        ("contract.toml", &["check", "contracted.toml"]),
    ];
    for (file, command) in refused {
        fs::rename(machine.path(file), machine.path("away")).unwrap();
        let pipe = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, machine.path(file), pipe, 0o600.into(), 0).unwrap();
        let output = Command::new("timeout")
            .args(["--foreground", "20", env!("CARGO_BIN_EXE_stackrun")])
            .args(command)
            .current_dir(machine.directory.path())
            .env("STACKRUN_HOST", machine.path("stackrun.toml"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        fs::rename(machine.path("away"), machine.path(file)).unwrap();
        assert_ne!(output.status.code(), Some(124), "{command:?} waits for the pipe {file}");
        let name = file.rsplit('/').next().unwrap();
        assert!(!output.status.success() && said.contains(name), "{command:?}: {said}");
        assert!(said.contains("is not a regular file"), "{command:?}: {said}");
    }
}

/// The same by a plugin of a file, with what the host file grants it.
fn with_a_plugin_of_its_own(machine: &Machine) -> PathBuf {
    let built = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/plugins");
    let plugins = std::env::var_os("STACKRUN_TEST_PLUGINS").map_or_else(built, PathBuf::from);
    let plugin = machine.path("secret.wasm");
    fs::copy(plugins.join("secret.wasm"), &plugin).unwrap();
    let at = machine.directory.path().display().to_string();
    let host = fs::read_to_string(machine.path("stackrun.toml")).unwrap();
    let granted = format!(
        "[plugin.secret]\npath = \"{}\"\n[plugin.secret.grants]\nfiles.write = [\"{at}/srv/\"]\nfiles.read = \
         [\"{at}/agenix-env\"]\n",
        plugin.display()
    );
    machine.write("stackrun.toml", &(host + &granted), 0o600);
    plugin
}

#[test]
fn what_was_made_is_forgotten_and_taken_away_without_plugin_and_without_spec() {
    let machine = Machine::new();
    let plugin = with_a_plugin_of_its_own(&machine);
    assert_eq!(machine.run(&["secret", "set", "app.toml", "api_key"], "key\n").0, 0);
    machine.done(&["apply", "--yes", "app.toml"]);
    fs::remove_file(&plugin).unwrap();
    let spec = fs::read_to_string(machine.path("app.toml")).unwrap();
    let (code, said) = machine.run(&["plan", "app.toml"], "");
    assert!(code == 3 && said.contains("secret.wasm"), "{said}");

    // The spec says which stack is meant, whatever else is wrong in it.
    machine.write("app.toml", &format!("{spec}\n[no-such-kind.app]\nto = \"${{nobody.port}}\"\n"), 0o644);
    let said = machine.done(&["forget", "--yes", "app.toml", "secret.app", "secret.api_key"]);
    assert!(said.contains("media/secret.app/api_key"), "{said}");
    // When it is no TOML at all, its name does.
    machine.write("app.toml", &format!("[no TOML\n{spec}"), 0o644);
    for (given, why) in [("app.toml", "does not say what its stack is called"), ("medea", "can't be read")] {
        let (code, said) = machine.run(&["destroy", "--yes", given], "");
        assert!(code == 3 && said.contains(why) && said.contains("media"), "{said}");
        assert!(machine.path("srv/app/env").exists() && !machine.path("state/medea.state").exists());
    }
    let (code, said) = machine.run(&["forget", "--yes", "../media", "secret.app"], "");
    assert_eq!(code, 3, "{said}");
    machine.done(&["destroy", "--yes", "media", "--delete-data", "secret.app"]);
    assert_eq!(fs::read_dir(machine.path("srv")).unwrap().count(), 0);
    let stored = |name: &str| machine.path("store/media/secret.app").join(format!("{name}.age")).exists();
    assert!(!stored("password") && stored("api_key"), "what is forgotten stays, the rest goes");
}

#[test]
fn a_plan_names_a_plugin_that_is_not_the_last_runs() {
    let machine = Machine::applied();
    let plugin = with_a_plugin_of_its_own(&machine);
    let says = |said: &str| said.contains("plugin `secret` is not the one of the last run");
    assert!(!says(&machine.done(&["plan", "app.toml"])), "the same component from another place");
    // A section of its own changes what a component is, and not what it does.
    let mut component = fs::read(&plugin).unwrap();
    component.extend([0, 2, 1, b'a']);
    fs::write(&plugin, component).unwrap();
    let said = machine.done(&["plan", "app.toml"]);
    assert!(says(&said) && said.contains("its component ") && !said.contains("version "), "{said}");
    let json = machine.done(&["plan", "--json", "app.toml"]);
    let json: serde_json::Value =
        serde_json::from_str(&json[json.find('{').unwrap()..=json.rfind('}').unwrap()]).unwrap();
    assert_eq!(json["plugin_changes"][0]["plugin"], "secret");
    machine.done(&["apply", "--yes", "app.toml"]);
    assert!(!says(&machine.done(&["plan", "app.toml"])), "it is the last run's by now");
}

/// A stack that needs nothing from anybody.
const ALONE: &str = r#"
[stack]
name = "media"

[secret.app]
password = { generate = "alphanumeric", length = 40 }

[[secret.app.render]]
path   = "${host.data}/app/env"
values = { PASSWORD = "${secret.password}" }
"#;

/// Kills a command when so many pages have been written to the log of the stack's state, which grows with every write;
/// false when it came to its end before.
fn killed_after_pages(machine: &Machine, command: &str, pages: u64) -> bool {
    let log = machine.path("state/media.state-wal");
    let mut child = Command::new(env!("CARGO_BIN_EXE_stackrun"))
        .args([command, "--yes", "app.toml"])
        .current_dir(machine.directory.path())
        .env("STACKRUN_HOST", machine.path("stackrun.toml"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while fs::metadata(&log).map_or(0, |facts| facts.len()) < pages * 4096 {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{command}: {status}");
            return false;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    true
}

#[test]
fn a_run_killed_after_any_write_to_state_converges() {
    let stored = |machine: &Machine| fs::read(machine.path("store/media/secret.app/password.age")).ok();
    let (mut kills, mut survived) = (0, 0);
    for pages in 1.. {
        let machine = Machine::new();
        machine.write("app.toml", ALONE, 0o644);
        let applying = killed_after_pages(&machine, "apply", pages);
        let secret = stored(&machine);
        machine.done(&["apply", "--yes", "app.toml"]);
        assert!(machine.nothing_to_do(), "apply killed after {pages} pages");
        assert!(secret.is_none() || secret == stored(&machine), "a secret was made anew after {pages} pages");
        assert_eq!(fs::read_dir(machine.path("srv/app")).unwrap().count(), 1, "apply killed after {pages} pages");

        let destroying = killed_after_pages(&machine, "destroy", pages);
        machine.done(&["destroy", "--yes", "app.toml"]);
        assert_eq!(fs::read_dir(machine.path("srv")).unwrap().count(), 0, "destroy killed after {pages} pages");
        assert!(machine.done(&["destroy", "--yes", "app.toml"]).contains("nothing to take away"));
        assert!(stored(&machine).is_some());
        kills += usize::from(applying) + usize::from(destroying);
        // On a busy machine a run may come to its end between two looks at its log.
        survived = if applying || destroying { 0 } else { survived + 1 };
        if survived == 3 {
            assert!(kills > 20, "only {kills} runs were killed");
            return;
        }
    }
}

#[test]
fn what_another_stack_has_is_neither_claimed_nor_taken_away() {
    let machine = Machine::applied();
    let spec = fs::read_to_string(machine.path("app.toml")).unwrap();
    let other = spec.replace("name = \"media\"", "name = \"other\"") + "adopt = true\n";
    machine.write("other.toml", &other, 0o644);
    assert_eq!(machine.run(&["secret", "set", "other.toml", "api_key"], "key\n").0, 0);
    let beside = || {
        let mut names: Vec<_> =
            fs::read_dir(machine.path("state")).unwrap().map(|one| one.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let (env, before) = (machine.env(), beside());
    assert!(
        !before.iter().any(|name| name.to_string_lossy().contains("-wal")),
        "a state at rest is one file: {before:?}"
    );
    for command in [&["plan"][..], &["apply", "--yes"], &["status"]] {
        let (code, said) = machine.run(&[command, &["other.toml"]].concat(), "");
        assert_eq!(code, 3, "{command:?}: {said}");
        assert!(said.contains("srv/app/env") && said.contains("which is secret.app's of the stack `media`"), "{said}");
    }
    assert_eq!((machine.env(), beside()), (env.clone(), before), "a look at another stack's state leaves nothing");

    // One whose state can't be read is said, and stops nobody.
    machine.write("state/broken.state", "no state of anybody's", 0o600);
    let said = machine.done(&["plan", "app.toml"]);
    assert!(said.contains("whether the stack `broken` has any of this can't be told"), "{said}");
    machine.done(&["apply", "--yes", "app.toml"]);

    // What state says of another stack counts for what is taken away too.
    fs::remove_file(machine.path("state/broken.state")).unwrap();
    fs::copy(machine.path("state/media.state"), machine.path("state/other.state")).unwrap();
    let (code, said) = machine.run(&["destroy", "--yes", "app.toml"], "");
    assert!(code == 1 && said.contains("is secret.app's of the stack `other`"), "{said}");
    let without = spec.split("[[secret.app.render]]").next().unwrap();
    machine.write("app.toml", without, 0o644);
    let (code, said) = machine.run(&["plan", "app.toml"], "");
    assert!(code == 3 && said.contains("is secret.app's of the stack `other`"), "{said}");
    assert_eq!(machine.env(), env);
    machine.done(&["forget", "--yes", "other", "secret.app"]);
    machine.done(&["apply", "--yes", "app.toml"]);
    assert!(!machine.path("srv/app").exists());
}
