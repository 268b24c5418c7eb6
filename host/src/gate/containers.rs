//! The capability `containers`.

use serde::{Deserialize, Serialize};

use super::{Denial, Gate, NamePattern, Permit};
use crate::observe::{ContainerQuestion, EngineQuestion};

/// What an instance may do with containers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContainersGrant {
    /// Names of `docker-api` connections.
    pub connections: Vec<String>,
    /// Containers that may be made, changed and asked about; a replacement's temporary name is one of these with `-next`.
    pub names: Vec<NamePattern>,
    /// Directories of the host that may be mounted, with everything below them.
    pub mounts: Vec<NamePattern>,
}

/// A container to be changed, or waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct ContainerSubject {
    pub connection: String,
    pub name: String,
}

impl Gate {
    /// Comparing a container, and making it.
    pub fn container_define(&self, _question: ContainerQuestion) -> Result<Permit<ContainerQuestion>, Denial> {
        unimplemented!()
    }

    /// Asking an engine about images, ports and itself.
    pub fn engine(&self, _question: EngineQuestion) -> Result<Permit<EngineQuestion>, Denial> {
        unimplemented!()
    }

    /// Starting, stopping, renaming, removing and watching a container.
    pub fn container(&self, _subject: ContainerSubject) -> Result<Permit<ContainerSubject>, Denial> {
        unimplemented!()
    }
}
