//! A refusal, in words that say what would allow it.

use serde::{Deserialize, Serialize};

use super::value::Address;

/// Who was refused what, and the line that would grant it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("plugin `{plugin}` was denied `{capability}` for {instance}: it asked for {asked}\n  {}", cure(.plugin, .line))]
pub struct Denial {
    /// Name of the plugin.
    pub plugin: String,
    /// The instance it spoke for.
    pub instance: Address,
    /// `sql.read`, `files.write`, …
    pub capability: String,
    /// What it wanted.
    pub asked: String,
    /// The line to add. One that begins with a table's name stands in that table, every other in the plugin's grants.
    /// [`NEVER`] where none would help.
    pub line: String,
}

/// Whatever the host file says, this is denied.
pub(crate) const NEVER: &str = "";

fn cure(plugin: &str, line: &str) -> String {
    match line {
        NEVER => "nothing was changed, and no line of the host file grants that".to_owned(),
        line if line.starts_with('[') => format!("to grant it, add to the host file:  {line}"),
        line => format!("to grant it, add to [plugin.{plugin}.grants] in the host file:  {line}"),
    }
}
