//! Taking a stack away again, from what state knows, without its spec and without its plugins.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use super::{Applied, Reporter, undo::Undo};
use crate::{
    capability::{Gate, Gates},
    model::value::Address,
    plan::{KeptData, Removal, StepPreviews, identity, undone_of_others, untold},
    state::{InstanceRecord, OtherStack, OwnedRecord},
    world::{State, World},
};

/// What destroy will do, for review.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Destruction {
    /// In the order in which things are taken away: backwards along the edges.
    pub removals: Vec<Removal>,
    /// Data that stays.
    pub kept: Vec<KeptData>,
    /// What is not as sure as it should be.
    pub warnings: Vec<String>,
}

/// What destroy would do. Data goes only for the instances named in `delete_data`, and what several hold only when all of
/// them are named.
///
/// # Errors
/// Something of it is another stack's; state can't be read.
pub fn destruction(state: &State, others: &[OtherStack], delete_data: &BTreeSet<Address>) -> Result<Destruction> {
    let mut planned = Destruction { warnings: untold(others), ..Destruction::default() };
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

impl Destruction {
    /// The gates that its steps are checked against.
    pub fn gates(&self, stack: &str) -> Gates {
        let gate = |removal: &Removal| -> (Address, Gate) { (removal.address.clone(), removal.gate(stack)) };
        self.removals.iter().map(gate).collect()
    }

    /// Carries it out. The caller holds the lock.
    pub async fn run(&self, world: &World, stack: &str, reporter: &dyn Reporter) -> Result<Applied> {
        self.carry_out(world, stack, reporter).await.map_err(|error| world.state.explained(error))
    }

    async fn carry_out(&self, world: &World, stack: &str, reporter: &dyn Reporter) -> Result<Applied> {
        for record in world.state.instances()? {
            world.vault.declare(&record.address, &world.state.makings(&record.address)?);
        }
        let gates = self.gates(stack);
        let run = world.state.begin_run(&self.as_plan(stack).to_json(serde_json::to_string)?)?;
        let undo = Undo { world, gates: &gates, edges: &world.state.edges()?, reporter };
        let stopped = undo.all(run, stack, self.removals.iter()).await?;
        world.state.end_run(run, if stopped.is_some() { "stopped" } else { "destroyed" })?;
        Ok(stopped.unwrap_or(Applied::Complete))
    }

    /// The same as a plan without instances: what the journal keeps, so that a killed destroy is recovered like any run.
    pub fn as_plan(&self, stack: &str) -> crate::plan::Plan {
        crate::plan::Plan {
            format: crate::plan::FORMAT,
            stack: stack.to_owned(),
            binding: crate::plan::Binding::default(),
            plugin_changes: Vec::new(),
            warnings: self.warnings.clone(),
            instances: Vec::new(),
            removals: self.removals.clone(),
            kept: self.kept.clone(),
            edges: BTreeSet::new(),
            secrets: Vec::new(),
            probes: Vec::new(),
        }
    }
}
