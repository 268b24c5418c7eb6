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

/// An action that was carried out, with all that is needed to take it back.
#[derive(Clone, Debug)]
pub struct Done {
    /// Its moves, in order.
    pub begun: Vec<Begun>,
    /// What makes taking it back take effect: its settle, if that was begun. Before, no service has seen a change, and
    /// one that works must not be restarted for nothing.
    pub settle: Vec<Step>,
}

/// How taking back went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reverted {
    /// What could not be taken back, one line each.
    pub left: Vec<String>,
}

/// Carries out one action in the name of its instance, a part at a time: a settle may wait for that of others.
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

/// What was begun of an action.
#[derive(Debug)]
pub struct Moving {
    /// The first move that is this run's; the ones before it happened in a run that was killed.
    first: usize,
    begun: Vec<Begun>,
    /// Its steps in the journal.
    journal: Vec<i64>,
    start: Instant,
}

impl Moving {
    /// Nothing yet.
    pub fn from(first: usize) -> Self {
        Self { first, begun: Vec::new(), journal: Vec::new(), start: Instant::now() }
    }

    /// Its steps in the journal.
    pub fn journal(&self) -> &[i64] {
        &self.journal
    }

    /// Whether the action's point of no return is behind.
    fn is_past_return(&self, action: &Action) -> bool {
        let reached = self.first + self.begun.len();
        action.no_return.is_some_and(|no_return| reached > no_return as usize)
    }

    /// Whether something of it is to be taken back, and can be.
    pub fn goes_back(&self, action: &Action) -> bool {
        !self.begun.is_empty() && !self.is_past_return(action)
    }
}

impl ActionRun<'_> {
    /// Moves, from the first that is left on.
    pub async fn go(&self, moving: &mut Moving) -> Result<(), StepFailure> {
        let (instance, thing, change) = (self.instance.clone(), self.action.thing.clone(), self.action.change);
        self.report(Event::ActionBegan { instance, thing, change });
        for (index, one) in self.action.moves.iter().enumerate().skip(moving.first) {
            one.step.permit(self.acting.gate)?;
            let before = one.step.before(&self.acting).await?;
            moving.begun.push(Begun { step: one.clone(), before: before.clone() });
            self.journalled(moving, Some(index), &one.step, &before).await?;
        }
        Ok(())
    }

    /// Has the moves take effect: its own, and those of every action before it that settles in the same way.
    pub async fn settle(&self, moving: &mut Moving) -> Result<(), StepFailure> {
        for step in &self.action.settle {
            step.permit(self.acting.gate)?;
            self.journalled(moving, None, step, &Before::Null).await?;
        }
        self.acting.world.memo.clear();
        Ok(())
    }

    /// Whether it has succeeded.
    pub async fn prove(&self) -> Result<(), StepFailure> {
        for check in &self.action.proof {
            self.prove_one(check).await?;
        }
        Ok(())
    }

    /// It is complete.
    pub fn done(&self, moving: Moving) -> Done {
        let milliseconds = moving.start.elapsed().as_millis();
        let (instance, thing, change) = (self.instance.clone(), self.action.thing.clone(), self.action.change);
        self.report(Event::ActionDone { instance, thing, change, milliseconds });
        Done { begun: moving.begun, settle: self.action.settle.clone() }
    }

    /// All of it. When it fails nothing is taken back: what is carried out by itself is past its point of no return.
    pub async fn carry_out(&self, mut moving: Moving) -> Result<(), StepFailure> {
        self.go(&mut moving).await?;
        self.settle(&mut moving).await?;
        self.prove().await?;
        self.done(moving);
        Ok(())
    }

    /// The intent is on the disk before the step begins, its outcome after.
    async fn journalled(
        &self,
        moving: &mut Moving,
        index: Option<usize>,
        step: &Step,
        before: &Before,
    ) -> Result<(), StepFailure> {
        self.report(Event::StepBegan { instance: self.instance.clone(), headline: self.acting.headline(step) });
        let state = &self.acting.world.state;
        let entry = JournalEntry {
            address: self.instance.clone(),
            thing: self.thing.clone(),
            change: self.action.change,
            index,
            step: step.clone(),
            phase: Phase::Intended,
            before: self.sealed(before)?,
        };
        let seq = state.intend(self.run, &entry).context("the journal can't be written: nothing more is done")?;
        moving.journal.push(seq);
        let outcome = step.carry_out(&self.acting).await;
        let phase = if outcome.is_ok() { Phase::Done } else { Phase::Failed };
        state.outcome(self.run, seq, phase).context("the journal can't be written")?;
        outcome
    }

    fn sealed(&self, before: &Before) -> Result<Option<Vec<u8>>, StepFailure> {
        if before.is_null() {
            return Ok(None);
        }
        let bytes = zeroize::Zeroizing::new(serde_json::to_vec(before).map_err(anyhow::Error::new)?);
        Ok(Some(self.acting.world.vault.seal(&bytes)?))
    }

    async fn prove_one(&self, check: &Check) -> Result<(), StepFailure> {
        self.report(Event::CheckBegan { instance: self.instance.clone(), says: check.says.clone() });
        match prove(check, &self.acting).await {
            Ok(Proof::Held) => Ok(()),
            Ok(Proof::Failed(because)) => Err(StepFailure::Unproven { says: check.says.clone(), because }),
            Err(Failure::Denied(denial)) => Err(denial.into()),
            Err(failure) => Err(anyhow::Error::new(failure).into()),
        }
    }

    /// Says why it failed.
    pub fn failed(&self, failure: &StepFailure) {
        let because = self.acting.world.vault.redact(&failure.to_string());
        let (instance, thing) = (self.instance.clone(), self.action.thing.clone());
        self.report(Event::ActionFailed { instance, thing, because });
    }

    /// Takes its moves back, unless the point of no return is behind. The settle after that is the caller's.
    pub async fn back(&self, moving: Moving) -> Reverted {
        let reverted = match moving.is_past_return(self.action) {
            false => moves_back(&self.acting, self.instance, &moving.begun, self.reporter).await,
            true => Reverted {
                left: vec![format!(
                    "{} {}: past its point of no return; the next apply goes on from here",
                    self.instance, self.action.thing
                )],
            },
        };
        let (instance, thing) = (self.instance.clone(), self.action.thing.clone());
        self.report(Event::Reverted { instance, thing, complete: reverted.left.is_empty() });
        reverted
    }

    fn report(&self, event: Event) {
        self.reporter.report(event);
    }
}

