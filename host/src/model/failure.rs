//! Why a question has no answer, and how the world stands to what is wanted.

use serde::{Deserialize, Serialize};

use super::Denial;

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Failure {
    /// The gate refused.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// The connection does not answer.
    #[error("{0}")]
    Unreachable(String),
    /// It took too long.
    #[error("no answer in time")]
    TimedOut,
    /// The answer is larger than what is let across.
    #[error("the answer is too large")]
    TooLarge,
    /// The question holds a value that does not exist yet.
    #[error("it depends on a value that does not exist yet")]
    NotYet,
    /// Something else, in words for a person.
    #[error("{0}")]
    Other(String),
}

/// How the world stands to what is wanted, where telling more would tell a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Sameness {
    Same,
    Absent,
    Different,
    NotYetKnown,
}
