//! Goes through a plan: actions in order, removals, then the checks.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result};

use super::{
    Event, Reporter, Reverted,
    action::{Done, take_back},
    recorded::Recorded,
    sequence::{Next, Sequence, Stop, puts_off},
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
        let todo: Vec<(&InstancePlan, &Action)> =
            self.plan.actions().filter(|(instance, _)| self.is_meant(&instance.address)).collect();
        let put_off = puts_off(todo.iter().map(|(_, action)| *action));
        let mut progress = Progress::new(self, &todo)?;
        let mut sequence = Sequence::new(run, self.reporter);
        let mut stop = None;
        for (index, (instance, action)) in todo.iter().enumerate() {
            let gate = gates.get(&instance.address).context("an instance of the plan has no gate")?;
            let acting = Acting { world: self.world, gate, gates };
            let thing = instance.thing(&action.thing).context("an action changes no thing of its instance")?;
            let next = Next { index, acting, instance: &instance.address, thing, action, put_off: put_off[index] };
            let needs = |other: &Address| self.plan.needs(instance, other);
            stop = sequence.next(next, needs, &mut |index, done| progress.keep(index, done)).await?;
            if stop.is_some() {
                break;
            }
        }
        if stop.is_none() {
            stop = sequence.finish(&mut |index, done| progress.keep(index, done)).await?;
        }
        match stop {
            None => Ok(None),
            Some(stop) => self.stopped(gates, &todo, stop, progress.finished).await.map(Some),
        }
    }

    async fn stopped(
        &self,
        gates: &Gates,
        todo: &[(&InstancePlan, &Action)],
        stop: Stop,
        finished: Vec<(usize, Done)>,
    ) -> Result<Applied> {
        let Stop { index, failure, mut left, unproven } = stop;
        for index in unproven {
            let (instance, action) = todo[index];
            self.world.state.set_proven(&instance.address, &action.thing, false)?;
        }
        let (failed, action) = todo[index];
        let finished = finished.into_iter().map(|(index, done)| (todo[index].0, todo[index].1, done));
        left.extend(self.take_back_consumed(gates, failed, finished.rev()).await?.left);
        Ok(Applied::Stopped { instance: failed.address.clone(), thing: action.thing.clone(), failure, left })
    }

    /// What this run changed at instances whose values the failed one consumed goes back too: the old container must
    /// find the old password. What was created stays: nothing could have used it before.
    async fn take_back_consumed<'p>(
        &self,
        gates: &Gates,
        failed: &InstancePlan,
        finished: impl Iterator<Item = (&'p InstancePlan, &'p Action, Done)>,
    ) -> Result<Reverted> {
        let mut reverted = Reverted::default();
        for (instance, action, done) in finished {
            let (address, thing) = (&instance.address, action.thing.clone());
            let changed = matches!(action.change, Change::Update | Change::Replace);
            if !changed || (address != &failed.address && !failed.uses.contains(address)) {
                continue;
            }
            let Some(gate) = gates.get(address) else { continue };
            let acting = Acting { world: self.world, gate, gates };
            let back = take_back(&acting, address, done, self.reporter).await;
            let complete = back.left.is_empty();
            self.world.state.set_proven(address, &thing, complete)?;
            self.reporter.report(Event::Reverted { instance: address.clone(), thing, complete });
            reverted.left.extend(back.left);
        }
        Ok(reverted)
    }
}

/// What is done of a plan, and what state knows of it.
struct Progress<'p> {
    world: &'p World,
    todo: &'p [(&'p InstancePlan, &'p Action)],
    records: BTreeMap<&'p Address, Recorded<'p>>,
    /// How many actions of each instance are left.
    left: BTreeMap<&'p Address, usize>,
    finished: Vec<(usize, Done)>,
}

impl<'p> Progress<'p> {
    /// Instances without an action are recorded at once.
    fn new(apply: &Apply<'p>, todo: &'p [(&'p InstancePlan, &'p Action)]) -> Result<Self> {
        let state = &apply.world.state;
        let recorded = state.instances()?;
        let recorded: HashMap<&Address, &InstanceRecord> =
            recorded.iter().map(|record| (&record.address, record)).collect();
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
            let mut record = Recorded::new(instance, recorded.get(address).copied(), position);
            if !left.contains_key(address) {
                record.keep_all(apply.world)?;
            }
            records.insert(address, record);
        }
        Ok(Self { world: apply.world, todo, records, left, finished: Vec::new() })
    }

    /// Records an action that is complete; with the last one of an instance, all that it owns.
    fn keep(&mut self, index: usize, done: Done) -> Result<()> {
        let (instance, action) = self.todo[index];
        let record = self.records.get_mut(&instance.address).context("an action of no instance")?;
        record.keep(self.world, &action.thing)?;
        let left = self.left.entry(&instance.address).or_default();
        *left = left.saturating_sub(1);
        if *left == 0 {
            record.keep_all(self.world)?;
        }
        self.finished.push((index, done));
        Ok(())
    }
}
