//! Carrying out a plan: journalled steps, settles, proofs, reverts, recovery.
//!
//! `run` goes through a plan, `undo` takes things away; `sequence` carries out their actions one after the other, and
//! settles once for several; `action` has the parts of one action, and how it is taken back; `recorded` is what state will
//! say. `recover` deals with a run that was killed, `verify` runs the checks, `destroy` undoes what state knows. `event`
//! is what all of them report while they work.

mod action;
mod destroy;
mod event;
mod recorded;
mod recover;
mod run;
mod sequence;
#[cfg(test)]
mod tests;
mod undo;
mod verify;

pub use destroy::{destroy, destruction};
pub use event::{Event, Reporter};
pub use recover::{Recovered, recover};
pub use run::{Applied, Apply, gates_of};
pub use verify::{CheckResult, Probes, Verified, verify};
