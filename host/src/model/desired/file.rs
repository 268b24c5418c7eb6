//! A file, or a part of one, as it should be.

use serde::{Deserialize, Serialize};

use crate::model::value::{Text, Tree};

/// A whole file or a marked block in one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WantedFile {
    /// Absolute.
    pub path: String,
    /// Which part of the file belongs to the instance.
    pub region: Region,
    /// What stands there.
    pub content: Content,
    /// Permission bits of a whole file. A block leaves the file's own.
    pub mode: u32,
    /// Owner of a whole file; none keeps what is there, root for a new one.
    pub owner: Option<FileOwner>,
    /// A changed owner is not drift.
    pub ignore_owner: bool,
    /// A digest of the file by others that an adoption puts this one in place of. The host fills it in when it plans:
    /// what was reviewed is what is replaced, and nothing else that this stack has not written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopts: Option<String>,
}

/// User and group, names or numbers as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct FileOwner {
    pub user: String,
    pub group: String,
}

/// Which part of a file belongs to an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Region {
    /// All of it.
    Whole,
    /// The lines between two marker comments that carry stack and instance.
    Block {
        /// What starts a comment line in this file's language: `#`.
        comment: String,
        /// Where a new block goes; an existing one stays where it is.
        position: Position,
    },
}

/// Where a new block goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Position {
    First,
    Last,
}

/// What stands in the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// As it is.
    Text(Text),
    /// Encoded by the host.
    Document {
        /// The language.
        format: Format,
        /// The data; a table at the root, or a list where the format has one.
        body: Tree,
    },
}

/// Languages that the host can encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Format {
    Toml,
    Yaml,
    Json,
    Ini,
    Env,
}

impl Content {
    /// Every target that the content holds, with repetitions.
    pub fn targets(&self) -> Vec<&crate::model::value::Target> {
        match self {
            Content::Text(text) => text.targets().collect(),
            Content::Document { body, .. } => body.targets(),
        }
    }
}
