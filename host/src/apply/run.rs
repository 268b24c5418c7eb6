//! Goes through a plan: actions in order, removals, then the checks.

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use super::{
    Acting, Event, Gates, Reporter, Reverted,
    action::{ActionFailure, ActionRun, Done, take_back},
};
use crate::{
    observe::World,
    plan::{Action, Change, InstancePlan, Owned, Plan, Removal},
    state::{InstanceRecord, OwnedRecord, RunId},
    step::StepFailure,
    value::Address,
};

/// How a run ended.
#[derive(Debug)]
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

/// An action of this run that was carried out.
struct Finished<'a> {
    instance: &'a InstancePlan,
    change: Change,
    thing: String,
    done: Done,
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
        let recorded = state.instances()?;
        let run = state.begin_run(&serde_json::to_string(self.plan)?)?;
        let mut finished = Vec::new();
        for (position, instance) in self.plan.instances.iter().enumerate() {
            if !self.is_meant(&instance.address) {
                continue;
            }
            let before = recorded.iter().find(|record| record.address == instance.address);
            let mut record = Recorded::new(instance, before, position);
            state.set_makings(&instance.address, &instance.makings)?;
            for (index, action) in instance.planned.actions.iter().enumerate() {
                if instance.by_hand.contains(&index) {
                    continue;
                }
                if let Some(stopped) = self.action(run, &gates, instance, action, &mut record, &mut finished).await? {
                    state.end_run(run, "stopped")?;
                    return Ok(stopped);
                }
            }
            record.keep_all(self.world)?;
        }
        if self.only.is_none() {
            state.set_edges(&self.plan.edges)?;
        }
        if let Some(stopped) = self.removals(run, &gates).await? {
            state.end_run(run, "stopped")?;
            return Ok(stopped);
        }
        state.end_run(run, "complete")?;
        Ok(Applied::Complete)
    }

    async fn action<'p>(
        &'p self,
        run: RunId,
        gates: &Gates,
        instance: &'p InstancePlan,
        action: &Action,
        record: &mut Recorded<'p>,
        finished: &mut Vec<Finished<'p>>,
    ) -> Result<Option<Applied>> {
        let gate = gates.get(&instance.address).context("an instance of the plan has no gate")?;
        let acting = Acting { world: self.world, gate, gates };
        let one = ActionRun { acting, run, instance: &instance.address, action, reporter: self.reporter };
        match one.carry_out(0).await {
            Ok(done) => {
                record.keep(self.world, &action.thing)?;
                self.world.vault.remember()?;
                self.world.state.forget_journal(run)?;
                finished.push(Finished { instance, change: action.change, thing: action.thing.clone(), done });
                Ok(None)
            }
            Err(ActionFailure { failure, reverted }) => {
                let mut left = reverted.left;
                if !left.is_empty() {
                    self.world.state.set_proven(&instance.address, &action.thing, false)?;
                }
                left.extend(self.take_back_consumed(gates, instance, std::mem::take(finished)).await?.left);
                let (instance, thing) = (instance.address.clone(), action.thing.clone());
                Ok(Some(Applied::Stopped { instance, thing, failure, left }))
            }
        }
    }

    /// What this run changed at instances whose values the failed one consumed goes back too: the old container must
    /// find the old password. What was created stays: nothing could have used it before.
    async fn take_back_consumed(
        &self,
        gates: &Gates,
        failed: &InstancePlan,
        finished: Vec<Finished<'_>>,
    ) -> Result<Reverted> {
        let mut reverted = Reverted::default();
        for one in finished.into_iter().rev() {
            let (address, thing) = (&one.instance.address, one.thing.clone());
            let changed = matches!(one.change, Change::Update | Change::Replace);
            if !changed || (address != &failed.address && !failed.uses.contains(address)) {
                continue;
            }
            let Some(gate) = gates.get(address) else { continue };
            let acting = Acting { world: self.world, gate, gates };
            let back = take_back(&acting, address, one.done, self.reporter).await;
            let complete = back.left.is_empty();
            self.world.state.set_proven(address, &thing, complete)?;
            self.reporter.report(Event::Reverted { instance: address.clone(), thing, complete });
            reverted.left.extend(back.left);
        }
        Ok(reverted)
    }

    fn is_meant(&self, address: &Address) -> bool {
        self.only.is_none_or(|only| only == address)
    }

    async fn removals(&self, run: RunId, gates: &Gates) -> Result<Option<Applied>> {
        for removal in self.plan.removals.iter().filter(|removal| self.is_meant(&removal.address)) {
            if let Some(stopped) = undo(self.world, run, gates, removal, &self.plan.stack, self.reporter).await? {
                return Ok(Some(stopped));
            }
        }
        Ok(None)
    }
}

