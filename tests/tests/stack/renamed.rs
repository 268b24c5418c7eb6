//! What a changed spec no longer wants is gone: the site of an old domain, an instance that was taken out.

use std::fs;

use anyhow::{Context, Result, ensure};
use stackrun_tests::by_hand::edit;
use stackrun_tests::lab::{Lab, Options, Scratch};
use stackrun_tests::machine::roles_and_databases;
use stackrun_tests::sign_in::Visitor;
use stackrun_tests::stack::{DONE, PENDING, Stack, domain, text};

#[test]
fn a_renamed_domain_leaves_no_old_site_and_all_that_follows_from_it_follows() -> Result<()> {
    let lab = Scratch::up(&Options::default())?;
    let before = Stack::in_test(&lab)?;
    before.quietly("apply", &["--yes"], DONE)?;
    let (old, new) = (domain(&lab.domain), format!("kinto.{}", lab.domain));
    is_served(&lab, &old, &new)?;

    let after = Stack { set: vec![format!("gateway.mediamanager.domain={new}")], ..before.clone() };
    let status = after.status()?;
    for (instance, words) in [
        ("gateway.mediamanager", format!("site {new}: {new} is not served yet")),
        ("gateway.mediamanager", format!("site {old}: gateway.mediamanager no longer needs it")),
        ("oidc.mediamanager", "the client is another one".to_owned()),
        ("container.mediamanager", "its configuration differs".to_owned()),
    ] {
        let lines = status.iter().filter(|one| one.instance == instance).flat_map(|one| &one.drift);
        ensure!(lines.clone().any(|line| line.contains(&words)), "{instance}, {words}: {status:#?}");
    }
    after.quietly("plan", &["--detailed-exitcode"], PENDING)?;
    after.quietly("apply", &["--yes"], DONE)?;
    after.nothing_to_do()?;
    is_served(&lab, &new, &old)?;

    before.quietly("apply", &["--yes"], DONE)?;
    before.nothing_to_do()?;
    is_served(&lab, &old, &new)?;
    lab.down()
}

/// One name answers, with a sign-in, and is all that provider and application know; the other is gone.
fn is_served(lab: &Lab, here: &str, gone: &str) -> Result<()> {
    let file = |domain: &str| lab.caddy.sites.join(format!("{domain}.caddy"));
    ensure!(file(here).is_file() && !file(gone).exists(), "the site files are not those of {here} alone");
    ensure!(lab.caddy.get(gone, "/").is_err(), "{gone} still answers");
    let (url, person) = (lab.caddy.url(here), lab.idp.users.first().context("the provider knows nobody")?);
    Visitor::new(lab)?.sign_in(&url, person).with_context(|| format!("signing in at {here}"))?;
    for path in [&lab.idp.clients_fragment, &lab.dir.join("data/config/config.toml")] {
        let text = fs::read_to_string(path)?;
        ensure!(text.contains(&url) && !text.contains(gone), "{} does not follow to {here}:\n{text}", path.display());
    }
    Ok(())
}

#[test]
fn an_instance_taken_out_is_undone_and_its_data_stays() -> Result<()> {
    let lab = Scratch::up(&Options::default())?;
    let stack = Stack::in_test(&lab)?.on_copies(&lab)?;
    let whole = fs::read_to_string(&stack.spec)? + EXTRA;
    fs::write(&stack.spec, &whole)?;
    stack.quietly("apply", &["--yes"], DONE)?;
    let ident = fs::read_to_string(&lab.postgres.ident)?;
    ensure!(ident.contains("postgres.extra"), "the extra database has no line in pg_ident.conf: {ident}");

    edit(&stack.spec, |_| without_sign_in(&whole.replace(EXTRA, "")))?;
    let status = stack.status()?;
    for instance in ["oidc.mediamanager", "postgres.extra"] {
        let one = status.iter().find(|one| one.instance == instance).with_context(|| format!("no {instance}"))?;
        ensure!(
            one.status == "unwanted" && one.drift.iter().any(|line| line.contains("no longer in the spec")),
            "{one:?}"
        );
    }
    let plan = text(&stack.quietly("plan", &["--detailed-exitcode"], PENDING)?.stdout);
    ensure!(plan.contains("database extra (postgres.extra)"), "the plan does not say what data stays: {plan}");
    stack.quietly("apply", &["--yes"], DONE)?;
    stack.nothing_to_do()?;
    for path in [&lab.postgres.hba, &lab.postgres.ident, &lab.idp.clients_fragment] {
        let text = fs::read_to_string(path)?;
        let left = text.contains("postgres.extra") || text.contains("oidc.mediamanager");
        ensure!(!left, "{} still has what was taken out:\n{text}", path.display());
    }
    let data = roles_and_databases(&lab)?;
    ensure!(data.contains(&"database extra".to_owned()), "data was taken that nobody named: {data:?}");
    ensure!(data.contains(&"role extra".to_owned()), "the database lost its owner: {data:?}");
    let url = lab.caddy.url(&domain(&lab.domain));
    let offers = lab.caddy.get(&domain(&lab.domain), "/api/v1/auth/metadata")?;
    ensure!(offers.contains("[]"), "the application still offers a sign-in: {offers}");

    edit(&stack.spec, |_| whole.clone())?;
    stack.quietly("apply", &["--yes"], DONE)?;
    stack.nothing_to_do()?;
    let person = lab.idp.users.first().context("the provider knows nobody")?;
    Visitor::new(&lab)?.sign_in(&url, person).context("after the client is back")?;
    lab.down()
}

/// A second database, for a program of the machine's own.
const EXTRA: &str = r#"
[postgres.extra]
ident = [{ system_user = "nobody" }]
"#;

/// The spec without its client.
fn without_sign_in(spec: &str) -> String {
    let spec = spec.split("[oidc.mediamanager]").next().unwrap_or_default();
    spec.lines().filter(|line| !line.contains("${oidc.*}")).map(|line| format!("{line}\n")).collect()
}
