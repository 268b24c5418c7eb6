//! The model: plain data that everything else works on. No behaviour, and no import from above.

pub mod denial;
pub mod described;
pub mod desired;
pub mod diagnostic;
pub mod failure;
pub mod generator;
pub mod grants;
pub mod machine;
pub mod making;
pub mod permit;
pub mod thing;
pub mod value;

pub use denial::{Denial, Denials};
pub(crate) use described::CONTRACT;
pub use described::{
    ConnectionView, ConnectionWant, ConsumerView, Description, InstanceView, Offered, Output, OutputType,
    PluginIdentity, ReferenceInfo,
};
pub use diagnostic::{Diagnostic, Document, Place, Segment, Severity};
pub use failure::{Failure, Sameness};
pub use generator::Generator;
pub use grants::{ContainersGrant, FilesGrant, GrantLines, Grants, HttpGrant, HttpRule, ServicesGrant, SqlGrant};
pub use machine::{ConnectionSettings, Folder, FolderAccess, HostFile, PluginSettings, StoreSettings, Verb, WriteMode};
pub use making::{Making, Presence};
pub use permit::Permit;
pub use thing::Thing;
