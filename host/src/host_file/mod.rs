//! The host file, `stackrun.toml`: what is this machine's own. Connections, folders, the secret store, plugins by others
//! and what they are granted. It holds commands that run as root, so a file that others can write is refused.

pub mod connection_kinds;
mod grants;
mod read;

pub use read::{parse, read, read_with, schema};

/// A host file, or a plugin that it names, that can't be used at all; the text says why and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(pub String);
