//! The capability `files`.

use serde::{Deserialize, Serialize};

use super::NamePattern;

/// What an instance may do with files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilesGrant {
    /// Paths that may be looked at and read. One that ends in `/` is everything below a directory.
    pub read: Vec<NamePattern>,
    /// Paths of which only whether they mention a string may be asked.
    pub mention: Vec<NamePattern>,
    /// Paths that may be written and removed. One that ends in `/` is everything below a directory.
    pub write: Vec<NamePattern>,
}
