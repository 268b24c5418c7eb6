//! Steps that change containers. Each acts on a container of this instance alone: what carries another label, or
//! none, is an error that says whose it is.

mod create;
mod mounts;
mod remove;
mod rename;
mod running;
mod shown;

pub use create::ContainerCreate;
pub use mounts::{Moment, Mounting, Overlap, mounting, overlapping};
pub use remove::ContainerRemove;
pub use rename::ContainerRename;
pub use running::{ContainerStart, ContainerStop};

use std::sync::Arc;

use anyhow::anyhow;

use super::{
    ContainerSubject, Ownership,
    client::{Engine, EngineError, Inspect},
    owner,
};
use crate::{
    capability::{Acting, Gate, StepFailure},
    model::Permit,
};

impl From<EngineError> for StepFailure {
    fn from(error: EngineError) -> Self {
        StepFailure::Failed(anyhow::Error::new(error))
    }
}

pub(crate) fn permit(
    gate: &Gate,
    connection: &str,
    name: &str,
) -> Result<Permit<ContainerSubject>, crate::model::Denial> {
    gate.container(ContainerSubject { connection: connection.to_owned(), name: name.to_owned() })
}

/// The engine and the container of this name, if it is there; one that is not this instance's is an error.
pub(crate) async fn ours(
    acting: &Acting<'_>,
    connection: &str,
    name: &str,
) -> Result<(Arc<Engine>, Option<Inspect>), StepFailure> {
    // Looking is no less a capability than changing.
    permit(acting.gate, connection, name)?;
    let engine = acting.world.connections.engine(connection)?;
    let found = engine.inspect(name).await?;
    if let Some(container) = &found {
        refuse_foreign(container, name, acting)?;
    }
    Ok((engine, found))
}

/// The same, where a container that is not there is an error too.
pub(crate) async fn ours_there(
    acting: &Acting<'_>,
    connection: &str,
    name: &str,
) -> Result<(Arc<Engine>, Inspect), StepFailure> {
    let (engine, found) = ours(acting, connection, name).await?;
    let container = found.ok_or_else(|| anyhow!("connection `{connection}`: there is no container `{name}`"))?;
    Ok((engine, container))
}

fn refuse_foreign(container: &Inspect, name: &str, acting: &Acting<'_>) -> Result<(), StepFailure> {
    match owner(container, acting.gate.stack(), acting.gate.instance()) {
        Ownership::Ours => Ok(()),
        Ownership::Other(owner) => Err(anyhow!(
            "container `{name}` belongs to {owner}, not to {}/{}: it is left alone",
            acting.gate.stack(),
            acting.gate.instance()
        )
        .into()),
        Ownership::Foreign => Err(anyhow!(
            "container `{name}` was not made by stackrun: it is left alone\n  \
             remove or rename it, or give this instance another `name`"
        )
        .into()),
    }
}
