//! What all questions and steps share: the host file, the connections made, the vault, the answers of this run.

use std::sync::Arc;

use super::{Connections, Memo, State, vault::Vault};
use crate::model::HostFile;

/// The outside, as one run sees it.
#[derive(Debug)]
pub struct World {
    /// This machine's settings.
    pub host_file: Arc<HostFile>,
    /// Connections, each made when it is first used.
    pub connections: Arc<Connections>,
    /// Secrets.
    pub vault: Vault,
    /// What the last runs left.
    pub state: Arc<State>,
    /// Answers of this run.
    pub memo: Memo,
}
