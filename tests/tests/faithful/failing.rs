//! An apply that fails, and takes the action back that failed.

use std::fs;

use anyhow::{Result, ensure};
use stackrun_tests::{
    recorders::expected::{self, Failing},
    stack::{PARTWAY, UNPROVEN},
};

use super::held::{Held, same};

/// The new container's program ends again and again: the old one goes on.
pub fn a_crash_loop(held: &Held<'_>) -> Result<()> {
    let crash = "command = [\"sh\", \"-c\", \"exit 3\"]\nhealth = { path = \"/api/v1/health\", timeout_seconds = 3 }\n";
    held.change_spec("listen_port = 8000", &format!("{crash}listen_port = 8000"))?;
    fails(held, Failing { instance: "container.mediamanager", kind: "await" }, UNPROVEN)?;
    held.change_spec(crash, "")
}

/// The provider does not like its new clients: the file is as it was.
pub fn a_verb_that_fails(held: &Held<'_>) -> Result<()> {
    let failing = Failing { instance: "oidc.mediamanager", kind: "service_run" };
    held.recorded.verbs.doing_more("exit 1\n", || fails(held, failing, PARTWAY))
}

/// Caddy does not like its sites, since somebody has left a broken one there: ours is gone again.
pub fn a_site_that_is_refused(held: &Held<'_>) -> Result<()> {
    let broken = held.lab.caddy.sites.join("broken.caddy");
    fs::write(&broken, "} {\n")?;
    fails(held, Failing { instance: "gateway.mediamanager", kind: "service_run" }, PARTWAY)?;
    Ok(fs::remove_file(broken)?)
}

fn fails(held: &Held<'_>, failing: Failing<'_>, code: i32) -> Result<()> {
    let plan = held.planned()?;
    let run = held.recorded.run(|_| held.saved().quietly("apply", &[], code))?;
    let expected = expected::of_failing(&plan, failing, &held.around(&run))?;
    ensure!(expected.len() > 1, "hardly anything was begun");
    same("an apply that fails", &run.effects, &expected)
}
