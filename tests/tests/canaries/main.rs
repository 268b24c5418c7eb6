//! A recognisable value put in as each secret is found nowhere but at its destinations: not in any output, plan, log,
//! message of a failing step, argument list, environment, state or file of any server. After a rotation, neither the new
//! values nor the old ones are.
//!
//! | secret | where it must be, besides the store |
//! |---|---|
//! | `database_password`, `token_secret`, `oidc_client_secret` | the rendered configuration file, 0600 |
//! | `admin_password` | nowhere: it is sent to the application, which keeps a digest |

mod evidence;
mod failing;
mod processes;
mod registration;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use evidence::{Evidence, text};
use processes::Watch;
use stackrun_tests::canary::{Canaries, of_mediamanager};
use stackrun_tests::lab::{Lab, Options, Scratch};
use stackrun_tests::sign_in::Visitor;
use stackrun_tests::stack::{Stack, domain};

/// Those of them that are in the configuration file.
const RENDERED: [&str; 3] = ["database_password", "token_secret", "oidc_client_secret"];

#[test]
fn secrets_are_found_nowhere_but_at_their_destinations() -> Result<()> {
    let lab = Scratch::up(&Options { log_statements: true, ..Options::default() })?;
    let stack = Stack::in_test(&lab)?;
    let config = lab.dir.join("data/config/config.toml");
    let mut evidence = Evidence::new();

    let admin_password = put_in(&mut evidence, &lab, &stack)?;
    everything_that_is_said(&mut evidence, &lab, &stack)?;
    failing::at_the_first_apply(&mut evidence, &lab, &stack)?;
    while_watched(&mut evidence, |evidence| {
        evidence.run(&stack, "apply", &["--yes"], "")?.with(0)?;
        Ok(())
    })?;
    everything_that_is_said(&mut evidence, &lab, &stack)?;
    evidence.run(&stack, "verify", &[], "")?.with(0)?;
    evidence.run(&stack, "verify", &["--json"], "")?.with(0)?;
    used(&lab)?;
    evidence.is_at(&config, &RENDERED)?;
    failing::once_it_stands(&mut evidence, &lab, &stack)?;
    evidence.run(&stack, "apply", &["--yes", "--json"], "")?.with(0)?;
    servers(&mut evidence, &lab)?;
    evidence.is_clean(&lab, std::slice::from_ref(&config))?;

    rotated(&mut evidence, &lab, &stack, &config, &admin_password)?;
    lab.down()
}

/// Nothing in the host knows that this part of the spec holds a secret: what is printed goes through the sink all the same.
#[test]
fn whatever_way_a_secret_took_it_is_not_printed() -> Result<()> {
    let lab = Scratch::up(&Options::default())?;
    let stack = Stack::in_test(&lab)?;
    let mut evidence = Evidence::new();
    let value = "a-name-that-Is0The1Password2Too";
    evidence.canaries.add("database_password", value);
    evidence.run(&stack, "secret set", &["database_password"], value)?.with(0)?;
    let named = format!("container.mediamanager.name={value}");
    for more in [&["--set", &named][..], &["--set", &named, "--json"]] {
        let said = evidence.run(&stack, "plan", more, "")?;
        ensure!(said.out.contains("(secret secret.mediamanager.database_password)"), "{}{}", said.out, said.err);
        for text in [&said.out, &said.err] {
            let found = evidence.canaries.find(text.as_bytes());
            ensure!(found.is_empty(), "{}", found[0]);
        }
    }
    lab.down()
}

/// Three by `secret set`, one by `secret import`; gives the administrator's password.
fn put_in(evidence: &mut Evidence, lab: &Lab, stack: &Stack) -> Result<String> {
    // Compiling plugins with a log of everything takes minutes, and is not what is looked at.
    stack.quietly("check", &[], 0)?;
    let values = of_mediamanager()?;
    for (name, value) in &values {
        evidence.canaries.add(name, value);
    }
    for (name, value) in &values[..3] {
        evidence.run(stack, "secret set", &[name], value)?.with(0)?;
    }
    let (name, value) = &values[3];
    let file = lab.dir.join("media/import.json");
    fs::write(&file, serde_json::json!({ *name: value }).to_string())?;
    evidence.run(stack, "secret import", &[&file.to_string_lossy()], "")?.with(0)?;
    fs::remove_file(&file)?;
    Ok(value.clone())
}

/// Every form in which plans, states, lists and checks are shown.
fn everything_that_is_said(evidence: &mut Evidence, lab: &Lab, stack: &Stack) -> Result<()> {
    let saved = lab.dir.join("plan.json");
    let to_file = saved.to_string_lossy();
    evidence.run(stack, "check", &[], "")?.with(0)?;
    evidence.run(stack, "plan", &[], "")?.with(0)?;
    evidence.run(stack, "plan", &["--json"], "")?.with(0)?;
    evidence.run(stack, "plan", &["--color", "always", "-o", &to_file], "")?.with(0)?;
    evidence.run(stack, "status", &[], "")?;
    evidence.run(stack, "status", &["--json"], "")?;
    evidence.run(stack, "graph", &[], "")?.with(0)?;
    evidence.run(stack, "destroy", &[], "")?;
    evidence.run(stack, "secret list", &[], "")?.with(0)?;
    evidence.run(stack, "secret list", &["--json"], "")?.with(0)?;
    evidence.run(stack, "secret show", &["token_secret"], "")?.with(1)?;
    evidence
        .run(stack, "secret export", &["--to", &lab.dir.join("media/exported.age").to_string_lossy()], "")?
        .with(0)?;
    fs::remove_file(lab.dir.join("media/exported.age"))?;
    evidence.keep("the saved plan", fs::read(&saved)?);
    Ok(fs::remove_file(&saved)?)
}

