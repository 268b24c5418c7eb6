//! A run that was killed: taken back up to its point of no return, else finished. Then planning begins afresh.

use anyhow::{Context, Result};

use super::{
    Event, Reporter,
    action::{ActionRun, Before, Begun, Open, Settling, take_back},
    gates_of,
    undo::undo_action,
};
use crate::{
    capability::{Acting, Repeat, Step, StepKind},
    draft::{Action, Move, Revert},
    model::value::Address,
    plan::Plan,
    state::{JournalEntry, Phase, Run},
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
    let mut recovered = Recovered::default();
    // The one under way, and those before it whose settle was put off.
    let open = open_actions(&run);
    let settled = settled(&open, &plan);
    for open in open.iter().rev() {
        let Some((_, entry)) = open.entries.first() else { continue };
        let JournalEntry { address, thing, change, .. } = entry;
        let action = action_of(&plan, entry).with_context(|| {
            format!("the journal has a step to {} the {thing} of {address} that its plan lacks", change.word())
        })?;
        let gate = gates.get(address).context("an instance of the killed plan has no gate")?;
        let acting = Acting { world, gate, gates: &gates };
        let before = recovered.left.len();
        one_action(open, entry, &action, &settled, acting, reporter, &mut recovered).await?;
        if recovered.left.len() > before {
            world.state.set_proven(address, &thing.key, false)?;
        }
    }
    world.state.end_run(run.id, "recovered")?;
    world.memo.clear();
    Ok(Some(recovered))
}

/// The steps of a run by their actions, in order.
fn open_actions(run: &Run) -> Vec<Run> {
    let mut open: Vec<Run> = Vec::new();
    for (seq, entry) in &run.entries {
        let same = |one: &&mut Run| {
            let first = one.entries.first();
            first.is_some_and(|(_, first)| (&first.address, &first.thing) == (&entry.address, &entry.thing))
        };
        match open.iter_mut().find(same) {
            Some(one) => one.entries.push((*seq, entry.clone())),
            None => open.push(Run { entries: vec![(*seq, entry.clone())], ..run.clone() }),
        }
    }
    open
}

/// The settles that were begun: what one action began was for all that settle in the same way.
fn settled(open: &[Run], plan: &Plan) -> Vec<Vec<Step>> {
    let begun = open.iter().flat_map(|run| &run.entries).filter(|(_, entry)| entry.index.is_none());
    begun.filter_map(|(_, entry)| Some(action_of(plan, entry)?.settle)).collect()
}

fn action_of(plan: &Plan, JournalEntry { address, thing, .. }: &JournalEntry) -> Option<Action> {
    let mut actions = plan.actions().filter(|(instance, _)| &instance.address == address);
    if let Some((_, action)) = actions.find(|(instance, action)| instance.thing(&action.thing) == Some(thing)) {
        return Some(action.clone());
    }
    let mut removals = plan.removals.iter();
    let removal = removals.find(|removal| &removal.address == address && &removal.owned.thing == thing)?;
    Some(undo_action(&removal.owned, &removal.reason))
}

async fn one_action(
    run: &Run,
    JournalEntry { address, thing, .. }: &JournalEntry,
    action: &Action,
    settled: &[Vec<Step>],
    acting: Acting<'_>,
    reporter: &dyn Reporter,
    recovered: &mut Recovered,
) -> Result<()> {
    let key = &action.thing;
    let reached = run.entries.iter().filter_map(|(_, entry)| entry.index).max();
    let past_return = match (action.no_return, reached) {
        (Some(no_return), Some(reached)) => reached >= no_return as usize,
        _ => false,
    };
    let one = ActionRun { acting, run: run.id, instance: address, thing, action, reporter };
    report_unknowable(run, &acting, address, reporter, recovered);
    if past_return {
        let next = first_to_do(run, &acting).await?;
        let line = format!("{address} {key}: the run was killed past the point of no return; finishing it");
        tell(reporter, recovered, line);
        if let Err(failure) = Open::from(next, one).carry_out().await {
            Open::new(0, one).failed(&failure);
            recovered.left.push(format!("{address} {key}: {}", acting.world.vault.redact(&failure.to_string())));
        }
        return Ok(());
    }
    tell(reporter, recovered, format!("{address} {key}: the run was killed in the middle; taking it back"));
    let begun = run.entries.iter().filter_map(|(_, entry)| begun(entry, action, &acting).transpose());
    let settling = if settled.contains(&action.settle) { Settling::Begun } else { Settling::NotBegun };
    let open = Open::found(begun.collect::<Result<_>>()?, one);
    recovered.left.extend(take_back(&[open], settling).await.lines);
    Ok(())
}

/// The first move that has not happened: the one after the last that the journal or the world shows as done.
async fn first_to_do(run: &Run, acting: &Acting<'_>) -> Result<usize> {
    let mut moves = run.entries.iter().filter(|(_, entry)| entry.index.is_some());
    let Some((_, last)) = moves.next_back() else { return Ok(0) };
    let index = last.index.unwrap_or_default();
    let happened = match last.phase {
        Phase::Done => true,
        _ if last.step.repeat() == Repeat::Detectable => last.step.is_done(acting).await.unwrap_or(false),
        _ => false,
    };
    Ok(if happened { index + 1 } else { index })
}

fn begun(entry: &JournalEntry, action: &Action, acting: &Acting<'_>) -> Result<Option<Begun>> {
    let Some(index) = entry.index else { return Ok(None) };
    if entry.phase == Phase::Reverted {
        return Ok(None);
    }
    let before = match &entry.before {
        None => Before::Null,
        Some(sealed) => serde_json::from_slice(&acting.world.vault.unseal(sealed)?)
            .context("a before-image in the journal can't be read")?,
    };
    let revert = action.moves.get(index).map_or(Revert::ByHost, |one| one.revert.clone());
    Ok(Some(Begun { step: Move { step: entry.step.clone(), revert }, before }))
}

/// A request that may or may not have arrived is said, never hidden.
fn report_unknowable(
    run: &Run,
    acting: &Acting<'_>,
    address: &Address,
    reporter: &dyn Reporter,
    recovered: &mut Recovered,
) {
    for (_, entry) in &run.entries {
        if entry.phase == Phase::Intended && entry.step.repeat() == Repeat::Unknowable {
            let line = format!("{address}: nobody can tell whether this happened: {}", acting.headline(&entry.step));
            tell(reporter, recovered, line);
        }
    }
}

fn tell(reporter: &dyn Reporter, recovered: &mut Recovered, line: String) {
    reporter.report(Event::Recovering { what: line.clone() });
    recovered.lines.push(line);
}
