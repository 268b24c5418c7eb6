//! Clients that register themselves: what the provider gives is a secret as well, but for the client's id, which the
//! host file declares plain; and so is the credential that it asks for.

use std::fs;

use anyhow::{Context, Result, ensure};
use stackrun_tests::lab::{Lab, Options, Scratch};
use stackrun_tests::stack::Stack;

use super::{evidence::Evidence, failing::PART_WAY};

#[test]

fn what_a_provider_gives_is_found_nowhere_else() -> Result<()> {
    let lab = Scratch::up(&Options { log_statements: true, ..Options::default() })?;
    let stack = Stack { host: lab.registration_host_file.clone(), ..Stack::in_test(&lab)? };
    stack.quietly("check", &[], 0)?;
    let mut evidence = Evidence::new();
    evidence.canaries.add("the initial access token", &fs::read_to_string(&lab.idp.initial_access_token)?);

    the_provider_refuses(&mut evidence, &lab, &stack)?;
    let renamed = ["--yes", "--json", "--set", "oidc.mediamanager.client_name=Another name"];
    for arguments in [&["--yes"][..], &["--yes", "--json"], &renamed] {
        let said = evidence.run(&stack, "apply", arguments, "")?.with(0)?;
        only_secrets_are_called_so(&said.out)?;
    }
    exported(&mut evidence, &stack)?;
    for arguments in [&[][..], &["--json"]] {
        only_secrets_are_called_so(&evidence.run(&stack, "plan", arguments, "")?.with(0)?.out)?;
    }
    let config = lab.dir.join("data/config/config.toml");
    evidence.is_at(&config, &["client_secret"])?;
    let said = evidence.run(&stack, "destroy", &["--yes", "--json"], "")?.with(0)?;
    only_secrets_are_called_so(&said.out)?;
    // The provider has forgotten its client; what it asks newcomers for stays where the operator has put it.
    evidence.is_clean(&lab, &[lab.idp.initial_access_token.clone(), lab.idp.config.clone()])?;
    lab.down()
}

/// The id of the client is its public name.
fn only_secrets_are_called_so(out: &str) -> Result<()> {
    for wrong in [
        "(secret oidc.mediamanager.client_id",
        "\n  oidc.mediamanager.client_id",
        "\"name\": \"oidc.mediamanager.client_id\"",
    ] {
        ensure!(!out.contains(wrong), "an id is called a secret: {wrong} in {out}");
    }
    Ok(())
}

/// Looks for what the provider gave as well.
fn exported(evidence: &mut Evidence, stack: &Stack) -> Result<()> {
    let outside = tempfile::tempdir()?;
    let file = outside.path().join("secrets.json");
    let to = file.to_string_lossy();
    evidence.run(stack, "secret export", &["--clear", "--format", "json", "--to", &to], "")?.with(0)?;
    let values: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file)?)?;
    for name in ["client_secret", "registration_access_token"] {
        evidence.canaries.add(name, values[name].as_str().with_context(|| format!("{name} was not exported"))?);
    }
    Ok(())
}

/// The credential in the host file is one that the provider does not take.
fn the_provider_refuses(evidence: &mut Evidence, lab: &Lab, stack: &Stack) -> Result<()> {
    let token = fs::read_to_string(&lab.idp.initial_access_token)?;
    let revoked = "RevokedTokenOfTheCanaries";
    evidence.canaries.add("a revoked access token", revoked);
    fs::write(&lab.idp.initial_access_token, format!(" {revoked} \n"))?;
    let said = evidence.run(stack, "apply", &["--yes"], "");
    fs::write(&lab.idp.initial_access_token, token)?;
    let said = said?.with(PART_WAY)?;
    ensure!(said.err.contains("POST /reg of connection registration: answered with status 401"), "{}", said.err);
    Ok(())
}
