//! Taking a container away, running or not. Volumes that have a name stay, and so does all that is mounted.

use serde::{Deserialize, Serialize};

use super::{ours, permit};
use crate::{
    capability::{Acting, Facts, Gate, Preview, Repeat, StepFailure, StepKind, containers::client::CreateBody},
    model::Denial,
};

/// `containers.remove`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ContainerRemove {
    pub connection: String,
    pub name: String,
}

/// All that is needed to make the container again; what it wrote outside its mounts is lost. Environment is in it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Removed {
    body: CreateBody,
    was_up: bool,
}

impl ContainerRemove {
    /// One line: what it does.
    pub fn headline(&self) -> String {
        format!("remove container {} on {}", self.name, self.connection)
    }
}

impl StepKind for ContainerRemove {
    /// None when there was none.
    type Before = Option<Removed>;

    fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        permit(gate, &self.connection, &self.name).map(|_| ())
    }

    async fn preview(&self, _: &Acting<'_>) -> Preview {
        Preview { headline: self.headline(), lines: Vec::new() }
    }

    async fn before(&self, acting: &Acting<'_>) -> Result<Option<Removed>, StepFailure> {
        let (_, found) = ours(acting, &self.connection, &self.name).await?;
        Ok(found.map(|container| Removed { body: CreateBody::of(&container), was_up: container.state.is_up() }))
    }

    async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
        match ours(acting, &self.connection, &self.name).await? {
            (_, None) => Ok(()),
            (engine, Some(_)) => Ok(engine.remove(&permit(acting.gate, &self.connection, &self.name)?).await?),
        }
    }

    async fn revert(&self, before: &Option<Removed>, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let (Some(removed), (engine, None)) = (before, ours(acting, &self.connection, &self.name).await?) else {
            return Ok(());
        };
        let permit = permit(acting.gate, &self.connection, &self.name)?;
        engine.create(&permit, &removed.body).await?;
        if removed.was_up {
            engine.start(&permit).await?;
        }
        Ok(())
    }

    fn repeat(&self) -> Repeat {
        Repeat::Repeatable
    }

    async fn is_done(&self, acting: &Acting<'_>) -> Result<bool, StepFailure> {
        Ok(ours(acting, &self.connection, &self.name).await?.1.is_none())
    }

    fn facts(&self) -> Facts<'_> {
        Facts::taking([&self.connection, "container", &self.name])
    }
}
