//! A message about one of the user's files: what is wrong, where, and what to do.

use serde::{Deserialize, Serialize};

use super::value::Address;

/// One message. Where it points to is a path, so that a plugin needs to know nothing of files and columns; `source`
/// turns paths into places to underline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Which file, and where in it.
    pub place: Place,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Severity {
    Error,
    Warning,
    Note,
}

/// Where a message points to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Below `[kind.name]` of the spec.
    Instance(Address, Vec<Segment>),
    /// From the root of the spec.
    Spec(Vec<Segment>),
    /// From the root of the host file.
    HostFile(Vec<Segment>),
    /// From the root of the contract of this name.
    Contract(String, Vec<Segment>),
    /// These bytes of a file: what does not parse has no path.
    Bytes(Document, usize, usize),
    /// Nowhere in a file.
    Nowhere,
}

/// The user's files that a message can point into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Document {
    Spec,
    HostFile,
    /// By name.
    Contract(String),
}

/// A step of a path into a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Segment {
    /// A member of a table.
    Key(String),
    /// An element of a list, counted from 0.
    Index(usize),
    /// The name of a member, where that is what is wrong and not its value. Only at the end.
    Name {
        /// The name.
        name: String,
    },
    /// A piece of a string, where it stands as it is. Only at the end.
    Within {
        /// The piece.
        within: String,
    },
}

/// Keys as a path.
pub fn keys<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Segment> {
    names.into_iter().map(|name| Segment::Key(name.to_owned())).collect()
}

impl Diagnostic {
    /// An error without help.
    pub fn error(place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, place, message: message.into(), help: None }
    }

    /// A warning without help.
    pub fn warning(place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(place, message) }
    }

    /// A note without help.
    pub fn note(place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::error(place, message) }
    }

    /// Whether it stops what is going on.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The same with help.
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}
