//! `types.await`: a step that waits until a condition holds.

use super::{Preview, Repeat, StepFailure, StepKind};
use crate::{
    apply::Acting,
    condition::{Check, Condition, Proof, prove},
    gate::{Denial, Gate},
    observe::Failure,
    value::Target,
};

/// Waits, and fails when the time is over.
#[derive(Clone, Copy, Debug)]
pub struct Await<'a> {
    /// What is waited for.
    pub condition: &'a Condition,
    /// Milliseconds.
    pub timeout_ms: u32,
}

impl Await<'_> {
    /// One line.
    pub fn headline(&self) -> String {
        format!("wait up to {} s until {}", self.timeout_ms.div_ceil(1000), self.condition.says())
    }
}

impl StepKind for Await<'_> {
    type Before = ();

    fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        self.condition.permit(gate)
    }

    async fn preview(&self, _acting: &Acting<'_>) -> Preview {
        Preview { headline: self.headline(), lines: Vec::new() }
    }

    async fn before(&self, _acting: &Acting<'_>) -> Result<(), StepFailure> {
        Ok(())
    }

    async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let says = self.condition.says();
        let check = Check {
            id: String::new(),
            says: says.clone(),
            condition: self.condition.clone(),
            timeout_ms: self.timeout_ms,
        };
        match prove(&check, acting).await {
            Ok(Proof::Held) => Ok(()),
            Ok(Proof::Failed(because)) => Err(StepFailure::Unproven { says, because }),
            Err(Failure::Denied(denial)) => Err(denial.into()),
            Err(failure) => Err(anyhow::Error::new(failure).into()),
        }
    }

    async fn revert(&self, (): &(), _acting: &Acting<'_>) -> Result<(), StepFailure> {
        Ok(())
    }

    fn repeat(&self) -> Repeat {
        Repeat::Repeatable
    }

    async fn is_done(&self, _acting: &Acting<'_>) -> Result<bool, StepFailure> {
        Ok(false)
    }

    fn targets(&self) -> Vec<&Target> {
        self.condition.targets()
    }
}
