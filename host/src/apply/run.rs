//! Goes through a plan: actions in order, removals, then the checks.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result};

use super::{
    Reporter,
    action::{ActionRun, Open, Settling, take_back},
    recorded::Recorded,
    sequence::{Stop, one_by_one},
    undo::Undo,
};
use crate::{
    capability::{Acting, Gates, StepFailure},
    draft::{Action, Change},
    model::value::Address,
    plan::{InstancePlan, Plan},
    state::{InstanceRecord, RunId},
    world::World,
};

/// How a run ended.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // there is one of it
pub enum Applied {
    /// Everything was carried out; the checks have not been run yet.
    Complete,
    /// An action failed.
    Stopped {
        /// Whose.
        instance: Address,
        /// Key of its thing.
        thing: String,
        /// Why.
        failure: StepFailure,
        /// What could not be taken back.
        left: Vec<String>,
    },
}

/// A plan about to be carried out.
pub struct Apply<'a> {
    /// The outside.
    pub world: &'a World,
    /// The reviewed plan.
    pub plan: &'a Plan,
    /// Carry out only this instance's actions and removals.
    pub only: Option<&'a Address>,
    /// Where events go.
    pub reporter: &'a dyn Reporter,
}

/// The gates of all instances of a plan, those included that only a removal is left of.
pub fn gates_of(plan: &Plan) -> Gates {
    let removed = plan.removals.iter().map(|removal| (removal.address.clone(), removal.gate(&plan.stack)));
    let planned = plan.instances.iter().map(|instance| (instance.address.clone(), instance.gate(&plan.stack)));
    removed.chain(planned).collect()
}

impl Apply<'_> {
    /// Carries the plan out. The caller holds the lock, and has recovered an earlier run.
    pub async fn run(&self) -> Result<Applied> {
        self.carry_out().await.map_err(|error| self.world.state.explained(error))
    }

    async fn carry_out(&self) -> Result<Applied> {
        let gates = gates_of(self.plan);
        let state = &self.world.state;
        self.world.vault.establish()?;
        let known = state.edges()?;
        let run = state.begin_run(&self.plan.to_json(serde_json::to_string)?)?;
        let mut stopped = self.actions(run, &gates).await?;
        if stopped.is_none() {
            self.remember_whole()?;
            let removals = self.plan.removals.iter().filter(|removal| self.is_meant(&removal.address));
            stopped = Undo { world: self.world, gates: &gates, edges: &known, reporter: self.reporter }
                .all(run, &self.plan.stack, removals)
                .await?;
        }
        state.end_run(run, if stopped.is_some() { "stopped" } else { "complete" })?;
        Ok(stopped.unwrap_or(Applied::Complete))
    }

    /// What a plan with nothing to do says of things and their undo, so that a corrected undo reaches state. Writes
    /// nothing that is there already. The caller holds the lock.
    ///
    /// # Errors
    /// State can't be read or written.
    pub fn remember(&self) -> Result<()> {
        Progress::new(self, &[])?;
        self.remember_whole()
    }

    /// What holds of the stack as a whole, once all its actions are done.
    fn remember_whole(&self) -> Result<()> {
        let state = &self.world.state;
        if self.only.is_some() {
            return Ok(());
        }
        if state.edges()? != self.plan.edges {
            state.set_edges(&self.plan.edges)?;
        }
        state.set_plugins(&self.plan.binding.loaded)
    }

    fn is_meant(&self, address: &Address) -> bool {
        self.only.is_none_or(|only| only == address)
    }

    async fn actions(&self, run: RunId, gates: &Gates) -> Result<Option<Applied>> {
        let Apply { world, plan, reporter, .. } = *self;
        let todo: Vec<(&InstancePlan, &Action)> =
            plan.actions().filter(|(instance, _)| self.is_meant(&instance.address)).collect();
        let mut runs = Vec::with_capacity(todo.len());
        for (instance, action) in &todo {
            let gate = gates.get(&instance.address).context("an instance of the plan has no gate")?;
            let thing = instance.thing(&action.thing).context("an action changes no thing of its instance")?;
            let acting = Acting { world, gate, gates };
            runs.push(ActionRun { acting, run, instance: &instance.address, thing, action, reporter });
        }
        let mut progress = Progress::new(self, &todo)?;
        let needs = |index: usize, other: &Address| plan.needs(todo[index].0, other);
        let stop = one_by_one(&runs, needs, &mut |open| progress.keep(open)).await?;
        let Some(Stop { index, failure, mut left }) = stop else { return Ok(None) };
        for index in left.of {
            let (instance, action) = todo[index];
            world.state.set_proven(&instance.address, &action.thing, false)?;
        }
        // What this run changed at instances whose values the failed one consumed goes back too: the old container must
        // find the old password. What was created stays: nothing could have used it before.
        let (failed, action) = todo[index];
        for open in progress.finished.into_iter().rev() {
            let (instance, done) = todo[open.index];
            let consumed = instance.address == failed.address || failed.uses.contains(&instance.address);
            if consumed && matches!(done.change, Change::Update | Change::Replace) {
                let back = take_back(&[open], Settling::Begun).await;
                world.state.set_proven(&instance.address, &done.thing, back.lines.is_empty())?;
                left.lines.extend(back.lines);
            }
        }
        let (instance, thing) = (failed.address.clone(), action.thing.clone());
        Ok(Some(Applied::Stopped { instance, thing, failure, left: left.lines }))
    }
}

/// What is done of a plan, and what state knows of it.
struct Progress<'p> {
    world: &'p World,
    todo: &'p [(&'p InstancePlan, &'p Action)],
    records: BTreeMap<&'p Address, Recorded<'p>>,
    /// How many actions of each instance are left.
    left: BTreeMap<&'p Address, usize>,
    finished: Vec<Open<'p>>,
}

impl<'p> Progress<'p> {
    /// Instances without an action are recorded at once.
    fn new(apply: &Apply<'p>, todo: &'p [(&'p InstancePlan, &'p Action)]) -> Result<Self> {
        let state = &apply.world.state;
        let recorded = state.instances()?.into_iter();
        let mut recorded: HashMap<Address, InstanceRecord> =
            recorded.map(|record| (record.address.clone(), record)).collect();
        let mut left: BTreeMap<&Address, usize> = BTreeMap::new();
        for (instance, _) in todo {
            *left.entry(&instance.address).or_default() += 1;
        }
        let mut records = BTreeMap::new();
        for (position, instance) in apply.plan.instances.iter().enumerate() {
            let address = &instance.address;
            if !apply.is_meant(address) {
                continue;
            }
            if state.makings(address)? != instance.makings {
                state.set_makings(address, &instance.makings)?;
            }
            let mut record = Recorded::new(instance, recorded.remove(address), position);
            if !left.contains_key(address) {
                record.keep_all(apply.world)?;
            }
            records.insert(address, record);
        }
        Ok(Self { world: apply.world, todo, records, left, finished: Vec::new() })
    }

    /// Records an action that is complete; with the last one of an instance, all that it owns.
    fn keep(&mut self, open: Open<'p>) -> Result<()> {
        let (instance, action) = self.todo[open.index];
        let record = self.records.get_mut(&instance.address).context("an action of no instance")?;
        record.keep(self.world, &action.thing)?;
        let left = self.left.entry(&instance.address).or_default();
        *left = left.saturating_sub(1);
        if *left == 0 {
            record.keep_all(self.world)?;
        }
        self.finished.push(open);
        Ok(())
    }
}
