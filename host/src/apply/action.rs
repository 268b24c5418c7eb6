//! One action: its moves, its settle, its proof; and all of it back when something fails.

use std::time::Instant;

use anyhow::Context;

use super::{Event, Reporter};
use crate::{
    capability::{
        Acting, Check, Step, StepFailure, StepKind,
        condition::{Proof, prove},
    },
    draft::{Action, Move, Revert},
    model::{Failure, Thing, value::Address},
    state::{JournalEntry, Phase, RunId},
};

/// A step's before-image, as its kind made it.
pub type Before = serde_json::Value;

/// A move that was begun.
#[derive(Clone, Debug)]
pub struct Begun {
    /// The move.
    pub step: Move,
    /// What the step found.
    pub before: Before,
}

/// One action of a run, in the name of its instance.
#[derive(Clone, Copy)]
pub struct ActionRun<'a> {
    /// World and gate.
    pub acting: Acting<'a>,
    /// Number of the run.
    pub run: RunId,
    /// Whose action it is.
    pub instance: &'a Address,
    /// The thing that it changes.
    pub thing: &'a Thing,
    /// The action.
    pub action: &'a Action,
    /// Where events go.
    pub reporter: &'a dyn Reporter,
}

/// An action that was begun, with all that is needed to go on with it and to take it back. It is carried out a part at a
/// time: a settle may wait for that of others.
pub struct Open<'a> {
    /// A number that tells it from others of its run.
    pub index: usize,
    /// The action.
    pub one: ActionRun<'a>,
    /// The first move that is this run's; the ones before it happened in a run that was killed.
    first: usize,
    begun: Vec<Begun>,
    /// From this move on it is not taken back, unless it is complete.
    no_return: Option<u32>,
    /// Its steps in the journal.
    journal: Vec<i64>,
    start: Instant,
}

/// Whether a service may have seen what is taken back. One that has not, and works, must not be restarted for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settling {
    /// None has.
    NotBegun,
    /// One may have.
    Begun,
}

/// What could not be taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// In words, one line each.
    pub lines: Vec<String>,
    /// The actions of which something is left.
    pub of: Vec<usize>,
}

impl<'a> Open<'a> {
    /// Nothing of it has happened yet.
    pub fn new(index: usize, one: ActionRun<'a>) -> Self {
        let no_return = one.action.no_return;
        Self { index, one, first: 0, begun: Vec::new(), no_return, journal: Vec::new(), start: Instant::now() }
    }

    /// The moves before `first` happened in a run that was killed.
    pub fn from(first: usize, one: ActionRun<'a>) -> Self {
        Self { first, ..Self::new(0, one) }
    }

    /// These moves were begun by a run that was killed.
    pub fn found(begun: Vec<Begun>, one: ActionRun<'a>) -> Self {
        Self { begun, ..Self::new(0, one) }
    }

    /// Its steps in the journal.
    pub fn journal(&self) -> &[i64] {
        &self.journal
    }

    /// Whether its point of no return is behind.
    fn is_past_return(&self) -> bool {
        let reached = self.first + self.begun.len();
        self.no_return.is_some_and(|no_return| reached > no_return as usize)
    }

    /// Moves, from the first that is left on.
    pub async fn go(&mut self) -> Result<(), StepFailure> {
        let ActionRun { action, acting, .. } = self.one;
        self.report(|instance, thing| Event::ActionBegan { instance, thing, change: action.change });
        for (index, one) in action.moves.iter().enumerate().skip(self.first) {
            one.step.permit(acting.gate)?;
            let before = one.step.before(&acting).await?;
            self.begun.push(Begun { step: one.clone(), before: before.clone() });
            self.journalled(Some(index), &one.step, &before).await?;
        }
        Ok(())
    }

    /// Has the moves take effect: its own, and those of every action before it that settles in the same way.
    pub async fn settle(&mut self) -> Result<(), StepFailure> {
        let ActionRun { action, acting, .. } = self.one;
        for step in &action.settle {
            step.permit(acting.gate)?;
            self.journalled(None, step, &Before::Null).await?;
        }
        acting.world.memo.clear();
        Ok(())
    }

    /// Whether it has succeeded.
    pub async fn prove(&self) -> Result<(), StepFailure> {
        for check in &self.one.action.proof {
            self.prove_one(check).await?;
        }
        Ok(())
    }

    /// It is complete. From now on it can be taken back as a whole.
    pub fn complete(&mut self) {
        let (change, milliseconds) = (self.one.action.change, self.start.elapsed().as_millis());
        self.report(|instance, thing| Event::ActionDone { instance, thing, change, milliseconds });
        self.no_return = None;
    }

    /// All of it. When it fails nothing is taken back: what is carried out by itself is past its point of no return.
    pub async fn carry_out(mut self) -> Result<(), StepFailure> {
        self.go().await?;
        self.settle().await?;
        self.prove().await?;
        self.complete();
        Ok(())
    }

