//! A provider that reads its clients when it starts is restarted once, however many clients change.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use stackrun_tests::by_hand::edit;
use stackrun_tests::lab::{Lab, Options, Scratch};
use stackrun_tests::sign_in::Visitor;
use stackrun_tests::stack::{DONE, PARTWAY, Stack, UNPROVEN, domain, kill_when, text};

/// A second site and a second client for the same application.
const SECOND: &str = r#"
[gateway.second]
domain = "kinto.lab.localhost"
to     = "${container.address}"

[oidc.second]
client_secret = "${secret.oidc_client_secret}"
site          = "${gateway.second.url}"
redirect_uris = ["${gateway.second.url}/callback"]
scopes        = ["openid"]
method        = "client_secret_basic"
"#;

#[test]
fn two_clients_are_one_restart() -> Result<()> {
    let lab = Scratch::up(&Options::default())?;
    let stack = Stack::in_test(&lab)?.on_copies(&lab)?;
    edit(&stack.spec, |spec| spec.to_owned() + SECOND)?;

    one_that_does_not_restart_leaves_no_client(&lab, &stack)?;
    let plan = text(&stack.quietly("plan", &[], DONE)?.stdout);
    ensure!(
        plan.matches("with others that need it: restart authelia").count() == 2,
        "the plan does not say it: {plan}"
    );
    settles_once(&stack, "apply")?;
    stack.nothing_to_do()?;
    stack.quietly("verify", &[], DONE)?;
    sign_in(&lab)?;

    a_site_that_does_not_work_takes_no_other_with_it(&lab, &stack)?;
    killed_before_the_restart_both_are_taken_back_and_made_again(&lab, &stack)?;
    settles_once(&stack, "destroy")?;
    ensure!(fs::read_to_string(&lab.idp.clients_fragment)?.is_empty(), "clients are left");
    ensure!(fs::read_dir(&lab.caddy.sites)?.next().is_none(), "sites are left");
    lab.down()
}

/// Both clients and both sites change, and their servers are told once.
fn settles_once(stack: &Stack, command: &str) -> Result<()> {
    let ran = stack.quietly(command, &["--yes", "--json"], DONE)?;
    let said = text(&ran.stdout);
    let events: Vec<Value> =
        said.lines().map(serde_json::from_str).collect::<Result<_, _>>().context("an event is no JSON")?;
    let count = |key: &str, value: &str| events.iter().filter(|event| event[key] == value).count();
    for (headline, thing) in [("restart authelia", "client"), ("reload caddy", "site")] {
        let done = events.iter().filter(|event| event["event"] == "action-done" && event["thing"] == thing).count();
        ensure!(done == 2, "{command}: not 2 of {thing} but {done}: {said}");
        let settled = count("headline", headline);
        ensure!(settled == 1, "{command}: not one `{headline}` but {settled}: {said}");
    }
    Ok(())
}

/// When the one restart fails, both clients are taken back.
fn one_that_does_not_restart_leaves_no_client(lab: &Lab, stack: &Stack) -> Result<()> {
    let host = fs::read_to_string(&stack.host)?;
    edit(&stack.host, |host| host.replace("bin/idp-restart\"", "bin/idp-restart-that-is-not-there\""))?;
    let ended = stack.quietly("apply", &["--yes"], PARTWAY)?;
    ensure!(text(&ended.stderr).contains("restart"), "why is not said: {}", text(&ended.stderr));
    let clients = fs::read_to_string(&lab.idp.clients_fragment)?;
    ensure!(clients.is_empty(), "clients are left that no restart made work: {clients}");
    edit(&stack.host, |_| host)
}

/// Of two sites that change, the one whose page is not there is taken back, and the other is done.
fn a_site_that_does_not_work_takes_no_other_with_it(lab: &Lab, stack: &Stack) -> Result<()> {
    let broken = [
        "--yes",
        "--set",
        "gateway.second.page=/there/is/no/such/page",
        "--set",
        "gateway.second.max_body=1MB",
        "--set",
        "gateway.mediamanager.max_body=2MB",
    ];
    let ended = stack.quietly("apply", &broken, UNPROVEN)?;
    ensure!(text(&ended.stderr).contains("gateway.second"), "what failed is not said: {}", text(&ended.stderr));
    let site =
        |name: &str| -> Result<String> { Ok(fs::read_to_string(lab.caddy.sites.join(format!("{name}.caddy")))?) };
    ensure!(site(&domain(&lab.domain))?.contains("2MB"), "the site that works was taken back");
    ensure!(!site("kinto.lab.localhost")?.contains("1MB"), "the site that does not work stayed");
    ensure!(lab.caddy.serves()?.contains("kinto.lab.localhost"), "the site as it was before is not served");
    stack.quietly("apply", &["--yes"], DONE)?;
    stack.nothing_to_do()
}

fn killed_before_the_restart_both_are_taken_back_and_made_again(lab: &Lab, stack: &Stack) -> Result<()> {
    let before = fs::read_to_string(&lab.idp.clients_fragment)?;
    let more =
        ["--yes", "--json", "--set", "oidc.second.client_name=Another", "--set", "oidc.mediamanager.client_name=One"];
    kill_when(stack, &more, "restart authelia")?;
    ensure!(fs::read_to_string(&lab.idp.clients_fragment)? != before, "it was killed before anything was done");
    stack.quietly("apply", &["--yes"], DONE)?;
    ensure!(fs::read_to_string(&lab.idp.clients_fragment)? == before, "what was killed was not taken back");
    stack.nothing_to_do()?;
    sign_in(lab)
}

fn sign_in(lab: &Lab) -> Result<()> {
    let person = lab.idp.users.first().context("the provider knows nobody")?;
    Visitor::new(lab)?.sign_in(&lab.caddy.url(&domain(&lab.domain)), person).map(drop)
}
