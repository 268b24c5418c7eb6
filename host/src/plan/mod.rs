//! Plans: what plugins answered, put in order, shown, saved, and bound to what was observed.

mod planned;

pub use planned::{Action, Change, Difference, Move, Owned, Planned, Revert, Thing};
