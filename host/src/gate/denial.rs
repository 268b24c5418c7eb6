//! A refusal, in words that say what would allow it.

use serde::{Deserialize, Serialize};

use crate::value::Address;

/// Who was refused what, and the line that would grant it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error(
    "plugin `{plugin}` was denied `{capability}` for {instance}: it asked for {asked}\n  \
     to grant it, add to [plugin.{plugin}.grants] in the host file:  {line}"
)]
pub struct Denial {
    /// Name of the plugin.
    pub plugin: String,
    /// The instance it spoke for.
    pub instance: Address,
    /// `sql.read`, `files.write`, …
    pub capability: String,
    /// What it wanted.
    pub asked: String,
    /// The line to add.
    pub line: String,
}
