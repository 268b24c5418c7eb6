//! What instances own in the world.

use serde::{Deserialize, Serialize};

/// One thing in the world that an instance owns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Thing {
    /// Unique within the instance.
    pub key: String,
    /// Connection it lives behind; `files` and `store` stand for this machine.
    pub connection: String,
    /// `role`, `database`, `container`, …
    pub kind: String,
    /// Its name in the world.
    pub name: String,
}

/// `database mediamanager`
impl std::fmt::Display for Thing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}