/// Arguments and environments of all processes while something runs. A value that a process is given in both ways is
/// found, so the look is quick enough to find any.
fn while_watched(evidence: &mut Evidence, run: impl FnOnce(&mut Evidence) -> Result<()>) -> Result<()> {
    let watch = Watch::begin();
    let decoy = |value: &str| {
        std::process::Command::new("sh").args(["-c", "sleep 0.1", value]).env("STACKRUN_DECOY", value).status()
    };
    let ran = run(evidence);
    decoy("DecoyOfTheCanaries")?;
    let seen = watch.end()?;
    ran?;
    let mut decoys = Canaries::default();
    decoys.add("the decoy", "DecoyOfTheCanaries");
    ensure!(!decoys.find(&seen).is_empty(), "processes were looked at too seldom");
    evidence.keep("arguments and environments of processes", seen);
    Ok(())
}

/// The application, the gateway and the provider have used their secrets, so that their logs had an occasion.
fn used(lab: &Lab) -> Result<()> {
    let person = lab.idp.users.first().context("the lab's provider knows nobody")?;
    Visitor::new(lab)?.sign_in(&lab.caddy.url(&domain(&lab.domain)), person).map(drop)
}

/// What servers show of themselves and is no file of the lab.
fn servers(evidence: &mut Evidence, lab: &Lab) -> Result<()> {
    for arguments in [&["inspect", "mediamanager"][..], &["logs", "mediamanager"], &["events", "--stream=false"]] {
        let said = lab.podman.command().args(arguments).output()?;
        ensure!(said.status.success(), "podman {arguments:?}: {}", text(&said.stderr));
        evidence.keep(&format!("podman {}", arguments.join(" ")), [said.stdout, said.stderr].concat());
    }
    let statements = fs::read_to_string(&lab.postgres.log)?;
    ensure!(statements.contains("PASSWORD 'SCRAM-SHA-256$"), "PostgreSQL's log has no statement with a password in it");
    evidence
        .keep("statements under way", lab.postgres.sql("postgres", "select query from pg_stat_activity")?.into_bytes());
    for entry in fs::read_dir("/var/cache/stackrun").into_iter().flatten() {
        let path = entry?.path();
        evidence.keep(&path.display().to_string(), fs::read(&path).unwrap_or_default());
    }
    Ok(())
}

/// Every secret is generated anew. Then the new ones are where they belong, and the old ones nowhere.
fn rotated(evidence: &mut Evidence, lab: &Lab, stack: &Stack, config: &Path, admin_password: &str) -> Result<()> {
    for (name, _) in of_mediamanager()? {
        evidence.run(stack, "secret rotate", &[name], "")?.with(0)?;
    }
    let outside = tempfile::tempdir()?;
    let exported = outside.path().join("secrets.json");
    let to = exported.to_string_lossy();
    evidence.run(stack, "secret export", &["--clear", "--format", "json", "--to", &to], "")?.with(0)?;
    let values: serde_json::Value = serde_json::from_str(&fs::read_to_string(&exported)?)?;
    for (name, _) in of_mediamanager()? {
        let value = values[name].as_str().with_context(|| format!("{name} was not exported"))?;
        evidence.canaries.add(&format!("new {name}"), value);
    }
    everything_that_is_said(evidence, lab, stack)?;
    by_hand(lab, admin_password, values["admin_password"].as_str().unwrap_or_default())?;
    while_watched(evidence, |evidence| {
        evidence.run(stack, "apply", &["--yes"], "")?.with(0)?;
        Ok(())
    })?;
    everything_that_is_said(evidence, lab, stack)?;
    used(lab)?;
    servers(evidence, lab)?;
    evidence.is_at(config, &RENDERED.map(|name| format!("new {name}")).each_ref().map(String::as_str))?;
    ensure!(
        !evidence.finds_in(config)?.iter().any(|of| !of.starts_with("new ")),
        "an old value is still in the configuration"
    );
    evidence.is_clean(lab, &[PathBuf::from(config)])
}

/// The administrator changes the password: the application has a new one from its first login alone.
fn by_hand(lab: &Lab, old: &str, new: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (old_file, new_file) = (folder.path().join("old"), folder.path().join("new.json"));
    fs::write(&old_file, old)?;
    fs::write(&new_file, serde_json::json!({ "password": new }).to_string())?;
    let url = |path: &str| format!("{}/api/v1/{path}", lab.caddy.url(&domain(&lab.domain)));
    let ask = |arguments: &[&str]| -> Result<String> {
        let answer = lab.caddy.curl(&domain(&lab.domain)).args(arguments).output()?;
        ensure!(answer.status.success(), "{arguments:?}: {}", text(&answer.stderr));
        Ok(text(&answer.stdout))
    };
    let password = format!("password@{}", old_file.display());
    let login = ["--data", "username=me@arsfeld.one", "--data-urlencode", &password, &url("auth/jwt/login")];
    let answer: serde_json::Value = serde_json::from_str(&ask(&login)?)?;
    let token = answer["access_token"].as_str().context("the administrator can't sign in")?;
    let (bearer, body) = (format!("Authorization: Bearer {token}"), format!("@{}", new_file.display()));
    let headers = ["--request", "PATCH", "--header", &bearer, "--header", "Content-Type: application/json"];
    ask(&[&headers[..], &["--data", &body, &url("users/me")]].concat()).map(drop)
}
