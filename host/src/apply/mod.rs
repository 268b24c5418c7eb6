//! Carrying out a plan: journalled steps, settles, proofs, reverts, recovery.

mod acting;

pub use acting::{Acting, Gates};
