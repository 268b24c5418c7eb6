//! Carrying out a plan: journalled steps, settles, proofs, reverts, recovery.
//!
//! `run` goes through a plan, `action` carries out one action and takes it back when it fails, `recover` does the same
//! for a run that was killed, `verify` runs the checks, `destroy` undoes what state knows. `event` is what all of them
//! report while they work.

mod acting;
mod action;
mod destroy;
mod event;
mod recover;
mod run;
mod verify;

pub use acting::{Acting, Gates};
pub use action::{ActionFailure, Reverted};
pub use destroy::{Destruction, destruction};
pub use event::{Event, Reporter};
pub use recover::{Recovered, recover};
pub use run::{Applied, Apply, gates_of};
pub use verify::{CheckResult, verify};
