//! What stackrun is seen to do is what its plan holds; and whatever only looks has no effect that is seen. Measured on real
//! servers, by recorders that know nothing of stackrun; what they can't see stands in docs/security.md.

mod altered;
mod failing;
mod held;
mod planted;
mod registered;

use anyhow::{Result, ensure};
use held::Held;
use stackrun_tests::{
    lab::{Options, Scratch},
    recorders::Recorded,
    stack::{DONE, Stack},
};

#[test]
fn every_run_has_the_effects_of_its_plan_and_looking_has_none() -> Result<()> {
    let lab = Scratch::up(&Options { log_statements: true, ..Options::default() })?;
    let recorded = Recorded::of(&Stack::in_test(&lab)?, &lab)?;
    let held = Held { recorded: &recorded, lab: &lab };
    // A folder below one that is not there either.
    held.change_spec("${host.data}/images", "${host.data}/deep/images")?;

    // From nothing, by a plan that was reviewed as JSON.
    let (plan, expected) = held.carried_out_as_planned()?;
    ensure!(expected > 30, "the plan holds next to nothing");
    held.looking_has_no_effect()?;
    held.nothing_to_do_sends_probes_alone()?;

    replacement_and_rotation(&held)?;
    held.rotated("oidc_client_secret")?;
    failing::a_verb_that_fails(&held)?;
    planted::a_step_that_does_more_than_it_shows_is_found(&held)?;
    planted::what_is_done_beside_is_found(&held)?;

    held.destroyed(&plan, &["postgres.mediamanager", "container.mediamanager", "secret.mediamanager"])?;
    lab.down()
}

/// A container is replaced, with everything that this takes. Secrets are made anew in the store alone, and brought by the
/// next apply to their places: in a file of the application, in PostgreSQL, and at the provider.
fn replacement_and_rotation(held: &Held<'_>) -> Result<()> {
    for name in ["database_password", "oidc_client_secret"] {
        held.rotated(name)?;
    }
    held.change_spec("listen_port = 8000", "memory = \"700M\"\nlisten_port = 8000")?;
    let (plan, _) = held.carried_out_as_planned()?;
    let plan = plan.to_string();
    for step in ["container_rename", "set_password", "file_write", "service_run"] {
        ensure!(plan.contains(step), "the plan has no {step}");
    }
    held.recorded.stack.quietly("plan", &["--detailed-exitcode"], DONE).map(drop)
}
