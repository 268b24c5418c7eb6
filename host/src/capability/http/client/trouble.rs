//! What went wrong with a request, in words for a person who can do something about it.

use std::{error::Error, io::ErrorKind, time::Duration};

use rustls::{AlertDescription, CertificateError, Error as TlsError};

use super::{CONNECT_LIMIT, Endpoint};
use crate::model::Failure;

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
    if let Some(tls) = cause::<TlsError>(error) {
        return format!("{called}: {}", tls_words(tls, endpoint));
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

fn tls_words(error: &TlsError, endpoint: &Endpoint) -> String {
    let host = endpoint.host();
    let cure = match (&endpoint.ca, &endpoint.connection) {
        (Some(ca), _) => format!("{} holds another one", ca.display()),
        (None, Some(connection)) => {
            format!("a private CA is named by `ca = \"/PATH.pem\"` in [connection.{connection}]")
        }
        (None, None) => "the system does not know it".to_owned(),
    };
    match error {
        TlsError::InvalidCertificate(why) => match why {
            CertificateError::UnknownIssuer => {
                format!("the certificate for {host} is signed by an authority that is not trusted here: {cure}")
            }
            CertificateError::NotValidForName => format!("the certificate is not for the name {host}"),
            CertificateError::NotValidForNameContext { presented, .. } => {
                format!("the certificate is for {}, not for {host}", presented.join(", "))
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                format!("the certificate for {host} has expired")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                format!("the certificate for {host} is not valid yet: compare the clocks")
            }
            other => format!("the certificate for {host} is not good: {other}"),
        },
        TlsError::AlertReceived(AlertDescription::InternalError | AlertDescription::UnrecognisedName) => {
            format!("the server has no certificate for the name {host}: it does not serve this site (yet)")
        }
        TlsError::InvalidMessage(_) => "what answers there does not speak TLS".to_owned(),
        other => format!("no TLS connection: {other}"),
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