    async fn journalled(&mut self, index: Option<usize>, step: &Step, before: &Before) -> Result<(), StepFailure> {
        let state = &self.one.acting.world.state;
        self.step(index, step, before).await.map_err(|failure| match failure {
            StepFailure::Failed(error) => StepFailure::Failed(state.explained(error)),
            other => other,
        })
    }

    /// The intent is on the disk before the step begins, its outcome after.
    async fn step(&mut self, index: Option<usize>, step: &Step, before: &Before) -> Result<(), StepFailure> {
        let ActionRun { acting, run, instance, thing, action, .. } = self.one;
        self.report(|instance, _| Event::StepBegan { instance, headline: acting.headline(step) });
        let state = &acting.world.state;
        let entry = JournalEntry {
            address: instance.clone(),
            thing: thing.clone(),
            change: action.change,
            index,
            step: step.clone(),
            phase: Phase::Intended,
            before: self.sealed(before)?,
        };
        let seq = state.intend(run, &entry).context("the journal can't be written: nothing more is done")?;
        self.journal.push(seq);
        let outcome = step.carry_out(&acting).await;
        let phase = if outcome.is_ok() { Phase::Done } else { Phase::Failed };
        state.outcome(run, seq, phase).context("the journal can't be written")?;
        outcome
    }

    fn sealed(&self, before: &Before) -> Result<Option<Vec<u8>>, StepFailure> {
        if before.is_null() {
            return Ok(None);
        }
        let bytes = zeroize::Zeroizing::new(serde_json::to_vec(before).map_err(anyhow::Error::new)?);
        Ok(Some(self.one.acting.world.vault.seal(&bytes)?))
    }

    async fn prove_one(&self, check: &Check) -> Result<(), StepFailure> {
        self.report(|instance, _| Event::CheckBegan { instance, says: check.says.clone() });
        match prove(check, &self.one.acting).await {
            Ok(Proof::Held) => Ok(()),
            Ok(Proof::Failed(because)) => Err(StepFailure::Unproven { says: check.says.clone(), because }),
            Err(Failure::Denied(denial)) => Err(denial.into()),
            Err(failure) => Err(anyhow::Error::new(failure).into()),
        }
    }

    /// Says why it failed.
    pub fn failed(&self, failure: &StepFailure) {
        let because = self.one.redacted(failure);
        self.report(|instance, thing| Event::ActionFailed { instance, thing, because });
    }

    /// Takes its moves back, last first, unless the point of no return is behind. What fails is noted, and the rest taken
    /// back all the same. Returns what is left, a line each.
    async fn moves_back(&self) -> Vec<String> {
        let ActionRun { acting, instance, action, reporter, .. } = self.one;
        if self.is_past_return() {
            let why = "past its point of no return; the next apply goes on from here";
            return vec![format!("{instance} {}: {why}", action.thing)];
        }
        let mut left = Vec::new();
        for Begun { step: one, before } in self.begun.iter().rev() {
            let headline = acting.headline(&one.step);
            let outcome = match &one.revert {
                Revert::ByHost => one.step.revert(before, &acting).await,
                Revert::Steps(steps) => carry_out_all(steps, &acting).await,
                Revert::None(why) => {
                    reporter.report(Event::Note { message: format!("{instance}: not taken back: {headline} ({why})") });
                    Ok(())
                }
            };
            left.extend(
                outcome.err().map(|failure| format!("{instance}: {headline}: {}", self.one.redacted(&failure))),
            );
        }
        acting.world.memo.clear();
        left
    }

    fn report(&self, event: impl FnOnce(Address, String) -> Event) {
        self.one.reporter.report(event(self.one.instance.clone(), self.one.action.thing.clone()));
    }
}

impl ActionRun<'_> {
    fn redacted(&self, failure: &StepFailure) -> String {
        self.acting.world.vault.redact(&failure.to_string())
    }
}

/// Takes back what was begun of actions that settle in the same way, last first, and has that take effect, once for all.
pub async fn take_back(group: &[Open<'_>], settling: Settling) -> Left {
    let mut left = Left::default();
    for open in group.iter().rev() {
        let lines = open.moves_back().await;
        let complete = lines.is_empty();
        open.report(|instance, thing| Event::Reverted { instance, thing, complete });
        left.of.extend((!complete).then_some(open.index));
        left.lines.extend(lines);
    }
    let mut went_back = group.iter().rev().filter(|open| !open.begun.is_empty() && !open.is_past_return());
    if settling == Settling::Begun
        && let Some(Open { one, .. }) = went_back.next()
        && let Err(failure) = carry_out_all(&one.action.settle, &one.acting).await
    {
        left.of.extend(group.iter().map(|open| open.index));
        left.lines.push(format!("{}: {}", one.instance, one.redacted(&failure)));
    }
    left
}

async fn carry_out_all(steps: &[Step], acting: &Acting<'_>) -> Result<(), StepFailure> {
    for step in steps {
        step.permit(acting.gate)?;
        step.carry_out(acting).await?;
    }
    Ok(())
}
