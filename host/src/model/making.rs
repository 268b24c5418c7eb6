//! What instances make, and whether it is there.

use serde::{Deserialize, Serialize};

/// Where a value that an instance makes comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Making {
    /// The stack's store.
    Stored {
        /// Its name within the instance.
        name: String,
    },
    /// Somebody else's file on this machine, read only.
    FromFile {
        /// Its name within the instance.
        name: String,
        /// Absolute path.
        path: String,
        /// Entry of a TOML, JSON or env file; none is the whole file less one last line break.
        key: Option<String>,
    },
    /// A field of the answer to an HTTP step.
    Captured {
        /// Its name within the instance.
        name: String,
        /// The connection that the answer comes from.
        connection: String,
    },
}

impl Making {
    /// Its name within the instance.
    pub fn name(&self) -> &str {
        match self {
            Making::Stored { name } | Making::FromFile { name, .. } | Making::Captured { name, .. } => name,
        }
    }
}

/// Whether a value is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// With this keyed fingerprint, which tells sameness and nothing else.
    Present(String),
    /// Not made yet.
    Absent,
    /// State knows it and the store lacks it: an error, never generated again. The text says what to do.
    Lost(String),
}
