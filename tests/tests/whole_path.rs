//! The whole path on real servers: from nothing to a stack that works, twice; a run that fails, and one killed in the
//! middle; and everything taken away again without losing data.

use std::fs;
use std::os::unix::fs::MetadataExt;

use anyhow::{Context, Result, ensure};
use stackrun_tests::lab::{Lab, Options, Scratch};
use stackrun_tests::machine::Machine;
use stackrun_tests::sign_in::Visitor;
use stackrun_tests::stack::{DONE, ERROR, Stack, UNPROVEN, domain, kill_when, text};

#[test]
fn from_nothing_to_a_stack_that_works_and_back() -> Result<()> {
    let lab = Scratch::up(&Options::default())?;
    let stack = Stack::in_test(&lab)?;
    let before = Machine::look(&lab)?;
    let media_owner = fs::metadata(&lab.media_file)?.uid();

    stack.quietly("check", &[], DONE)?;
    let refused = stack.quietly("apply", &[], ERROR)?;
    ensure!(text(&refused.stderr).contains("--yes"), "without a terminal it refuses: {}", text(&refused.stderr));
    stack.quietly("apply", &["--yes"], DONE)?;
    nothing_to_do(&stack)?;
    let looked = text(&stack.quietly("verify", &[], DONE)?.stderr);
    ensure!(looked.contains("6 checks hold. 2 more send something"), "verify sends what it should not: {looked}");
    ensure!(looked.contains("not asked, because it sends something: mediamanager refuses"), "not named: {looked}");
    let probed = text(&stack.quietly("verify", &["--probes"], DONE)?.stderr);
    ensure!(probed.contains("8 checks hold.") && !probed.contains("not asked"), "verify --probes: {probed}");
    people_can_sign_in_and_default_passwords_do_not(&lab)?;
    forged_headers_do_not_arrive(&lab)?;
    ensure!(fs::metadata(&lab.media_file)?.uid() == media_owner, "the media library was re-owned");

    a_wrong_password_leaves_the_old_container_serving(&lab, &stack)?;
    a_killed_run_is_recovered(&lab, &stack)?;

    let config = rendered_config(&lab)?;
    stack.quietly("destroy", &["--yes"], DONE)?;
    Machine::look(&lab)?.same_as(&before)?;
    ensure!(databases(&lab)?.contains("mediamanager"), "destroy took the database without being asked for it");
    stack.quietly("apply", &["--yes"], DONE)?;
    ensure!(rendered_config(&lab)? == config, "secrets were generated again after destroy");
    stack.quietly("destroy", &["--yes", "--delete-data", "postgres.mediamanager"], DONE)?;
    ensure!(!databases(&lab)?.contains("mediamanager"), "the database was named, and is still there");
    lab.down()
}

fn nothing_to_do(stack: &Stack) -> Result<()> {
    stack.quietly("plan", &["--detailed-exitcode"], DONE).map(drop).context("there is something left to do")
}

fn people_can_sign_in_and_default_passwords_do_not(lab: &Lab) -> Result<()> {
    let url = lab.caddy.url(&domain(&lab.domain));
    let person = lab.idp.users.first().context("the lab's provider knows nobody")?;
    let mail = Visitor::new(lab)?.sign_in(&url, person)?;
    ensure!(mail == person.email, "signed in as {mail}");
    let login =
        ["--data", "username=me@arsfeld.one&password=admin", "--write-out", "%{http_code}", "--output", "/dev/null"];
    let address = format!("{url}/api/v1/auth/jwt/login");
    let answer = lab.caddy.curl(&domain(&lab.domain)).args(login).arg(&address).output()?;
    ensure!(text(&answer.stdout).ends_with("400"), "the default password signs in: {}", text(&answer.stdout));
    Ok(())
}

/// Spellings that some server takes for `Remote-User`: names have no case, and for WSGI `_` is as good as `-`.
const FORGED: &[&str] = &["Remote-User", "remote-user", "REMOTE_USER", "Remote_User", "remote-User", "Remote-Groups"];