/// Takes one thing away, and forgets it.
pub async fn undo(
    world: &World,
    run: RunId,
    gates: &Gates,
    removal: &Removal,
    stack: &str,
    reporter: &dyn Reporter,
) -> Result<Option<Applied>> {
    let gate = removal.gate(stack);
    let acting = Acting { world, gate: &gate, gates };
    let action = undo_action(&removal.owned, &removal.reason);
    let one = ActionRun { acting, run, instance: &removal.address, action: &action, reporter };
    match one.carry_out(0).await {
        Ok(_) => {
            world.state.forget_thing(&removal.address, &removal.owned.thing)?;
            world.state.forget_journal(run)?;
            Ok(None)
        }
        Err(ActionFailure { failure, reverted }) => Ok(Some(Applied::Stopped {
            instance: removal.address.clone(),
            thing: action.thing,
            failure,
            left: reverted.left,
        })),
    }
}

/// The undo of a thing as an action.
pub fn undo_action(owned: &Owned, reason: &str) -> Action {
    Action {
        thing: owned.thing.key.clone(),
        change: Change::Remove,
        reason: reason.to_owned(),
        differences: Vec::new(),
        moves: owned.undo.clone(),
        no_return: None,
        settle: owned.undo_settle.clone(),
        proof: Vec::new(),
        after: Vec::new(),
    }
}

/// What state will say of an instance, as its actions are done one by one.
struct Recorded<'a> {
    instance: &'a InstancePlan,
    /// Things that state knew and this plan still has, and those done in this run.
    record: InstanceRecord,
    position: usize,
}

impl<'a> Recorded<'a> {
    fn new(instance: &'a InstancePlan, before: Option<&InstanceRecord>, position: usize) -> Self {
        let owns = before.map(|record| record.owns.clone()).unwrap_or_default();
        let record = InstanceRecord { address: instance.address.clone(), plugin: instance.plugin.clone(), owns };
        Self { instance, record, position }
    }

    /// The thing of an action that was carried out.
    fn keep(&mut self, world: &World, key: &str) -> Result<()> {
        let Some(owned) = self.instance.planned.owns.iter().find(|owned| owned.thing.key == key) else { return Ok(()) };
        self.set(owned, true);
        world.state.set_instance(&self.record, self.position)
    }

    /// All things that the plan lists, once no action is left; a thing without an action keeps what its proof said.
    fn keep_all(&mut self, world: &World) -> Result<()> {
        let proven: BTreeSet<String> =
            self.record.owns.iter().filter(|one| one.proven).map(|one| one.owned.thing.key.clone()).collect();
        let known: BTreeSet<String> = self.record.owns.iter().map(|one| one.owned.thing.key.clone()).collect();
        for owned in &self.instance.planned.owns {
            let key = &owned.thing.key;
            self.set(owned, proven.contains(key) || !known.contains(key));
        }
        // Another program writes them by now: they are no longer this stack's to take away.
        self.record.owns.retain(|one| !self.instance.theirs.contains(&one.owned.thing));
        world.state.set_instance(&self.record, self.position)
    }

    /// A thing of the same name in the world replaces the record; one of the same key under another name is still to
    /// be removed, and moves aside.
    fn set(&mut self, owned: &Owned, proven: bool) {
        let same = |one: &OwnedRecord| {
            let (a, b) = (&one.owned.thing, &owned.thing);
            (&a.connection, &a.kind, &a.name) == (&b.connection, &b.kind, &b.name)
        };
        let mut record = OwnedRecord { owned: owned.clone(), grants: self.instance.grants.clone(), proven };
        // Only the run that adopts a thing can tell that it was somebody else's; it stays so, and undo leaves it there.
        record.owned.adopted |= self.record.owns.iter().any(|one| same(one) && one.owned.adopted);
        if record.owned.adopted {
            record.owned.undo.clear();
            record.owned.undo_settle.clear();
        }
        match self.record.owns.iter_mut().find(|one| same(one)) {
            Some(place) => *place = record,
            None => {
                for one in self.record.owns.iter_mut().filter(|one| one.owned.thing.key == owned.thing.key) {
                    one.owned.thing.key = format!("{}@{}", one.owned.thing.key, one.owned.thing.name);
                }
                self.record.owns.push(record);
            }
        }
    }
}
