//! Plans: what plugins answered, put in order, held against what is owned, shown, saved, and bound to what was observed.
//!
//! `make` runs the flow, `assemble` puts its parts together (`order`, `ownership`, `inside`), `preview` shows each
//! step, `bind` tells whether a saved plan still is what would run.

mod assemble;
mod bind;
mod inside;
mod order;
mod ownership;
#[allow(clippy::module_inception)]
mod plan;
mod ports;
mod preview;
mod standing;

pub use assemble::{Assembled, Drafted, assemble};
pub use bind::{Binding, PluginChange, Stale};
pub use order::{Ring, order as ordered};
pub use ownership::{identity, undone_of_others, untold};
pub use plan::{FORMAT, InstancePlan, KeptData, Plan, Probe, Removal, SecretUse, StepPreviews, comes_after};
pub use preview::preview;
pub use standing::{Standing, Status};
