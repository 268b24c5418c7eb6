//! Observing: the questions that plugins, previews and checks ask of the world. Each capability is one module; its
//! functions take the gate's permit. Answers are projections without times, counters and process ids, asked once a run.

mod failure;
mod memo;
mod world;

pub use failure::{Failure, Sameness};
pub use memo::Memo;
pub use world::World;
