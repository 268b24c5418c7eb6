//! Taking a stack away again, from what state knows, without its spec and without its plugins.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use super::{Applied, Reporter, gates_of, undo::Undo};
use crate::{
    model::value::Address,
    plan::{KeptData, Plan, Removal, StepPreviews, identity, undone_of_others, untold},
    state::{InstanceRecord, OtherStack, OwnedRecord},
    world::{State, World},
};

/// What destroy would do: a plan without instances, so that one that is killed is recovered like any run. Data goes only for the instances named in `delete_data`, and what several hold only when all of
/// them are named.
///
/// # Errors
/// Something of it is another stack's; state can't be read.
pub fn destruction(state: &State, stack: &str, others: &[OtherStack], delete_data: &BTreeSet<Address>) -> Result<Plan> {
    let mut planned = Plan { warnings: untold(others), ..Plan::of_nothing(stack) };
    let recorded = state.instances()?;
    let mut staying = BTreeSet::new();
    for record in recorded.iter().filter(|record| !delete_data.contains(&record.address)) {
        let data = record.owns.iter().filter(|one| one.owned.holds_data);
        staying.extend(data.map(|one| identity(&one.owned.thing).map(str::to_owned)));
    }
    for record in backwards(recorded, &state.edges()?) {
        for OwnedRecord { owned, grants, .. } in record.owns.into_iter().rev() {
            if owned.holds_data && staying.contains(&identity(&owned.thing).map(str::to_owned)) {
                let (address, key) = (record.address.clone(), owned.thing.key.clone());
                planned.kept.push(KeptData { address, key, what: owned.thing.to_string() });
                continue;
            }
            planned.removals.push(Removal {
                address: record.address.clone(),
                plugin: record.plugin.clone(),
                grants,
                reason: "destroy".to_owned(),
                owned,
                previews: StepPreviews::default(),
            });
        }
    }
    match undone_of_others(&planned.removals, others).first() {
        None => Ok(planned),
        Some(theirs) => bail!("{theirs}; nothing was changed"),
    }
}

/// Whoever came last goes first; edges that state kept count more than the order of the last run.
fn backwards(recorded: Vec<InstanceRecord>, edges: &BTreeSet<(Address, Address)>) -> Vec<InstanceRecord> {
    let addresses: Vec<Address> = recorded.iter().map(|record| record.address.clone()).collect();
    let ordered = crate::plan::ordered(&addresses, edges).unwrap_or(addresses);
    let mut by_address: BTreeMap<Address, InstanceRecord> =
        recorded.into_iter().map(|record| (record.address.clone(), record)).collect();
    ordered.iter().rev().filter_map(|address| by_address.remove(address)).collect()
}

/// Carries it out. The caller holds the lock.
pub async fn destroy(world: &World, plan: &Plan, reporter: &dyn Reporter) -> Result<Applied> {
    carry_out(world, plan, reporter).await.map_err(|error| world.state.explained(error))
}

async fn carry_out(world: &World, plan: &Plan, reporter: &dyn Reporter) -> Result<Applied> {
    let gates = gates_of(plan);
    let run = world.state.begin_run(&plan.to_json(serde_json::to_string)?)?;
    let undo = Undo { world, gates: &gates, edges: &world.state.edges()?, reporter };
    let stopped = undo.all(run, &plan.stack, plan.removals.iter()).await?;
    world.state.end_run(run, if stopped.is_some() { "stopped" } else { "destroyed" })?;
    Ok(stopped.unwrap_or(Applied::Complete))
}
