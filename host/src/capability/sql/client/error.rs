//! What went wrong with a server, in words for the person at the terminal.

use std::{error::Error as _, io, time::Duration};

use tokio_postgres::error::SqlState;

use super::{Settings, scram_only::BrokenOff};
use crate::model::Failure;

/// Why a server gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SqlError {
    /// No session: it is down, refuses us, or is no PostgreSQL.
    #[error("{0}")]
    Unreachable(String),
    /// The server refuses the password (SQLSTATE 28P01): asking again does not help.
    #[error("{0}")]
    WrongPassword(String),
    /// The server lets the role in without asking for the password that it was to prove: anybody would be let in, or it is
    /// not the server that is meant.
    #[error("{0}")]
    Unproven(String),
    /// The database that the session should be for is not there.
    #[error("there is no database `{0}`")]
    NoSuchDatabase(String),
    /// No answer in time.
    #[error("{0}")]
    TimedOut(String),
    /// The server refused a statement.
    #[error("PostgreSQL says: {message}")]
    Refused {
        /// SQLSTATE, five characters.
        code: String,
        /// In the server's words.
        message: String,
    },
}

impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Self {
        match error {
            SqlError::Unreachable(text)
            | SqlError::TimedOut(text)
            | SqlError::WrongPassword(text)
            | SqlError::Unproven(text) => Failure::Unreachable(text),
            other => Failure::Other(other.to_string()),
        }
    }
}

impl SqlError {
    /// Whether the server refused with this SQLSTATE.
    pub fn is(&self, state: &SqlState) -> bool {
        matches!(self, SqlError::Refused { code, .. } if code == state.code())
    }

    /// Nobody answered within this time.
    pub fn slow(place: &str, limit: Duration) -> Self {
        SqlError::TimedOut(format!(
            "PostgreSQL at {place} gave no answer within {} s: does it hang, or does a firewall stand in between?",
            limit.as_secs()
        ))
    }

    /// Why connecting to `place` as `role` failed.
    pub fn connecting(error: &tokio_postgres::Error, place: &str, role: &str, database: &str) -> Self {
        if let Some(said) = error.as_db_error() {
            let code = said.code();
            return match () {
                () if *code == SqlState::INVALID_CATALOG_NAME => SqlError::NoSuchDatabase(database.to_owned()),
                () if *code == SqlState::INVALID_PASSWORD => SqlError::WrongPassword(format!(
                    "PostgreSQL at {place} refuses the password of role {role}: {}",
                    said.message()
                )),
                () => SqlError::Unreachable(format!(
                    "PostgreSQL at {place} does not let role {role} in: {}{}",
                    said.message(),
                    advice(code)
                )),
            };
        }
        let Some(cause) = io_cause(error) else {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            return SqlError::Unreachable(format!(
                "what answers at {place} is no PostgreSQL server, or does not know the password either ({error}{cause}): is \
                 `url`, or `socket` and `port`, of the connection right?"
            ));
        };
        match cause.get_ref().and_then(|inner| inner.downcast_ref()) {
            None => Self::reaching(cause, place),
            Some(BrokenOff::DoesNotAsk) => SqlError::Unproven(format!(
                "PostgreSQL at {place} let role {role} in without asking for the password, so nothing is known of the \
                 password, nor of the server\n  is it the right server? then a rule in pg_hba.conf lets everybody in as {role} \
                 (trust): give it the method scram-sha-256"
            )),
            Some(BrokenOff::AsksWithoutReason) => SqlError::Unreachable(format!(
                "PostgreSQL at {place} asks role {role} for a password, and there is none (`password_file` of the connection)"
            )),
            Some(asks @ BrokenOff::AsksToBeTold(_)) => SqlError::Unreachable(format!(
                "PostgreSQL at {place} does not let role {role} in by SCRAM: {asks}\n  give the rule in pg_hba.conf the method \
                 scram-sha-256, and set the role's password anew (password_encryption = 'scram-sha-256')"
            )),
        }
    }

    /// Why there is no stream to `place`, or why it broke off before the session stood.
    pub fn reaching(cause: &io::Error, place: &str) -> Self {
        use io::ErrorKind::{
            ConnectionAborted, ConnectionRefused, ConnectionReset, InvalidData, InvalidInput, NotFound,
            PermissionDenied, UnexpectedEof,
        };
        SqlError::Unreachable(match cause.kind() {
            NotFound => format!(
                "there is no PostgreSQL socket {place}: is the server running, and are `socket` and `port` of the \
                 connection right?"
            ),
            ConnectionRefused => format!("PostgreSQL at {place} does not answer ({cause}): is the server running?"),
            PermissionDenied => format!("{place} can't be opened ({cause})"),
            InvalidData | InvalidInput | UnexpectedEof | ConnectionReset | ConnectionAborted => {
                format!(
                    "what answers at {place} is no PostgreSQL server, or one that is just going down ({cause}): is `url`, or `socket` and `port`, of the connection right?"
                )
            }
            _ => format!("PostgreSQL at {place} can't be reached: {cause}"),
        })
    }

    /// Why a statement failed.
    pub fn statement(error: &tokio_postgres::Error, settings: &Settings) -> Self {
        match error.as_db_error() {
            Some(said) => {
                let detail = said.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
                SqlError::Refused {
                    code: said.code().code().to_owned(),
                    message: format!("{}{detail}", said.message()),
                }
            }
            None => SqlError::Unreachable(format!(
                "PostgreSQL at {} broke off in the middle of a statement ({error})",
                settings.place()
            )),
        }
    }
}

fn io_cause(error: &tokio_postgres::Error) -> Option<&io::Error> {
    let mut cause = error.source();
    while let Some(found) = cause {
        if let Some(io) = found.downcast_ref() {
            return Some(io);
        }
        cause = found.source();
    }
    None
}

/// By its SQLSTATE, never by its words: these come in the server's language.
fn advice(code: &SqlState) -> &'static str {
    match *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION {
        true => {
            "\n  pg_hba.conf has no rule that lets it in, or one that wants something else: add a rule and reload; peer \
             authentication on a socket wants the system user of that name (`login_as` of the connection, stackrun as root)"
        }
        false => "",
    }
}
