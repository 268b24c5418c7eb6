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

/// What is found of files that are as they were is not found out again; the answer is the same, and one that was edited
/// gets another.
#[test]
fn the_second_answer_is_that_of_the_files_as_they_are_now() {
    let folder = tempfile::tempdir().expect("a folder");
    let place = |name: &str| folder.path().join(name);
    let write = |name: &str, text: &str| std::fs::write(place(name), text).expect("written");
    let said = |set: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stackrun"));
        command.arg("check").arg(place("app.toml")).args(set).args(["--host", "/nowhere/stackrun.toml", "--json"]);
        let output = command.env("STACKRUN_CACHE", place("cache")).output().expect("stackrun runs");
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let severities = said.as_array().expect("a list").iter().map(|one| one["severity"].to_string());
        (output.status.code(), severities.collect::<Vec<_>>())
    };
    let contract = |more: &str| {
        format!(
            "name = \"a\"\ntitle = \"A\"\n[config]\nformat = \"toml\"\npath = \"/etc/a/a.toml\"\n[config.keys]\nx = {{ type = \"string\"{more} }}\n"
        )
    };
    let right = (Some(0), vec![]);
    let wrong = (Some(3), vec!["\"error\"".to_owned()]);
    let spec = "[stack]\nname = \"a\"\n[container.a]\nimage = \"a:1\"\ncontract = \"./a.toml\"\nvolumes = [\"/srv/a:/etc/a\"]\nlisten_port = 80\npublish_port = 8080\nconfig = {}\n";
    write("a.toml", &contract(""));
    write("app.toml", spec);
    for round in 0..2 {
        assert_eq!(said(&[]), right, "round {round}");
    }
    assert_eq!(said(&["--set", "container.a.restart=neverever"]), wrong, "--set");
    write("a.toml", &contract(", required = true"));
    for round in 0..2 {
        assert_eq!(said(&[]), wrong, "the contract, round {round}");
    }
    write("a.toml", &contract(""));
    assert_eq!(said(&[]), right, "the contract as it was");
    write("app.toml", &spec.replace("image", "imgae"));
    for round in 0..2 {
        let (code, _) = said(&[]);
        assert_eq!(code, Some(3), "the spec, round {round}");
    }
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

/// The first deployment of the first user: none of these variables was ever read, or it was read as something else.
const OLD_ENVIRONMENT: [(&str, &str, &str); 15] = [
    ("DATABASE_URL", "postgresql://m@h/m", "write in config: database = \"${postgres.*}\""),
    ("DATABASE_HOST", "h", "write in config: database.host = …"),
    ("DATABASE_USER", "m", "write in config: database.user = …"),
    ("DATABASE_PASSWORD", "old", "write in config: database.password = …"),
    ("DATABASE_NAME", "m", "write in config: database.dbname = …"),
    ("OIDC_ENABLED", "true", "write in config: auth.openid_connect.enabled = …"),
    ("OIDC_CLIENT_ID", "m", "write in config: auth.openid_connect.client_id = …"),
    ("OIDC_CLIENT_SECRET", "old", "write in config: auth.openid_connect.client_secret = …"),
    ("OIDC_CONFIGURATION_ENDPOINT", "https://a/", "write in config: auth.openid_connect.configuration_endpoint = …"),
    ("OIDC_NAME", "Authelia", "write in config: auth.openid_connect.name = …"),
    ("MEDIAMANAGER_DATABASE_HOST", "h", "write in config: database.host = …"),
    ("TOKEN_SECRET", "old", "write in config: auth.token_secret = …"),
    ("FRONTEND_URL", "https://m/", "write in config: misc.frontend_url = …"),
    ("CORS_URLS", "https://m", "write in config: misc.cors_urls = …"),
    ("DBNAME", "m", "write in config: database.dbname = …"),
];

#[test]
fn the_old_environment_is_refused_with_the_key_for_each_variable() {
    let lines = OLD_ENVIRONMENT.map(|(variable, value, _)| format!("{variable} = \"{value}\"\n")).concat();
    let spec = format!("{}\n[container.mediamanager.environment]\n{lines}", example());
    let ran = check(&spec, &["--json"]);
    assert_eq!(ran.code, Some(3), "{}", ran.err);
    let told: Vec<serde_json::Value> = serde_json::from_str(&ran.out).expect("JSON");
    for (variable, _, help) in OLD_ENVIRONMENT {
        let about =
            told.iter().find(|one| one["message"].as_str().is_some_and(|text| text.contains(&quoted(variable))));
        let about = about.unwrap_or_else(|| panic!("nothing is said of {variable}: {}", ran.out));
        assert_eq!(about["help"], help, "{variable}");
        let line = spec.lines().position(|line| line.starts_with(&format!("{variable} ="))).expect("its line") + 1;
        assert_eq!((&about["line"], &about["column"]), (&line.into(), &1.into()), "{variable}");
    }
    assert_eq!(told.len(), OLD_ENVIRONMENT.len(), "nothing else is wrong: {}", ran.out);
    // A person sees each underlined by its whole length.
    let seen = check(&spec, &[]).err;
    for (variable, value, _) in OLD_ENVIRONMENT {
        let (_, below) =
            seen.split_once(&format!("│ {variable} = \"{value}\"\n    · ")).expect("it is shown, and more below");
        let marked = below.split('\n').next().expect("a line");
        assert_eq!(marked, "─".repeat(variable.len()), "{variable}");
    }
}

fn quoted(variable: &str) -> String {
    format!("`{variable}`")
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
fn a_reader_that_has_gone_away_has_read_enough() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_stackrun"));
    let output = command.arg("schema").stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn a_result_that_could_not_be_written_is_no_success() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_stackrun"));
    let output = command.arg("schema").stdout(full).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("standard output can't be written: No space left on device"), "{said}");
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
