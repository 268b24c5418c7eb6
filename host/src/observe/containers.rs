//! Questions to container engines.

use serde::{Deserialize, Serialize};

use super::{Failure, World};
use crate::{gate::Permit, wanted::Definition};

/// A container to compare.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct ContainerQuestion {
    pub connection: String,
    pub wanted: Definition,
}

/// Anything asked of an engine as a whole: images, ports, what it is, which containers are this instance's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct EngineQuestion {
    pub connection: String,
}

/// See `containers.run-state` in the WIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum RunState {
    Running,
    Restarting,
    Stopped,
    Absent,
}

/// See `containers.ownership` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Ownership {
    Ours,
    Other(String),
    Foreign,
}

/// See `containers.comparison` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ContainerComparison {
    pub state: RunState,
    pub owner: Ownership,
    pub differs: Vec<String>,
}

/// See `containers.holder` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum PortHolder {
    Free,
    Container(String),
    Other(String),
}

/// See `containers.engine` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct EngineFacts {
    pub flavour: String,
    pub version: String,
    pub rootless: bool,
}

impl World {
    /// How a container stands to what is wanted.
    pub async fn container_compare(&self, _permit: &Permit<ContainerQuestion>) -> Result<ContainerComparison, Failure> {
        unimplemented!()
    }

    /// Names of the containers with the label of the gate's stack and instance (`stack/kind.name`).
    pub async fn containers_ours(
        &self,
        _permit: &Permit<EngineQuestion>,
        _label: &str,
    ) -> Result<Vec<String>, Failure> {
        unimplemented!()
    }

    /// The digest of an image, if it is there.
    pub async fn image_digest(
        &self,
        _permit: &Permit<EngineQuestion>,
        _reference: &str,
    ) -> Result<Option<String>, Failure> {
        unimplemented!()
    }

    /// Who holds a port of the machine that containers publish on.
    pub async fn port_holder(&self, _permit: &Permit<EngineQuestion>, _port: u16) -> Result<PortHolder, Failure> {
        unimplemented!()
    }

    /// What the engine is.
    pub async fn engine_facts(&self, _permit: &Permit<EngineQuestion>) -> Result<EngineFacts, Failure> {
        unimplemented!()
    }
}
