//! A refusal, in words that say what would allow it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::value::Address;

/// Who was refused what, and the line that would grant it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}{}", self.explained(), cure(.plugin, .line))]
pub struct Denial {
    /// Name of the plugin.
    pub plugin: String,
    /// The instance it spoke for.
    pub instance: Address,
    /// `sql.read`, `files.write`, …
    pub capability: String,
    /// What it wanted.
    pub asked: String,
    /// The line of TOML to add to the plugin's grants; [`NEVER`] where none would help.
    pub line: String,
}

/// Whatever the host file says, this is denied.
pub(crate) const NEVER: &str = "";

impl Denial {
    /// Who was refused what, without the line.
    pub fn explained(&self) -> String {
        let Self { plugin, instance, capability, asked, line } = self;
        let never = match line.as_str() {
            NEVER => "\n  nothing was changed, and no line of the host file grants that",
            _ => "",
        };
        format!("plugin `{plugin}` was denied `{capability}` for {instance}: it asked for {asked}{never}")
    }
}

fn cure(plugin: &str, line: &str) -> String {
    match line {
        NEVER => String::new(),
        line => format!("\n  to grant it, add to [plugin.{plugin}.grants] in the host file:  {line}"),
    }
}

/// All that was refused while a plugin was called once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Denials(pub Vec<Denial>);

impl Denials {
    /// A plugin may go on asking; this many are told apart, as many as of its messages.
    const MOST: usize = 100;

    /// Notes one more, unless the same has been noted.
    pub fn note(&mut self, denial: Denial) {
        if self.0.len() < Self::MOST && !self.0.contains(&denial) {
            self.0.push(denial);
        }
    }
}

impl fmt::Display for Denials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> = self.0.iter().map(Denial::to_string).collect();
        f.write_str(&all.join("\n"))
    }
}

impl std::error::Error for Denials {}
