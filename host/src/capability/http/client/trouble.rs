//! What went wrong with a request, in words for a person who can do something about it.

use std::{error::Error, io::ErrorKind, time::Duration};

use rustls::Error as TlsError;

use super::{CONNECT_LIMIT, Endpoint};
use crate::{model::Failure, world::tls};

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It never reached the server: sending it again does no harm.
    NotSent(Failure),
    /// The server may have seen it, and done what it asks.
    Unanswered(Failure),
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::NotSent(failure) | Trouble::Unanswered(failure) => failure,
        }
    }
}

/// Sorts an error of the HTTP library, and puts it into words.
pub fn of(error: &reqwest::Error, endpoint: &Endpoint, limit: Duration) -> Trouble {
    let failure = Failure::Unreachable(words(error, endpoint, limit));
    if error.is_connect() || error.is_builder() { Trouble::NotSent(failure) } else { Trouble::Unanswered(failure) }
}

fn words(error: &reqwest::Error, endpoint: &Endpoint, limit: Duration) -> String {
    let called = endpoint.called();
    let seconds = limit.as_secs();
    if let Some(refused) = cause::<TlsError>(error) {
        let why = tls::words(refused, endpoint.host(), endpoint.ca.as_deref(), endpoint.connection.as_deref());
        return format!("{called}: {why}");
    }
    if error.is_timeout() {
        return if error.is_connect() {
            format!("{called}: no connection within {} s", limit.min(CONNECT_LIMIT).as_secs())
        } else {
            format!("{called}: connected, but no answer within {seconds} s")
        };
    }
    if let Some(io) = cause::<std::io::Error>(error) {
        let why = match io.kind() {
            ErrorKind::ConnectionRefused => "nothing listens there (connection refused)".to_owned(),
            ErrorKind::NotFound => "there is no such socket; does the server run?".to_owned(),
            ErrorKind::PermissionDenied => "no right to use this socket".to_owned(),
            ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe => {
                "the connection was closed without an answer".to_owned()
            }
            _ => io.to_string(),
        };
        return format!("{called}: {why}");
    }
    let innermost = chain(error).last().map(ToString::to_string).unwrap_or_default();
    if error.is_connect() {
        format!("{called}: {innermost}")
    } else {
        format!("{called}: the answer is no HTTP ({innermost})")
    }
}

fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// The first error of this type in the chain. An `io::Error` may carry another one inside that is no source of it, and
/// that one another.
fn cause<T: Error + 'static>(error: &reqwest::Error) -> Option<&T> {
    chain(error).find_map(|one| {
        let mut one = one;
        loop {
            match (one.downcast_ref::<T>(), one.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref)) {
                // Of two `io::Error`s the inner one knows more.
                (found, None) => return found,
                (Some(found), Some(inner)) if !inner.is::<T>() => return Some(found),
                (_, Some(inner)) => one = inner,
            }
        }
    })
}
