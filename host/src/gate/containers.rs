//! The capability `containers`.

use serde::{Deserialize, Serialize};

use super::NamePattern;

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