/// Takes back what was begun, last first, then settles again. What fails is noted, and the rest taken back all the same.
pub async fn take_back(acting: &Acting<'_>, instance: &Address, done: Done, reporter: &dyn Reporter) -> Reverted {
    let mut reverted = moves_back(acting, instance, &done.begun, reporter).await;
    if !done.begun.is_empty() {
        reverted.left.extend(settle_again(acting, instance, &done.settle).await);
    }
    reverted
}

async fn moves_back(acting: &Acting<'_>, instance: &Address, begun: &[Begun], reporter: &dyn Reporter) -> Reverted {
    let mut reverted = Reverted::default();
    for Begun { step: one, before } in begun.iter().rev() {
        let headline = acting.headline(&one.step);
        let outcome = match &one.revert {
            Revert::ByHost => one.step.revert(before, acting).await,
            Revert::Steps(steps) => carry_out_all(steps, acting).await,
            Revert::None(why) => {
                reporter.report(Event::Note { message: format!("{instance}: not taken back: {headline} ({why})") });
                Ok(())
            }
        };
        if let Err(failure) = outcome {
            let failure = acting.world.vault.redact(&failure.to_string());
            reverted.left.push(format!("{instance}: {headline}: {failure}"));
        }
    }
    acting.world.memo.clear();
    reverted
}

/// Has what was taken back take effect. A line when that fails.
pub async fn settle_again(acting: &Acting<'_>, instance: &Address, settle: &[Step]) -> Option<String> {
    let failure = carry_out_all(settle, acting).await.err()?;
    Some(format!("{instance}: {}", acting.world.vault.redact(&failure.to_string())))
}

async fn carry_out_all(steps: &[Step], acting: &Acting<'_>) -> Result<(), StepFailure> {
    for step in steps {
        step.permit(acting.gate)?;
        step.carry_out(acting).await?;
    }
    Ok(())
}
