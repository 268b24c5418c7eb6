//! This machine as the host file describes it: connections, folders, the secret store, plugins by others.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::value::Tree;
use crate::model::GrantLines;

/// The host file, read and checked.
#[derive(Clone, Debug)]
pub struct HostFile {
    /// Where it was read from.
    pub path: PathBuf,
    /// Where secrets are kept.
    pub store: StoreSettings,
    /// Directory of the state files, one for each stack.
    pub state: PathBuf,
    /// `${host.NAME}` of the spec, and what may be done below each.
    pub folders: BTreeMap<String, Folder>,
    /// By name.
    pub connections: BTreeMap<String, ConnectionSettings>,
    /// By name: plugins beside the built-in ones, and further grants of those.
    pub plugins: BTreeMap<String, PluginSettings>,
}

/// `[store]`
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// Directory of the age files.
    pub path: PathBuf,
    /// age or SSH identity files that open them, in the order in which they are tried.
    pub identities: Vec<PathBuf>,
    /// Whom new files are encrypted to: age X25519 recipients or SSH public keys.
    pub recipients: Vec<String>,
}

/// A line of `[folders]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Absolute.
    pub path: PathBuf,
    /// What may be done below it.
    pub access: FolderAccess,
}

/// What may be done below a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FolderAccess {
    /// Files and directories are made and written, and mounted into containers.
    Write,
    /// Only mounted into containers: somebody's data.
    Mount,
}

/// `[connection.NAME]`
#[derive(Clone, Debug)]
pub struct ConnectionSettings {
    /// Its name.
    pub name: String,
    /// `postgresql`, `docker-api`, `caddy`, `authelia`, `oidc-registration`, or anything a plugin by others knows.
    pub kind: String,
    /// How others reach what is behind it; none is this machine.
    pub address: Option<String>,
    /// Whether its files are written or only printed.
    pub write: WriteMode,
    /// Verbs and the operator's commands behind them.
    pub verbs: BTreeMap<String, Verb>,
    /// Everything else that stands in its table, as plugins and the connection's own module read it.
    pub settings: Tree,
}

impl ConnectionSettings {
    /// Whether the host file says that this value of an answer is no secret (`plain_captures`).
    pub fn is_plain_capture(&self, name: &str) -> bool {
        let plain = self.settings.get("plain_captures");
        matches!(plain, Some(Tree::Items(names)) if names.iter().any(|plain| plain.as_str() == Some(name)))
    }
}

/// `write = "files"` or `"print"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WriteMode {
    /// stackrun writes.
    #[default]
    Files,
    /// Something else generates these files: the plan prints the exact fragment, apply writes nothing.
    Print,
}

/// What the operator lets be run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verb {
    /// Program and arguments; no shell.
    pub command: Vec<String>,
    /// Whom it runs as; none is whoever runs stackrun.
    #[serde(default)]
    pub user: Option<String>,
    /// Its whole environment, beside PATH.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Seconds it may take.
    #[serde(default = "Verb::default_timeout")]
    pub timeout: u32,
}

impl Verb {
    /// A command, run as whoever runs stackrun.
    pub fn plain(command: Vec<String>) -> Self {
        Self { command, user: None, env: BTreeMap::new(), timeout: Self::default_timeout() }
    }

    fn default_timeout() -> u32 {
        60
    }
}

/// `[plugin.NAME]`: a plugin by somebody else, or further grants of a built-in one.
#[derive(Clone, Debug)]
pub struct PluginSettings {
    /// The component; none is the built-in one.
    pub path: Option<PathBuf>,
    /// What it may do; a built-in one, beside what it brings.
    pub grants: GrantLines,
}
