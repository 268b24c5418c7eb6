//! The capability `files`.

use serde::{Deserialize, Serialize};

use super::{Denial, Gate, NamePattern, Permit};
use crate::{
    observe::{FileLook, FileMention, FileRead},
    wanted::WantedFile,
};

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

impl Gate {
    /// Looking at a path.
    pub fn file_look(&self, _look: FileLook) -> Result<Permit<FileLook>, Denial> {
        unimplemented!()
    }

    /// Reading a file.
    pub fn file_read(&self, _read: FileRead) -> Result<Permit<FileRead>, Denial> {
        unimplemented!()
    }

    /// Asking whether a file mentions a string.
    pub fn file_mention(&self, _mention: FileMention) -> Result<Permit<FileMention>, Denial> {
        unimplemented!()
    }

    /// Comparing and writing a file.
    pub fn file_write(&self, _wanted: WantedFile) -> Result<Permit<WantedFile>, Denial> {
        unimplemented!()
    }

    /// Making and removing files and directories at a path.
    pub fn path_change(&self, _path: String) -> Result<Permit<String>, Denial> {
        unimplemented!()
    }
}
