//! One action: its moves, its settle, its proof; and all of it back when something fails.

use std::time::Instant;

use anyhow::Context;

use super::{Acting, Event, Reporter};
use crate::{
    condition::{Check, Proof, prove},
    observe::Failure,
    plan::{Action, Move, Revert},
    state::{JournalEntry, Phase, RunId},
    step::{Step, StepFailure, StepKind},
    value::Address,
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

/// Why an action failed, and how it was taken back.
#[derive(Debug)]
pub struct ActionFailure {
    /// Why.
    pub failure: StepFailure,
    /// What was left.
    pub reverted: Reverted,
}

/// Carries out one action in the name of its instance.
pub struct ActionRun<'a> {
    /// World and gate.
    pub acting: Acting<'a>,
    /// Number of the run.
    pub run: RunId,
    /// Whose action it is.
    pub instance: &'a Address,
    /// The action.
    pub action: &'a Action,
    /// Where events go.
    pub reporter: &'a dyn Reporter,
}

impl ActionRun<'_> {
    /// Moves from `first` on, settle, proof. When one fails, everything begun is taken back, unless the point of no
    /// return is behind.
    pub async fn carry_out(&self, first: usize) -> Result<Done, ActionFailure> {
        let start = Instant::now();
        let thing = self.action.thing.clone();
        self.report(Event::ActionBegan {
            instance: self.instance.clone(),
            thing: thing.clone(),
            change: self.action.change,
        });
        let (mut begun, mut settling) = (Vec::new(), false);
        match self.forward(first, &mut begun, &mut settling).await {
            Ok(()) => {
                let milliseconds = start.elapsed().as_millis();
                let (instance, change) = (self.instance.clone(), self.action.change);
                self.report(Event::ActionDone { instance, thing, change, milliseconds });
                Ok(Done { begun, settle: self.action.settle.clone() })
            }
            Err(failure) => {
                let because = self.acting.world.vault.redact(&failure.to_string());
                self.report(Event::ActionFailed { instance: self.instance.clone(), thing: thing.clone(), because });
                let reverted = self.back(first, begun, settling).await;
                let complete = reverted.left.is_empty();
                self.report(Event::Reverted { instance: self.instance.clone(), thing, complete });
                Err(ActionFailure { failure, reverted })
            }
        }
    }

    async fn forward(&self, first: usize, begun: &mut Vec<Begun>, settling: &mut bool) -> Result<(), StepFailure> {
        for (index, one) in self.action.moves.iter().enumerate().skip(first) {
            one.step.permit(self.acting.gate)?;
            let before = one.step.before(&self.acting).await?;
            begun.push(Begun { step: one.clone(), before: before.clone() });
            self.journalled(Some(index), &one.step, &before).await?;
        }
        for step in &self.action.settle {
            *settling = true;
            step.permit(self.acting.gate)?;
            self.journalled(None, step, &Before::Null).await?;
        }
        self.acting.world.memo.clear();
        for check in &self.action.proof {
            self.prove(check).await?;
        }
        Ok(())
    }

    /// The intent is on the disk before the step begins, its outcome after.
    async fn journalled(&self, index: Option<usize>, step: &Step, before: &Before) -> Result<(), StepFailure> {
        self.report(Event::StepBegan { instance: self.instance.clone(), headline: self.acting.headline(step) });
        let state = &self.acting.world.state;
        let entry = JournalEntry {
            address: self.instance.clone(),
            thing: self.action.thing.clone(),
            index,
            step: step.clone(),
            phase: Phase::Intended,
            before: self.sealed(before)?,
        };
        let seq = state.intend(self.run, &entry).context("the journal can't be written: nothing more is done")?;
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

    async fn prove(&self, check: &Check) -> Result<(), StepFailure> {
        self.report(Event::CheckBegan { instance: self.instance.clone(), says: check.says.clone() });
        match prove(check, &self.acting).await {
            Ok(Proof::Held) => Ok(()),
            Ok(Proof::Failed(because)) => Err(StepFailure::Unproven { says: check.says.clone(), because }),
            Err(Failure::Denied(denial)) => Err(denial.into()),
            Err(failure) => Err(anyhow::Error::new(failure).into()),
        }
    }

    async fn back(&self, first: usize, begun: Vec<Begun>, settling: bool) -> Reverted {
        let reached = first + begun.len();
        if let Some(no_return) = self.action.no_return
            && reached > no_return as usize
        {
            let thing = &self.action.thing;
            return Reverted {
                left: vec![format!(
                    "{} {thing}: past its point of no return; the next apply goes on from here",
                    self.instance
                )],
            };
        }
        let settle = if settling { self.action.settle.clone() } else { Vec::new() };
        let done = Done { begun, settle };
        take_back(&self.acting, self.instance, done, self.reporter).await
    }

    fn report(&self, event: Event) {
        self.reporter.report(event);
    }
}

/// Takes back what was begun, last first, then settles again. What fails is noted, and the rest taken back all the same.
pub async fn take_back(acting: &Acting<'_>, instance: &Address, done: Done, reporter: &dyn Reporter) -> Reverted {
    let mut reverted = Reverted::default();
    for Begun { step: one, before } in done.begun.iter().rev() {
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
    if !done.begun.is_empty()
        && let Err(failure) = carry_out_all(&done.settle, acting).await
    {
        reverted.left.push(format!("{instance}: {}", acting.world.vault.redact(&failure.to_string())));
    }
    reverted
}

async fn carry_out_all(steps: &[Step], acting: &Acting<'_>) -> Result<(), StepFailure> {
    for step in steps {
        step.permit(acting.gate)?;
        step.carry_out(acting).await?;
    }
    Ok(())
}
