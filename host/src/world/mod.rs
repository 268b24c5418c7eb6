//! The world as one run sees it: this machine's settings, connections, the vault, what the last runs left, the answers
//! of this run.

pub mod connections;
pub mod disk;
pub mod memo;
pub mod state;
pub mod trusted;
pub mod vault;
pub mod world;

pub use connections::Connections;
pub use memo::Memo;
pub use state::State;
pub use trusted::refuse_writable_by_others;
pub use world::World;
