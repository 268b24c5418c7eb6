//! Drafts: what one plugin answered for one instance. Things that it owns, actions and checks, and what may stand where in
//! them. Plans are made of drafts, and state keeps parts of them.

mod destroying;
mod planned;
mod visit;

pub use destroying::{Misplaced, misplaced};
pub use planned::{Action, Change, Difference, Move, Owned, Planned, Revert};
pub use visit::{Holds, Position, Visited};
