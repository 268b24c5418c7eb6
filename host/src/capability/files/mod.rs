//! The capability `files`: files and directories of this machine.

pub mod compare;
pub mod directory;
pub mod directory_remove;
pub mod grant;
pub mod questions;
pub mod remove;
pub mod write;

pub(crate) use compare::{block_place, markers, place, standing, whole_place};
pub use directory::{DirectoryFound, DirectoryMake, DirectoryRemoveIfEmpty};
pub use directory_remove::DirectoryRemove;
pub use grant::Within;
pub use questions::{FileComparison, FileFacts, FileKind, FileLook, FileMention, FileRead, Writable};
pub(crate) use questions::{below, failure, find, names_in, parent, root, secret_place, unwritable};
pub use remove::{FileRemove, FileRemoveBlock};
pub use write::FileBefore;

#[cfg(test)]
mod steps_tests;
