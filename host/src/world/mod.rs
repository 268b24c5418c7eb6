//! The world as one run sees it: this machine's settings, connections, the vault, what the last runs left, the answers
//! of this run.

pub mod connections;
pub mod disk;
pub mod inside;
pub mod memo;
pub mod servers;
pub mod state;
pub mod tls;
pub mod trusted;
pub mod vault;

pub use connections::Connections;
pub use memo::Memo;
pub use servers::{Asked, Inquiry, Servers};
pub use state::State;

use std::sync::Arc;

use state::Lock;
use vault::Vault;

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

impl World {
    /// The lock of a stack, and a state that is whole: for commands that change something.
    ///
    /// # Errors
    /// Another run holds the lock; the state file is damaged.
    pub fn lock(&self, stack: &str) -> anyhow::Result<Lock> {
        let lock = Lock::take(&self.host_file.state, stack)?;
        self.state.refuse_damaged()?;
        Ok(lock)
    }
}
