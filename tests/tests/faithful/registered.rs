//! The same where the provider registers clients by itself: what it is sent is what the plan holds.

use anyhow::{Result, ensure};
use serde_json::json;
use stackrun_tests::{
    lab::{Options, Scratch},
    recorders::Recorded,
    stack::Stack,
};

use super::{failing, held::Held};

#[test]

fn what_the_provider_is_sent_is_what_the_plan_holds() -> Result<()> {
    let lab = Scratch::up(&Options { log_statements: true, ..Options::default() })?;
    let stack = Stack { host: lab.registration_host_file.clone(), ..Stack::in_test(&lab)? };
    let recorded = Recorded::of(&stack, &lab)?;
    let held = Held { recorded: &recorded, lab: &lab };
    // From nothing to the last of it, which fails; what was done before stays.
    let plan = held.planned()?;
    failing::a_site_that_is_refused(&held)?;
    held.carried_out_as_planned()?;
    ensure!(plan.to_string().contains("/reg"), "nothing is registered");
    held.looking_has_no_effect()?;

    // Somebody has changed the client: it is put right, not made anew.
    lab.idp.edit_registered(|entries| {
        let clients = entries.iter_mut().filter(|(key, _)| key.starts_with("Client:"));
        clients.for_each(|(_, client)| client["redirect_uris"] = json!(["https://elsewhere.example/"]));
    })?;
    held.carried_out_as_planned()?;

    failing::a_crash_loop(&held)?;
    held.destroyed(&plan, &[])?;
    lab.down()
}
