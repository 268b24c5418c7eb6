//! Questions about files of this machine.

use serde::{Deserialize, Serialize};

use super::{Failure, Sameness, World};
use crate::{gate::Permit, wanted::WantedFile};

/// A path to look at (`stat`, `entries`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLook(pub String);

/// A file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRead(pub String);

/// Whether `path` mentions `what`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct FileMention {
    pub path: String,
    pub what: String,
}

/// See `files.facts` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct FileFacts {
    pub kind: FileKind,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub writable: Writable,
}

/// See `files.file-kind` in the WIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum FileKind {
    Regular,
    Directory,
    Symlink,
    Other,
}

/// See `files.writable` in the WIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Writable {
    Yes,
    NoPermission,
    ReadOnlyFilesystem,
    OutsideGrant,
}

/// See `files.comparison` in the WIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct FileComparison {
    pub content: Sameness,
    pub mode: Sameness,
    pub owner: Sameness,
    pub foreign: bool,
}

impl World {
    /// What is at the path; none when nothing is.
    pub async fn file_stat(&self, _permit: &Permit<FileLook>) -> Result<Option<FileFacts>, Failure> {
        unimplemented!()
    }

    /// Names in a directory, sorted; none when it is not there.
    pub async fn file_entries(&self, _permit: &Permit<FileLook>) -> Result<Option<Vec<String>>, Failure> {
        unimplemented!()
    }

    /// The bytes; refused where a secret was written.
    pub async fn file_read(&self, _permit: &Permit<FileRead>) -> Result<Option<Vec<u8>>, Failure> {
        unimplemented!()
    }

    /// Whether the file mentions a string.
    pub async fn file_mentions(&self, _permit: &Permit<FileMention>) -> Result<bool, Failure> {
        unimplemented!()
    }

    /// How the file stands to what is wanted. The permit is the one for writing it.
    pub async fn file_compare(&self, _permit: &Permit<WantedFile>) -> Result<FileComparison, Failure> {
        unimplemented!()
    }
}
