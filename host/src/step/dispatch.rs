//! From the [`Step`] enum to the module of each kind.

use super::{Preview, Repeat, Step, StepFailure, StepKind};
use crate::{
    apply::Acting,
    gate::{Denial, Gate},
    value::Target,
};

impl Step {
    /// One line: what it does. The same for the plan, the progress and the errors.
    pub fn headline(&self) -> String {
        unimplemented!()
    }

    /// Where what it fills in goes, for the list of secrets: `file /srv/…/config.toml`.
    pub fn place(&self) -> String {
        unimplemented!()
    }
}

impl StepKind for Step {
    type Before = serde_json::Value;

    fn permit(&self, _gate: &Gate) -> Result<(), Denial> {
        unimplemented!()
    }

    async fn preview(&self, _acting: &Acting<'_>) -> Preview {
        unimplemented!()
    }

    async fn before(&self, _acting: &Acting<'_>) -> Result<Self::Before, StepFailure> {
        unimplemented!()
    }

    async fn carry_out(&self, _acting: &Acting<'_>) -> Result<(), StepFailure> {
        unimplemented!()
    }

    async fn revert(&self, _before: &Self::Before, _acting: &Acting<'_>) -> Result<(), StepFailure> {
        unimplemented!()
    }

    fn repeat(&self) -> Repeat {
        unimplemented!()
    }

    async fn is_done(&self, _acting: &Acting<'_>) -> Result<bool, StepFailure> {
        unimplemented!()
    }

    fn targets(&self) -> Vec<&Target> {
        unimplemented!()
    }
}
