//! Why an engine did not do what it was asked.

use crate::model::Failure;

/// What went wrong, in words for a person; each names the connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// No engine answers there; the text says why and what to do.
    #[error("{0}")]
    Unreachable(String),
    /// The engine did not answer in time.
    #[error(
        "connection `{connection}`: no answer from the container engine within {seconds} s\n  look at its log, and start it \
         again when it hangs"
    )]
    TimedOut {
        /// Name of the connection.
        connection: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The engine said no.
    #[error("connection `{connection}`: {message}")]
    Refused {
        /// Name of the connection.
        connection: String,
        /// HTTP status.
        status: u16,
        /// The engine's own words.
        message: String,
    },
    /// It answered what no engine answers.
    #[error("{0}")]
    Nonsense(String),
}

impl EngineError {
    /// Whether the thing asked for is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, EngineError::Refused { status: 404, .. })
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Unreachable(why) => Failure::Unreachable(why),
            EngineError::TimedOut { .. } | EngineError::Nonsense(_) => Failure::Unreachable(error.to_string()),
            EngineError::Refused { .. } => Failure::Other(error.to_string()),
        }
    }
}
