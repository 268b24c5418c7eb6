//! The same spec where the provider registers clients by itself (RFC 7591 and 7592): id and secret come from there.

use std::fs;

use anyhow::{Context, Result, ensure};
use stackrun_tests::lab::{Lab, Options, Scratch};
use stackrun_tests::machine::Machine;
use stackrun_tests::sign_in::Visitor;
use stackrun_tests::stack::{DONE, Stack, domain};

#[test]
fn a_client_that_the_provider_registers_is_kept_renewed_and_given_back() -> Result<()> {
    let lab = Scratch::up(&Options::default())?;
    let stack = Stack { host: lab.registration_host_file.clone(), ..Stack::in_test(&lab)? };
    let before = Machine::look(&lab)?;
    stack.quietly("apply", &["--yes"], DONE)?;
    stack.nothing_to_do()?;
    stack.quietly("verify", &[], DONE)?;
    let first = the_client(&lab)?;
    sign_in(&lab)?;

    lab.idp.edit_registered(|entries| {
        entries.retain(|key, _| !key.contains(&first) && !key.starts_with("Registration"))
    })?;
    found_and_repaired(&stack, "the provider has no such client")?;
    let second = the_client(&lab)?;
    ensure!(second != first, "the provider gave the same identifier twice: {first}");
    sign_in(&lab)?;

    lab.idp.edit_registered(|entries| {
        let client = entries.get_mut(&format!("Client:{second}"));
        client
            .into_iter()
            .for_each(|client| client["redirect_uris"] = serde_json::json!(["https://elsewhere.example/"]));
    })?;
    found_and_repaired(&stack, "the provider keeps another client")?;
    ensure!(the_client(&lab)? == second, "a client that is there was registered again");
    sign_in(&lab)?;

    stack.quietly("destroy", &["--yes"], DONE)?;
    Machine::look(&lab)?.same_as(&before)?;
    lab.down()
}

fn found_and_repaired(stack: &Stack, words: &str) -> Result<()> {
    let status = stack.status()?;
    let client = status.iter().find(|one| one.instance == "oidc.mediamanager").context("no client in the status")?;
    ensure!(client.drift.iter().any(|line| line.contains(words)), "{words}: {client:?}");
    stack.quietly("apply", &["--yes"], DONE)?;
    stack.nothing_to_do()
}

/// The one client that is registered; the application is configured with its id and the secret that the provider gave.
fn the_client(lab: &Lab) -> Result<String> {
    let [client]: [String; 1] =
        lab.idp.registered()?.try_into().map_err(|all| anyhow::anyhow!("not one client is registered but {all:?}"))?;
    let registration = lab.idp.registration(&client)?;
    let secret = registration["client_secret"].as_str().context("the provider gave no secret")?;
    let config = fs::read_to_string(lab.dir.join("data/config/config.toml"))?;
    for (key, value) in [("client_id", client.as_str()), ("client_secret", secret)] {
        ensure!(config.contains(&format!("{key} = \"{value}\"")), "the application has another {key}");
    }
    ensure!(fs::read_to_string(&lab.idp.clients_fragment)?.is_empty(), "a client stands in the fragment as well");
    Ok(client)
}

fn sign_in(lab: &Lab) -> Result<()> {
    let person = lab.idp.users.first().context("the provider knows nobody")?;
    Visitor::new(lab)?.sign_in(&lab.caddy.url(&domain(&lab.domain)), person).map(drop)
}
