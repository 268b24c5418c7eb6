//! A run that was killed: taken back up to its point of no return, else finished. Then planning begins afresh.

use anyhow::{Context, Result};

use super::{
    Event, Reporter,
    action::{ActionRun, Before, Begun, Open, Settling, take_back},
    gates_of,
    undo::undo_action,
};
use crate::{
    capability::{Acting, Gate, Repeat, Step, StepKind},
    draft::{Action, Move, Revert},
    plan::Plan,
    state::{JournalEntry, Phase},
    world::World,
};

/// What became of a killed run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// One line each, for the person.
    pub lines: Vec<String>,
    /// What could not be put right.
    pub left: Vec<String>,
}

/// Deals with the run that was killed, if there is one. The caller holds the lock.
pub async fn recover(world: &World, reporter: &dyn Reporter) -> Result<Option<Recovered>> {
    let Some(run) = world.state.unfinished_run()? else { return Ok(None) };
    let plan: Plan = serde_json::from_str(&run.plan)
        .context("a run was killed whose plan this stackrun can't read: recover with the version that ran it")?;
    let gates = gates_of(&plan);
    for instance in &plan.instances {
        world.vault.declare(&instance.address, &instance.makings);
    }
    // The one under way, and those before it whose settle was put off.
    let open = open_actions(run.entries, &plan)?;
    // What one action began was for all that settle in the same way.
    let settled: Vec<&[Step]> =
        open.iter().filter(|one| one.has_settled()).map(|one| one.action.settle.as_slice()).collect();
    let mut recovered = Recovered::default();
    for killed in open.iter().rev() {
        let Killed { entries, action, gate } = killed;
        let JournalEntry { address: instance, thing, .. } = &entries.0;
        let acting = Acting { world, gate, gates: &gates };
        let one = ActionRun { acting, run: run.id, instance, thing, action, reporter };
        let begun = settled.contains(&action.settle.as_slice());
        let settling = if begun { Settling::Begun } else { Settling::NotBegun };
        let mut tell = |line: String| {
            reporter.report(Event::Recovering { what: line.clone() });
            recovered.lines.push(line);
        };
        let left = killed.put_right(one, settling, &mut tell).await?;
        if !left.is_empty() {
            world.state.set_proven(instance, &thing.key, false)?;
        }
        recovered.left.extend(left);
    }
    world.state.end_run(run.id, "recovered")?;
    world.memo.clear();
    Ok(Some(recovered))
}

/// An action that is not complete, with its steps in the journal.
struct Killed {
    /// The first, and those after it.
    entries: (JournalEntry, Vec<JournalEntry>),
    action: Action,
    gate: Gate,
}

/// The steps of a run by their actions, in order.
fn open_actions(entries: Vec<JournalEntry>, plan: &Plan) -> Result<Vec<Killed>> {
    let mut open: Vec<Killed> = Vec::new();
    for entry in entries {
        let same = |one: &&mut Killed| {
            let first = &one.entries.0;
            (&first.address, &first.thing) == (&entry.address, &entry.thing)
        };
        match open.iter_mut().find(same) {
            Some(one) => one.entries.1.push(entry),
            None => {
                let (action, gate) = planned(plan, &entry).with_context(|| {
                    let JournalEntry { address, thing, change, .. } = &entry;
                    format!("the journal has a step to {} the {thing} of {address} that its plan lacks", change.word())
                })?;
                open.push(Killed { entries: (entry, Vec::new()), action, gate });
            }
        }
    }
    Ok(open)
}

/// The action that an entry is of, and what its steps are checked against.
fn planned(plan: &Plan, JournalEntry { address, thing, .. }: &JournalEntry) -> Option<(Action, Gate)> {
    let mut actions = plan.actions().filter(|(instance, _)| &instance.address == address);
    if let Some((instance, action)) = actions.find(|(instance, action)| instance.thing(&action.thing) == Some(thing)) {
        return Some((action.clone(), instance.gate(&plan.stack)));
    }
    let mut removals = plan.removals.iter();
    let removal = removals.find(|removal| &removal.address == address && &removal.owned.thing == thing)?;
    Some((undo_action(&removal.owned, &removal.reason), removal.gate(&plan.stack)))
}

impl Killed {
    fn entries(&self) -> impl DoubleEndedIterator<Item = &JournalEntry> {
        std::iter::once(&self.entries.0).chain(&self.entries.1)
    }

    fn has_settled(&self) -> bool {
        self.entries().any(|entry| entry.index.is_none())
    }

    /// Finishes it, or takes it back. Returns what is left, a line each.
    async fn put_right(
        &self,
        one: ActionRun<'_>,
        settling: Settling,
        tell: &mut impl FnMut(String),
    ) -> Result<Vec<String>> {
        let ActionRun { acting, instance, action, .. } = one;
        // A request that may or may not have arrived is said, never hidden.
        let unknowable =
            |entry: &&JournalEntry| entry.phase == Phase::Intended && entry.step.repeat() == Repeat::Unknowable;
        for entry in self.entries().filter(unknowable) {
            let step = acting.headline(&entry.step);
            tell(format!("{instance}: nobody can tell whether this happened: {step}"));
        }
        let what = format!("{instance} {}", action.thing);
        let reached = self.entries().filter_map(|entry| entry.index).max();
        if action.no_return.zip(reached).is_some_and(|(no_return, reached)| reached >= no_return as usize) {
            tell(format!("{what}: the run was killed past the point of no return; finishing it"));
            let first = self.first_to_do(&acting).await?;
            let Err(failure) = Open::from(first, one).carry_out().await else { return Ok(Vec::new()) };
            Open::new(0, one).failed(&failure);
            return Ok(vec![format!("{what}: {}", acting.world.vault.redact(&failure.to_string()))]);
        }
        tell(format!("{what}: the run was killed in the middle; taking it back"));
        let begun = self.entries().filter_map(|entry| begun(entry, action, &acting).transpose());
        Ok(take_back(&[Open::found(begun.collect::<Result<_>>()?, one)], settling).await.lines)
    }

    /// The first move that has not happened: the one after the last that the journal or the world shows as done.
    async fn first_to_do(&self, acting: &Acting<'_>) -> Result<usize> {
        let mut moves = self.entries().filter_map(|entry| Some((entry.index?, entry)));
        let Some((index, last)) = moves.next_back() else { return Ok(0) };
        let happened = match last.phase {
            Phase::Done => true,
            _ if last.step.repeat() == Repeat::Detectable => last.step.is_done(acting).await.unwrap_or(false),
            _ => false,
        };
        Ok(if happened { index + 1 } else { index })
    }
}

fn begun(entry: &JournalEntry, action: &Action, acting: &Acting<'_>) -> Result<Option<Begun>> {
    let Some(index) = entry.index else { return Ok(None) };
    let before = match &entry.before {
        None => Before::Null,
        Some(sealed) => serde_json::from_slice(&acting.world.vault.unseal(sealed)?)
            .context("a before-image in the journal can't be read")?,
    };
    let revert = action.moves.get(index).map_or(Revert::ByHost, |one| one.revert.clone());
    Ok(Some(Begun { step: Move { step: entry.step.clone(), revert }, before }))
}
