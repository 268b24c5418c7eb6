//! The same plugins named by a host file, beside an instance that is all right: exit code 8, the message, and nothing of
//! the whole stack is made.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, process::Command};

use crate::guest::{Guest, data, of_another_world};

const DENIED: i32 = 8;

struct Stack {
    folder: tempfile::TempDir,
}

impl Stack {
    fn with(component: &[u8], grants: &str) -> Self {
        let stack = Self { folder: tempfile::tempdir().unwrap() };
        let at = stack.folder.path().display().to_string();
        let host = format!(
            "[store]\npath = \"{at}/store\"\nidentity = \"{at}/identity\"\nrecipients = \
             [\"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\"]\n[state]\npath = \"{at}/state\"\n\
             [folders]\ndata = \"{at}/data\"\n[plugin.hostile]\npath = \"{at}/hostile.wasm\"\n{grants}"
        );
        let spec = "[stack]\nname = \"app\"\n[hostile.app]\n[secret.app]\nkey = { generate = \"hex\" }\n";
        for (name, content) in
            [("stackrun.toml", host.as_bytes()), ("app.toml", spec.as_bytes()), ("hostile.wasm", component)]
        {
            fs::write(stack.path(name), content).unwrap();
            fs::set_permissions(stack.path(name), fs::Permissions::from_mode(0o644)).unwrap();
        }
        stack
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The exit code, and what is said.
    fn run(&self, command: &[&str]) -> (Option<i32>, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_stackrun"))
            .args(command)
            .arg(self.path("app.toml"))
            .arg("--host")
            .arg(self.path("stackrun.toml"))
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }

    fn stopped(&self, command: &[&str], told: &str) {
        let (code, said) = self.run(command);
        assert_eq!(code, Some(DENIED), "{command:?}: {said}");
        assert!(said.contains(told), "{command:?}: no {told} in {said}");
        assert!(!self.path("store").exists() && !self.path("data").exists(), "{command:?}: something was made");
    }
}

#[test]
fn a_plugin_that_fails_ends_every_command() {
    for (check, told) in [
        ("(loop $for_ever (br $for_ever)) i32.const 0", "it used up its fuel of "),
        ("(loop $more (drop (memory.grow (i32.const 16))) (br $more)) i32.const 0", "it asked for more than 64 MiB"),
        ("unreachable", "it stopped: it panicked"),
    ] {
        let stack = Stack::with(&Guest { check, ..Guest::default() }.component(), "");
        let told = format!("plugin `hostile` failed to check hostile.app: {told}");
        stack.stopped(&["check"], &told);
        stack.stopped(&["apply", "--yes"], &told);
    }
}

#[test]
fn a_plugin_that_says_nothing_has_not_left_the_spec() {
    let more = data(100_000, crate::NO_ANSWER);
    let told = |call: &str| format!("plugin `hostile` failed to {call} hostile.app: it gave no answer and no error");
    let silent = Guest { more: &more, plan: "i32.const 100000", ..Guest::default() }.component();
    for command in [&["plan"][..], &["apply", "--yes"], &["status"], &["verify"]] {
        Stack::with(&silent, "").stopped(command, &told("plan"));
    }
    let silent = Guest { more: &more, outputs: "i32.const 100000", ..Guest::default() }.component();
    Stack::with(&silent, "").stopped(&["apply", "--yes"], "hostile.app: it gave no answer and no error");
}

#[test]
fn a_plugin_of_another_version_or_with_other_imports_is_not_loaded() {
    let newer = of_another_world(|_, text| text.replace("plugin@0.1.0", "plugin@0.2.0"));
    Stack::with(&newer, "").stopped(&["apply", "--yes"], "this stackrun speaks 0.1.0: upgrade stackrun");
    let line = "    import wasi:clocks/monotonic-clock@0.2.0;\n    export guest;\n";
    let clock = of_another_world(|_, text| text.replace("    export guest;\n", line));
    Stack::with(&clock, "").stopped(&["apply", "--yes"], "it imports `wasi:clocks/monotonic-clock@0.2.0`");
}

#[test]
fn a_denied_plugin_ends_the_run_with_the_line_to_add() {
    let imports = r#"(import "stackrun:plugin/files@0.1.0" "read" (func $read (param i32 i32 i32)))"#;
    let plan = "(call $read (i32.const 100000) (i32.const 11) (i32.const 100100)) i32.const 0";
    let more = data(100_000, b"/etc/shadow");
    let plugin = Guest { imports, plan, more: &more, capabilities: &["files"], ..Guest::default() }.component();
    let denied = "plugin `hostile` was denied `files.read` for hostile.app: it asked for /etc/shadow\n";
    let line = "\n[plugin.hostile.grants]\nfiles.read = [\"/etc/shadow\"]\n";
    for command in [&["plan"][..], &["apply", "--yes"], &["status"], &["verify"]] {
        Stack::with(&plugin, "").stopped(command, denied);
        Stack::with(&plugin, "").stopped(command, line);
    }
    // What another grant gives does not help; this line would.
    let others = "[plugin.hostile.grants]\nfiles.look = [\"/etc/shadow\"]\nfiles.mention = [\"/etc/shadow\"]\n";
    Stack::with(&plugin, others).stopped(&["plan"], denied);
}

/// Two instances ask for what is not granted, one thing twice, another with a name that has to be escaped. What is said
/// at the end goes into the host file as it stands, and then nothing is denied any more.
#[test]
fn all_that_is_denied_is_one_block_to_paste() {
    let imports = r#"(import "stackrun:plugin/files@0.1.0" "read" (func $read (param i32 i32 i32)))"#;
    let odd = "/srv/a \"b\" \\ \u{202e}\n";
    let plan = format!(
        "(call $read (i32.const 100000) (i32.const 11) (i32.const 100100))
         (call $read (i32.const 100000) (i32.const 11) (i32.const 100100))
         (call $read (i32.const 100200) (i32.const {}) (i32.const 100100)) i32.const 0",
        odd.len()
    );
    let more = data(100_000, b"/etc/passwd") + &data(100_200, odd.as_bytes());
    let plugin = Guest { imports, plan: &plan, more: &more, capabilities: &["files"], ..Guest::default() }.component();
    let stack = |grants: &str| {
        let stack = Stack::with(&plugin, grants);
        let spec = "[stack]\nname = \"app\"\n[hostile.app]\n[hostile.more]\n";
        fs::write(stack.path("app.toml"), spec).unwrap();
        stack
    };
    for (standing, kept) in [("", ""), ("[plugin.hostile.grants.files]\nlook = [\"/srv/{name}\"]\n", "/srv/{name}")] {
        let (code, said) = stack(standing).run(&["plan"]);
        assert_eq!(code, Some(DENIED), "{said}");
        let (told, block) = said.split_once("\nto grant all of that, add to ").unwrap();
        assert_eq!(told.matches("was denied `files.read`").count(), 4, "{told}");
        let (_, block) = block.split_once(":\n").unwrap();
        assert_eq!(block.matches("[plugin.hostile.grants]").count(), 1, "{block}");
        assert_eq!(block.matches("/etc/passwd").count(), 1, "{block}");
        assert!(block.contains(kept), "what is granted stays granted: {block}");
        let (code, said) = stack(block).run(&["plan"]);
        assert_eq!((code, said.contains("denied")), (Some(0), false), "{block}\n{said}");
    }
}
