//! What the stages keep in a stack's state: things owned with their undo and edges, and the journal.

pub mod journal;
pub mod things;

pub use journal::{JournalEntry, Phase, Run, RunId};
pub use things::{InstanceRecord, OwnedRecord};
