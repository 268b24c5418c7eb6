//! Observing: the questions that plugins, previews and checks ask of the world. Each capability is one module; its
//! functions take the gate's permit. Answers are projections without times, counters and process ids, asked once a run.

mod containers;
mod failure;
mod file_compare;
mod files;
pub(crate) mod hba;
mod http;
mod listeners;
mod memo;
mod servers;
mod sql;
mod verifier;
mod world;

pub use containers::{
    ContainerComparison, ContainerQuestion, EngineFacts, EngineQuestion, Ownership, PortHolder, RunState,
};
pub(crate) use containers::{INSTANCE_LABEL, STACK_LABEL, env_place, owner as container_owner};
pub use failure::{Failure, Sameness};
pub(crate) use file_compare::{block_place, markers, place, standing, whole_place};
pub use files::{FileComparison, FileFacts, FileKind, FileLook, FileMention, FileRead, Writable};
pub(crate) use files::{below, failure as file_failure, find, parent, root, secret_place, unwritable};
pub use http::{HttpAnswer, HttpQuestion, scalars_at};
pub use memo::Memo;
pub use servers::{Inquiry, Servers};
pub use sql::{HbaBroken, HbaQuestion, HbaRule, HbaRules, Marked, PasswordQuestion, SqlAnswer, SqlQuery};
pub use world::World;
