//! What a hole in a text points at.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Address;

/// What a reference stands for. No bytes, only a name that the host knows how to fill in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// An output of an instance, not resolved yet: only in sections as parsed, never in a plan.
    Output(Address, String),
    /// Something an instance makes, by the name it declared in `outputs`: a secret of the store, a secret in
    /// somebody's file, or a captured value.
    Made(Address, String),
    /// A value computed from another: a digest, or an encoding for a place that the host has no encoder for.
    Derived(Form, Box<Target>),
}

/// How a derived value is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// A SCRAM-SHA-256 verifier as PostgreSQL keeps it (RFC 5803).
    ScramSha256,
    /// `$pbkdf2-sha512$ROUNDS$SALT$HASH`, with this number of rounds.
    Pbkdf2Sha512(u32),
    /// An encoding.
    Encoded(Encoding),
}

impl Form {
    /// Whether a salt makes each computation another one, so that the result has to be remembered.
    pub fn is_salted(self) -> bool {
        matches!(self, Form::ScramSha256 | Form::Pbkdf2Sha512(_))
    }
}

/// Encodings of the `secrets` interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Encoding {
    UrlComponent,
    Base64,
    JsonString,
    TomlString,
    YamlString,
    EnvValue,
}

impl Target {
    /// The value that this one is computed from, or itself.
    pub fn source(&self) -> &Target {
        match self {
            Target::Derived(_, of) => of.source(),
            other => other,
        }
    }
}

/// As the user's file calls it: `secret.mediamanager.token_secret`; a derived one says how: `scram-sha-256 of …`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Output(address, name) | Target::Made(address, name) => {
                write!(f, "{address}.{name}")
            }
            Target::Derived(Form::ScramSha256, of) => write!(f, "SCRAM-SHA-256 verifier of {of}"),
            Target::Derived(Form::Pbkdf2Sha512(_), of) => {
                write!(f, "PBKDF2-SHA-512 digest of {of}")
            }
            Target::Derived(Form::Encoded(_), of) => of.fmt(f),
        }
    }
}
