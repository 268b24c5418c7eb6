//! `types.await`: a step that waits until a condition holds.

use serde::{Deserialize, Serialize};

use super::{Part, Step};
use crate::{
    capability::{
        Acting, Check, Condition, Facts, Gate, Preview, Repeat, StepFailure, StepKind,
        condition::{Proof, prove},
    },
    model::{Denial, Failure, value::Target},
};

/// Waits, and fails when the time is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Await {
    /// What is waited for.
    pub condition: Condition,
    /// Milliseconds.
    pub timeout_ms: u32,
}

impl Await {
    /// One line.
    pub fn headline(&self) -> String {
        let seconds = f64::from(self.timeout_ms) / 1000.0;
        format!("wait up to {seconds} s until {}", self.condition.says())
    }
}

impl Await {
    pub(super) fn inner(&self) -> Vec<Part<'_>> {
        vec![Part::Condition(&self.condition)]
    }

    pub(super) fn each_inner_mut(&mut self, _: &mut dyn FnMut(&mut Step)) {}

    pub(super) fn shown(&self, plain: &dyn Fn(&Target) -> Option<String>) -> Self {
        Self { condition: self.condition.with_known(plain), timeout_ms: self.timeout_ms }
    }
}

impl StepKind for Await {
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

    /// It asks, and does nothing; what it sends is asked of its conditions ([`Step::parts`](super::Step::parts)).
    fn facts(&self) -> Facts<'_> {
        Facts::NONE
    }
}
