//! The model: plain data that everything else works on. No behaviour, and no import from above.

pub mod denial;
pub mod described;
pub mod desired;
pub mod failure;
pub mod grants;
pub mod machine;
pub mod making;
pub mod thing;
pub mod value;

pub use denial::Denial;
pub(crate) use described::CONTRACT;
pub use described::{
    ConnectionView, ConnectionWant, ConsumerView, Description, InstanceView, Offered, Output, OutputType, ReferenceInfo,
};
pub use failure::{Failure, Sameness};
pub use grants::{ContainersGrant, FilesGrant, Grants, HttpGrant, HttpRule, NamePattern, ServicesGrant, SqlGrant};
pub use machine::{ConnectionSettings, Folder, FolderAccess, HostFile, PluginSettings, StoreSettings, Verb, WriteMode};
pub use making::{Making, Presence};
pub use thing::Thing;
