//! The capability `containers`: containers of an engine with Docker's API.

pub mod client;
pub mod condition;
pub mod grant;
pub mod inquiries;
pub mod listeners;
mod place;
pub mod questions;
pub mod step;
mod this_machine;

pub use condition::answers::ContainerAnswers;
pub use condition::stays_up::ContainerStaysUp;
pub use condition::{LogLine, LogMeaning};
pub use grant::{ContainerSubject, DefinedContainer, NEXT};
pub use questions::{
    ContainerComparison, ContainerQuestion, EngineFacts, EngineQuestion, Ownership, PortHolder, RunState,
};
pub(crate) use questions::{INSTANCE_LABEL, STACK_LABEL, env_place, owner};
pub use step::{
    ContainerCreate, ContainerRemove, ContainerRename, ContainerStart, ContainerStop, Moment, Mounting, Overlap,
    mounting, overlapping,
};
pub(crate) use this_machine::name_of_this_machine;