fn forged_headers_do_not_arrive(lab: &Lab) -> Result<()> {
    let is_forged = |(name, value): &&(String, String)| {
        name.to_ascii_lowercase().replace('_', "-").starts_with("remote-") || value.contains("root")
    };
    let past_the_gateway = format!("http://{}:16366", lab.podman.publish_address);
    let arrived = headers_that_arrive(lab, &past_the_gateway)?;
    let forged = arrived.iter().filter(is_forged).count();
    ensure!(forged == FORGED.len(), "the application is not shown what is sent: {arrived:?}");
    let arrived = headers_that_arrive(lab, &lab.caddy.url(&domain(&lab.domain)))?;
    ensure!(!arrived.iter().any(|header| is_forged(&header)), "a forged header arrived: {arrived:?}");
    Ok(())
}

/// Sends forged headers, and one that may pass, and asks the application which have arrived, with their values.
fn headers_that_arrive(lab: &Lab, origin: &str) -> Result<Vec<(String, String)>> {
    let mut curl = lab.caddy.curl(&domain(&lab.domain));
    for name in FORGED {
        curl.args(["--header", &format!("{name}: root")]);
    }
    curl.args(["--header", "X-Of-This-Request: arrived"]);
    let answer = curl.arg(format!("{origin}/api/v1/debug/headers")).output()?;
    ensure!(answer.status.success(), "the headers can't be asked for: {}", text(&answer.stderr));
    let arrived: Vec<(String, String)> = serde_json::from_slice(&answer.stdout)
        .with_context(|| format!("these are not the headers that arrived: {}", text(&answer.stdout)))?;
    let may_pass = ("x-of-this-request".to_owned(), "arrived".to_owned());
    ensure!(arrived.contains(&may_pass), "the header that may pass did not: {arrived:?}");
    Ok(arrived)
}

/// A password that the application's configuration can't know makes the replacement fail, and the old one serves on.
fn a_wrong_password_leaves_the_old_container_serving(lab: &Lab, stack: &Stack) -> Result<()> {
    let id = || -> Result<String> {
        let output = lab
            .podman
            .command()
            .args(["inspect", "--format", "{{.Id}} {{.State.Running}}", "mediamanager"])
            .output()?;
        Ok(text(&output.stdout))
    };
    let before = id()?;
    lab.postgres.sql("postgres", "alter role mediamanager password 'another'")?;
    let failed = stack.quietly(
        "apply",
        &["--yes", "--only", "container.mediamanager", "--set", "container.mediamanager.memory=900M"],
        UNPROVEN,
    )?;
    let said = text(&failed.stderr);
    ensure!(said.contains("password authentication failed"), "the reason is missing: {said}");
    ensure!(id()? == before, "the old container is not serving: {} was {before}", id()?);
    stack.quietly("apply", &["--yes"], DONE)?;
    nothing_to_do(stack)
}

fn a_killed_run_is_recovered(lab: &Lab, stack: &Stack) -> Result<()> {
    let memory = ["--yes", "--json", "--set", "container.mediamanager.memory=800M"];
    // Stopping the old container and starting the new one are in the middle of a replacement; removing the old one is
    // past the point of no return.
    for moment in ["stop container", "start container", "remove container"] {
        kill_when(stack, &memory, moment)?;
        stack.quietly("apply", &["--yes"], DONE).with_context(|| format!("after a kill at: {moment}"))?;
        nothing_to_do(stack)?;
        let names = lab.podman.command().args(["ps", "--all", "--format", "{{.Names}}"]).output()?;
        ensure!(text(&names.stdout).trim() == "mediamanager", "left over after {moment}: {}", text(&names.stdout));
    }
    Ok(())
}

fn config_file(lab: &Lab) -> std::path::PathBuf {
    lab.dir.join("data/config/config.toml")
}

fn rendered_config(lab: &Lab) -> Result<String> {
    Ok(fs::read_to_string(config_file(lab))?)
}

fn databases(lab: &Lab) -> Result<String> {
    lab.postgres.sql("postgres", "select string_agg(datname, ' ') from pg_database")
}
