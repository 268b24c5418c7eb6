//! The checks of all instances, side by side.

use std::time::Instant;

use futures_util::future::join_all;

use super::{Event, Reporter};
use crate::{
    capability::{
        Acting, Check, Gates,
        condition::{Look, Proof, prove},
    },
    model::value::Address,
    plan::{InstancePlan, Plan},
    world::World,
};

/// How one check came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckResult {
    /// Whose.
    pub instance: Address,
    /// Its id.
    pub id: String,
    /// What it proves.
    pub says: String,
    /// None when it held; else what was seen, secrets replaced.
    pub failed: Option<String>,
}

/// What becomes of checks that send something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probes {
    /// They are sent: the plan that shows them was reviewed, or they were asked for.
    Send,
    /// They are left out, and counted.
    LeaveOut,
}

/// How the checks came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Those that were run.
    pub results: Vec<CheckResult>,
    /// How many would have sent something, and were not.
    pub left_out: usize,
}

/// Runs all checks of a plan, and remembers for each thing whether its own held: a check named `KEY` or `KEY/…` is one
/// of the thing with that key. `only` leaves it at the checks of one instance.
pub async fn verify(
    world: &World,
    plan: &Plan,
    gates: &Gates,
    only: Option<&Address>,
    probes: Probes,
    reporter: &dyn Reporter,
) -> anyhow::Result<Verified> {
    let asked = plan.instances.iter().filter(|instance| only.is_none_or(|only| only == &instance.address));
    let checks = asked.flat_map(|instance| instance.planned.checks.iter().map(move |check| (instance, check)));
    let asked = checks.map(|(instance, check)| match (probes, check.condition.look()) {
        (_, Some(look)) => (instance, check, Some(Asked::Look(look))),
        (Probes::Send, None) => (instance, check, Some(Asked::Probe)),
        (Probes::LeaveOut, None) => (instance, check, None),
    });
    let (mut run, mut left_out) = (Vec::new(), Vec::new());
    for (instance, check, asked) in asked {
        match asked {
            Some(asked) => run.push(one_check(world, gates, instance, check, asked, reporter)),
            None => left_out.push((instance, check)),
        }
    }
    for (instance, check) in &left_out {
        let message = format!("{}: not asked, because it sends something: {}", instance.address, check.says);
        reporter.report(Event::Note { message });
    }
    let results: Vec<CheckResult> = join_all(run).await;
    for result in &results {
        let key = result.id.split(['/', '@']).next().unwrap_or_default();
        if result.failed.is_some() {
            world.state.set_proven(&result.instance, key, false)?;
        }
    }
    Ok(Verified { results, left_out: left_out.len() })
}

/// How a check is asked.
enum Asked<'a> {
    Look(Look<'a>),
    Probe,
}

async fn one_check(
    world: &World,
    gates: &Gates,
    instance: &InstancePlan,
    check: &Check,
    asked: Asked<'_>,
    reporter: &dyn Reporter,
) -> CheckResult {
    let start = Instant::now();
    let address = instance.address.clone();
    reporter.report(Event::CheckBegan { instance: address.clone(), says: check.says.clone() });
    let failed = match gates.get(&address) {
        None => Some("the plan has no gate for this instance".to_owned()),
        Some(gate) => {
            let acting = Acting { world, gate, gates };
            let proof = match asked {
                Asked::Look(look) => look.prove(check.timeout_ms, &acting).await,
                Asked::Probe => prove(check, &acting).await,
            };
            match proof {
                Ok(Proof::Held) => None,
                Ok(Proof::Failed(seen)) => Some(seen),
                Err(failure) => Some(world.vault.redact(&failure.to_string())),
            }
        }
    };
    reporter.report(Event::CheckDone {
        instance: address.clone(),
        id: check.id.clone(),
        says: check.says.clone(),
        held: failed.is_none(),
        because: failed.clone(),
        milliseconds: start.elapsed().as_millis(),
    });
    CheckResult { instance: address, id: check.id.clone(), says: check.says.clone(), failed }
}
