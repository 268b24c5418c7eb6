//! `types.unless`: a step that is left out when a condition holds.

use serde::{Deserialize, Serialize};

use super::{Part, Step};
use crate::{
    capability::{Acting, Condition, Facts, Gate, Held, Preview, Repeat, StepFailure, StepKind},
    model::{Denial, value::Target},
};

/// A step, and what makes it needless.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unless {
    /// Asked right before the step.
    pub condition: Condition,
    /// Carried out when it does not hold.
    pub step: Box<Step>,
}

impl Unless {
    /// One line for plan, progress and errors.
    pub fn headline(&self) -> String {
        format!("unless {}: {}", self.condition.says(), self.step.headline())
    }

    /// The condition, the step, and what is in it.
    pub(super) fn inner(&self) -> Vec<Part<'_>> {
        let mut parts = vec![Part::Condition(&self.condition)];
        parts.extend(self.step.parts());
        parts
    }

    pub(super) fn each_inner_mut(&mut self, change: &mut dyn FnMut(&mut Step)) {
        self.step.each_mut(change);
    }

    pub(super) fn shown(&self, plain: &dyn Fn(&Target) -> Option<String>) -> Self {
        Self { condition: self.condition.with_known(plain), step: Box::new(self.step.shown(plain)) }
    }
}

impl StepKind for Unless {
    type Before = serde_json::Value;

    fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        self.condition.permit(gate)?;
        self.step.permit(gate)
    }

    async fn preview(&self, acting: &Acting<'_>) -> Preview {
        let preview = Box::pin(self.step.preview(acting)).await;
        Preview { headline: format!("unless {}: {}", self.condition.says(), preview.headline), ..preview }
    }

    async fn before(&self, acting: &Acting<'_>) -> Result<Self::Before, StepFailure> {
        Box::pin(self.step.before(acting)).await
    }

    async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
        if matches!(self.condition.ask(acting).await, Ok(Held::Yes)) {
            return Ok(());
        }
        Box::pin(self.step.carry_out(acting)).await
    }

    async fn revert(&self, before: &Self::Before, acting: &Acting<'_>) -> Result<(), StepFailure> {
        Box::pin(self.step.revert(before, acting)).await
    }

    fn repeat(&self) -> Repeat {
        self.step.repeat()
    }

    async fn is_done(&self, acting: &Acting<'_>) -> Result<bool, StepFailure> {
        Box::pin(self.step.is_done(acting)).await
    }

    /// Those of the step, but for what it fills in: whoever wants to know that looks at its parts ([`Step::parts`]), the
    /// condition among them.
    fn facts(&self) -> Facts<'_> {
        Facts { fills: Vec::new(), ..self.step.facts() }
    }
}
