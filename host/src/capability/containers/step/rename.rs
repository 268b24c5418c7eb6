//! Giving a container another name, running or not.

use serde::{Deserialize, Serialize};

use super::{ours, ours_there, permit};
use crate::{
    capability::{Acting, Facts, Gate, Preview, Repeat, StepFailure, StepKind},
    model::Denial,
};

/// `containers.rename`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ContainerRename {
    pub connection: String,
    pub name: String,
    pub to: String,
}

impl ContainerRename {
    /// One line: what it does.
    pub fn headline(&self) -> String {
        format!("rename container {} to {} on {}", self.name, self.to, self.connection)
    }
}

impl StepKind for ContainerRename {
    /// The engine's id of the container; none when it has its new name already.
    type Before = Option<String>;

    fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        permit(gate, &self.connection, &self.name)?;
        permit(gate, &self.connection, &self.to).map(|_| ())
    }

    async fn preview(&self, _: &Acting<'_>) -> Preview {
        Preview { headline: self.headline(), lines: Vec::new() }
    }

    async fn before(&self, acting: &Acting<'_>) -> Result<Option<String>, StepFailure> {
        Ok(ours(acting, &self.connection, &self.name).await?.1.map(|container| container.id))
    }

    async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
        if self.is_done(acting).await? {
            return Ok(());
        }
        let (engine, _) = ours_there(acting, &self.connection, &self.name).await?;
        let from = permit(acting.gate, &self.connection, &self.name)?;
        let to = permit(acting.gate, &self.connection, &self.to)?;
        Ok(engine.rename(&from, &to).await?)
    }

    async fn revert(&self, id: &Option<String>, acting: &Acting<'_>) -> Result<(), StepFailure> {
        match ours(acting, &self.connection, &self.to).await? {
            (engine, Some(container)) if Some(&container.id) == id.as_ref() => {
                let from = permit(acting.gate, &self.connection, &self.to)?;
                let to = permit(acting.gate, &self.connection, &self.name)?;
                Ok(engine.rename(&from, &to).await?)
            }
            _ => Ok(()),
        }
    }

    fn repeat(&self) -> Repeat {
        Repeat::Detectable
    }

    async fn is_done(&self, acting: &Acting<'_>) -> Result<bool, StepFailure> {
        let (_, from) = ours(acting, &self.connection, &self.name).await?;
        let (_, to) = ours(acting, &self.connection, &self.to).await?;
        Ok(from.is_none() && to.is_some())
    }

    fn facts(&self) -> Facts<'_> {
        Facts::NONE
    }
}
