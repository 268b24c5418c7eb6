//! `apply --only`: one instance's actions and checks, and what is left undone is said.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use stackrun_tests::by_hand::{edit, without_blocks};
use stackrun_tests::lab::{Options, Scratch};
use stackrun_tests::stack::{DONE, ERROR, Stack, domain, text};

#[test]
fn only_one_instance_is_applied_and_checked() -> Result<()> {
    let lab = Scratch::up(&Options::default())?;
    let stack = Stack::in_test(&lab)?;
    stack.quietly("apply", &["--yes"], DONE)?;
    let site = lab.caddy.sites.join(format!("{}.caddy", domain(&lab.domain)));
    let rules = fs::read_to_string(&lab.postgres.hba)?;
    edit(&lab.postgres.hba, without_blocks)?;
    edit(&site, |old| format!("{old}\n# by hand\n"))?;

    let unknown = stack.quietly("apply", &["--yes", "--only", "gatway.mediamanager"], ERROR)?;
    ensure!(text(&unknown.stderr).contains("gateway.mediamanager"), "no suggestion: {}", text(&unknown.stderr));
    ensure!(fs::read_to_string(&site)?.contains("by hand"), "a misspelt instance changed something");

    let ran = stack.quietly("apply", &["--yes", "--json", "--only", "gateway.mediamanager"], DONE)?;
    let events: Vec<Value> =
        text(&ran.stdout).lines().map(serde_json::from_str).collect::<Result<_, _>>().context("an event is no JSON")?;
    let named = |name: &str| events.iter().filter(|event| event["event"] == name).collect::<Vec<_>>();
    for event in ["action-done", "check-done"] {
        let (all, of) = (named(event), |one: &&&Value| one["instance"] == "gateway.mediamanager");
        ensure!(!all.is_empty() && all.iter().all(|one| of(&one)), "{event}: {all:#?}");
    }
    let said = named("note")
        .iter()
        .any(|note| note["message"].as_str().is_some_and(|said| said.contains("postgres.mediamanager")));
    ensure!(said, "what is left undone is not said: {events:#?}");
    ensure!(!fs::read_to_string(&site)?.contains("by hand"), "the instance was not applied");
    ensure!(!fs::read_to_string(&lab.postgres.hba)?.contains("stackrun"), "another instance was applied as well");

    stack.quietly("apply", &["--yes"], DONE)?;
    ensure!(fs::read_to_string(&lab.postgres.hba)? == rules, "the rest was not applied after it");
    stack.nothing_to_do()?;
    lab.down()
}
