//! `stackrun check`, as a person runs it: with the five plugins, and no host file on the machine.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{path::Path, process::Command};

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn stackrun(args: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_stackrun"))
        .args(args)
        .args(["--host", "/nowhere/stackrun.toml"])
        .env("NO_COLOR", "1")
        .output()
        .expect("stackrun runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

fn check(spec: &str, more: &[&str]) -> Ran {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app.toml");
    std::fs::write(&path, spec).expect("written");
    let path = path.to_str().expect("UTF-8");
    stackrun(&[&["check", path], more].concat())
}

fn example() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/mediamanager.toml");
    std::fs::read_to_string(path).expect("the example")
}

#[test]
fn the_example_is_right_and_needs_no_host_file() {
    let ran = check(&example(), &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.contains("nothing is wrong with its 5 instances"), "{}", ran.out);
}

#[test]
fn mistakes_of_every_kind_are_said_at_once_with_code_3() {
    let broken = example()
        .replace("client_secret = ", "client_secrets = ")
        .replace("[gateway.mediamanager]", "[gatway.mediamanager]")
        .replace("volumes = [", "volume = [")
        .replace("auth.token_secret ", "auth.token_secrt ")
        .replace("${secret.database_password}", "${secret.databse_password}");
    let ran = check(&broken, &[]);
    assert_eq!(ran.code, Some(3));
    assert_eq!(ran.out, "", "standard output is for results");
    for told in [
        "did you mean `[gateway.mediamanager]`?",
        "did you mean `volumes`?",
        "did you mean `auth.token_secret`?",
        "did you mean `database_password`?",
        "did you mean `client_secret`?",
        "app.toml:",
    ] {
        assert!(ran.err.contains(told), "no {told} in\n{}", ran.err);
    }
}

#[test]
fn json_says_the_same_with_file_line_and_column() {
    let ran = check("[stack]\nname = \"a\"\n[container.a]\nimgae = \"x\"\n", &["--json"]);
    assert_eq!(ran.code, Some(3));
    let told: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    let unknown = told.as_array().expect("a list").iter().find(|one| one["line"] == 4).expect("line 4");
    assert_eq!(unknown["column"], 1);
    assert_eq!(unknown["severity"], "error");
    assert_eq!(unknown["help"], "did you mean `image`?");
    assert!(unknown["file"].as_str().expect("a file").ends_with("app.toml"));
}

/// The first deployment of the first user: none of these variables was ever read.
#[test]
fn the_old_environment_is_refused_with_the_key_for_each_variable() {
    let old = "\n[container.mediamanager.environment]\nDATABASE_URL = \"postgresql://m@h/m\"\nDATABASE_HOST = \"h\"\n\
               DATABASE_USER = \"m\"\nOIDC_ENABLED = \"true\"\nOIDC_CLIENT_ID = \"m\"\nOIDC_NAME = \"Authelia\"\n";
    let ran = check(&(example() + old), &[]);
    assert_eq!(ran.code, Some(3));
    for (variable, key) in [
        ("DATABASE_URL", "database = \"${postgres.*}\""),
        ("DATABASE_HOST", "database.host"),
        ("DATABASE_USER", "database.user"),
        ("OIDC_ENABLED", "auth.openid_connect.enabled"),
        ("OIDC_CLIENT_ID", "auth.openid_connect.client_id"),
        ("OIDC_NAME", "auth.openid_connect.name"),
    ] {
        let (_, after) = ran.err.split_once(&format!("`{variable}`")).unwrap_or_else(|| panic!("{}", ran.err));
        let help = after.split("help: ").nth(1).expect("a help");
        assert!(help.starts_with(&format!("write in config: {key}")), "{variable}: {help}");
    }
}

#[test]
fn set_stands_in_for_a_value_of_the_spec() {
    let good = check(&example(), &["--set", "gateway.mediamanager.auth=forward"]);
    assert_eq!(good.code, Some(0), "{}", good.err);
    let bad = check(&example(), &["--set", "gateway.mediamanager.auth=forwrad"]);
    assert_eq!(bad.code, Some(3));
    assert!(bad.err.contains("did you mean `forward`?"), "{}", bad.err);
}

#[test]
fn a_spec_that_is_not_there_is_invalid() {
    let ran = stackrun(&["check", "/nowhere/app.toml"]);
    assert_eq!(ran.code, Some(3));
    assert!(ran.err.contains("/nowhere/app.toml"), "{}", ran.err);
}

#[test]
fn schema_prints_a_schema_that_the_example_keeps_to() {
    let ran = stackrun(&["schema"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let schema: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let spec: serde_json::Value = toml::from_str(&example()).expect("TOML");
    let errors: Vec<String> = validator.iter_errors(&spec).map(|error| error.to_string()).collect();
    assert_eq!(errors, [] as [String; 0]);
}
