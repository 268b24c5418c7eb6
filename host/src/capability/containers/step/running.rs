//! Starting and stopping a container.

use serde::{Deserialize, Serialize};
use std::time::Duration;

use anyhow::anyhow;

use super::{mounts, ours, ours_there, permit};
use crate::{
    capability::{Acting, Facts, Gate, Preview, Repeat, StepFailure, StepKind},
    model::Denial,
};

/// `containers.start`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ContainerStart {
    pub connection: String,
    pub name: String,
}

/// `containers.stop`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ContainerStop {
    pub connection: String,
    pub name: String,
}

/// How often a container in a crash loop is told to stop: between two starts the engine may miss it.
const ATTEMPTS: u32 = 50;

impl ContainerStart {
    /// One line: what it does.
    pub fn headline(&self) -> String {
        format!("start container {} on {}", self.name, self.connection)
    }
}

impl ContainerStop {
    /// One line: what it does.
    pub fn headline(&self) -> String {
        format!("stop container {} on {}", self.name, self.connection)
    }
}

async fn is_up(acting: &Acting<'_>, connection: &str, name: &str) -> Result<bool, StepFailure> {
    let (_, found) = ours(acting, connection, name).await?;
    Ok(found.is_some_and(|container| container.state.is_up()))
}

async fn start(acting: &Acting<'_>, connection: &str, name: &str) -> Result<(), StepFailure> {
    let (engine, container) = ours_there(acting, connection, name).await?;
    if container.state.running {
        return Ok(());
    }
    mounts::refuse_moved(acting, connection, &container, name).await?;
    Ok(engine.start(&permit(acting.gate, connection, name)?).await?)
}

/// One that is not there does not run: destroy meets what somebody has removed by hand.
async fn stop(acting: &Acting<'_>, connection: &str, name: &str) -> Result<(), StepFailure> {
    let (engine, Some(_)) = ours(acting, connection, name).await? else { return Ok(()) };
    let permit = permit(acting.gate, connection, name)?;
    for _ in 0..ATTEMPTS {
        engine.stop(&permit).await?;
        if !engine.inspect(name).await?.is_some_and(|container| container.state.is_up()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(anyhow!("connection `{connection}`: container `{name}` goes on running after it was told to stop").into())
}

impl StepKind for ContainerStart {
    /// Whether it was running.
    type Before = bool;

    fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        permit(gate, &self.connection, &self.name).map(|_| ())
    }

    async fn preview(&self, _: &Acting<'_>) -> Preview {
        Preview { headline: self.headline(), lines: Vec::new() }
    }

    async fn before(&self, acting: &Acting<'_>) -> Result<bool, StepFailure> {
        is_up(acting, &self.connection, &self.name).await
    }

    async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
        start(acting, &self.connection, &self.name).await
    }

    async fn revert(&self, was_up: &bool, acting: &Acting<'_>) -> Result<(), StepFailure> {
        if *was_up || !is_up(acting, &self.connection, &self.name).await? {
            return Ok(());
        }
        stop(acting, &self.connection, &self.name).await
    }

    fn repeat(&self) -> Repeat {
        Repeat::Repeatable
    }

    async fn is_done(&self, acting: &Acting<'_>) -> Result<bool, StepFailure> {
        is_up(acting, &self.connection, &self.name).await
    }

    fn facts(&self) -> Facts<'_> {
        Facts::NONE
    }
}

impl StepKind for ContainerStop {
    /// Whether it was running.
    type Before = bool;

    fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        permit(gate, &self.connection, &self.name).map(|_| ())
    }

    async fn preview(&self, _: &Acting<'_>) -> Preview {
        Preview { headline: self.headline(), lines: Vec::new() }
    }

    async fn before(&self, acting: &Acting<'_>) -> Result<bool, StepFailure> {
        is_up(acting, &self.connection, &self.name).await
    }

    async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
        stop(acting, &self.connection, &self.name).await
    }

    async fn revert(&self, was_up: &bool, acting: &Acting<'_>) -> Result<(), StepFailure> {
        // One that is gone does not run again.
        if !*was_up || ours(acting, &self.connection, &self.name).await?.1.is_none() {
            return Ok(());
        }
        start(acting, &self.connection, &self.name).await
    }

    fn repeat(&self) -> Repeat {
        Repeat::Repeatable
    }

    async fn is_done(&self, acting: &Acting<'_>) -> Result<bool, StepFailure> {
        Ok(!is_up(acting, &self.connection, &self.name).await?)
    }

    fn facts(&self) -> Facts<'_> {
        Facts::taking([&self.connection, "container", &self.name])
    }
}
