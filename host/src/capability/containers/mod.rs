//! The capability `containers`: containers of an engine with Docker's API.

pub mod client;
pub mod condition;
pub mod grant;
pub mod listeners;
pub mod questions;
pub mod step;

pub use condition::answers::ContainerAnswers;
pub use condition::stays_up::ContainerStaysUp;
pub use condition::{LogLine, LogMeaning};
pub use grant::{ContainerSubject, DefinedContainer, NEXT};
pub use questions::{
    ContainerComparison, ContainerQuestion, EngineFacts, EngineQuestion, Ownership, PortHolder, RunState,
};
pub(crate) use questions::{INSTANCE_LABEL, STACK_LABEL, env_place, owner};
pub use step::{
    ContainerCreate, ContainerRemove, ContainerRename, ContainerStart, ContainerStop, Mounting, Overlap, mounting,
    overlapping,
};
