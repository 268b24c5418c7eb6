//! A real plugin that panics: the person reads its words, as its own, without what would move the cursor and without a
//! credential.
#![allow(clippy::unwrap_used, missing_docs)]

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use age::secrecy::ExposeSecret;
use tempfile::TempDir;

const WORDS: &str = "no such thing\\u001b[2J as a token-of-the-provider";

fn plugin() -> PathBuf {
    let built = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/plugins");
    let folder = std::env::var_os("STACKRUN_TEST_PLUGINS").map_or_else(built, PathBuf::from);
    folder.join("panics.wasm").canonicalize().unwrap()
}

/// A machine with this plugin, and a spec in which it panics in one of its calls.
fn machine(call: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let identity = age::x25519::Identity::generate();
    std::fs::write(at("identity"), identity.to_string().expose_secret()).unwrap();
    std::fs::set_permissions(at("identity"), PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::write(at("token"), "token-of-the-provider\n").unwrap();
    let root = folder.path().display();
    let (plugin, recipient) = (plugin(), identity.to_public());
    let host_file = format!(
        "[state]\npath = \"{root}/state\"\n[store]\npath = \"{root}/store\"\nidentity = \"{root}/identity\"\n\
         recipients = [\"{recipient}\"]\n[plugin.panics]\npath = {plugin:?}\n[connection.idp]\n\
         kind = \"oidc-registration\"\nissuer = \"https://idp.test\"\n\
         initial_access_token_file = \"{root}/token\"\n"
    );
    std::fs::write(at("stackrun.toml"), host_file).unwrap();
    std::fs::write(at("app.toml"), format!("[stack]\nname = \"app\"\n[panics.app]\n{call} = \"{WORDS}\"\n")).unwrap();
    folder
}

/// Exit code and standard error.
fn stackrun(machine: &TempDir, command: &str) -> (Option<i32>, String) {
    let at = |name: &str| machine.path().join(name);
    let mut stackrun = Command::new(env!("CARGO_BIN_EXE_stackrun"));
    stackrun.arg(command).arg(at("app.toml")).arg("--host").arg(at("stackrun.toml")).env("NO_COLOR", "1");
    let output = stackrun.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn the_words_of_a_panic_are_told_as_the_plugins_own() {
    for call in ["check", "outputs"] {
        let (code, said) = stackrun(&machine(call), "check");
        assert_eq!(code, Some(8), "{said}");
        let told = "it panicked; its last message was: no such thing\\u{1b}[2J as a ";
        assert!(said.contains(told), "{said}");
        assert!(said.contains("panics/src/lib.rs:"), "the place in its source is missing: {said}");
    }
}

#[test]
fn a_credential_in_them_is_not_told() {
    let (code, said) = stackrun(&machine("plan"), "plan");
    assert_eq!(code, Some(8), "{said}");
    let told = "plugin `panics` failed to plan panics.app: it stopped: it panicked; its last message was: no such \
                thing\\u{1b}[2J as a (secret initial_access_token_file of connection idp) (";
    assert!(said.contains(told), "{said}");
    assert!(!said.contains("token-of-the-provider"), "{said}");
}
