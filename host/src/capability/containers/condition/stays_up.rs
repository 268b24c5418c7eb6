//! A container that runs, and was not restarted for a while.

use serde::{Deserialize, Serialize};
use std::time::Duration;

use super::{LogMeaning, Run, explained, look};
use crate::{
    capability::{Acting, Gate, Held},
    model::{Denial, Failure},
};

/// See `containers.stays-up` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ContainerStaysUp {
    pub connection: String,
    pub name: String,
    /// Milliseconds.
    pub for_ms: u32,
    /// What its last lines mean when it does not hold.
    #[serde(default)]
    pub log: Vec<LogMeaning>,
}

/// In the host's own words.
pub fn says(kind: &ContainerStaysUp) -> String {
    format!("container {} stays up for {} s", kind.name, f64::from(kind.for_ms) / 1000.0)
}

/// Asks the gate.
pub fn permit(kind: &ContainerStaysUp, gate: &Gate) -> Result<(), Denial> {
    crate::capability::containers::condition::permit(gate, &kind.connection, &kind.name)
}

/// Asks the engine once.
pub async fn ask(kind: &ContainerStaysUp, acting: &Acting<'_>) -> Result<Held, Failure> {
    permit(kind, acting.gate)?;
    let engine = acting.world.connections.engine(&kind.connection)?;
    let enough = Duration::from_millis(kind.for_ms.into());
    Ok(match look(&engine, &kind.name).await? {
        Run::Up { since, .. } if since >= enough => Held::Yes,
        Run::Up { since, .. } => {
            Held::No(format!("container `{}` has been up for {:.1} s", kind.name, since.as_secs_f64()))
        }
        Run::Down(seen) => Held::No(explained(acting, &engine, &kind.name, seen, &kind.log).await),
        Run::Lost(seen) => Held::Never(explained(acting, &engine, &kind.name, seen, &kind.log).await),
    })
}
