//! What can be asked of the world or done to it. Each capability is one folder, whole from grant to client of the real
//! server; `gate`, `grants`, `kind` and `asked` are what they share, `step` and `condition` the lists of what all of them can do.

pub mod acting;
pub mod asked;
pub mod condition;
pub mod connection;
pub mod connection_kinds;
pub mod containers;
pub mod diff;
pub mod files;
pub mod gate;
pub mod grants;
pub mod http;
pub mod inside;
pub mod kind;
pub mod prefetch;
pub mod secrets;
pub mod services;
pub mod sql;
pub mod step;

pub use acting::{Acting, Gates};
pub use asked::{Held, Vantage};
pub use condition::{Check, Condition, ConditionKind};
pub use gate::Gate;
pub use kind::{Destroys, Facts, Preview, PreviewLine, Repeat, Settles, Sign, StepFailure, StepKind, WrittenBy};
pub use prefetch::ask_ahead;
pub use step::Step;
