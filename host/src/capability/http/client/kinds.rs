//! What the host reads of connections that HTTP goes to.

use std::{path::PathBuf, sync::LazyLock};

use serde::Deserialize;
use serde_json::Value;

use crate::{
    capability::connection::{ConnectionKind, schema, typed},
    model::{ConnectionSettings, Failure},
};

/// What goes for all kinds, those that only plugins by others know among them.
#[derive(Clone, Debug, Deserialize)]
pub struct Web {
    pub(super) issuer: Option<String>,
    pub(super) origin: Option<String>,
    pub(super) ca: Option<PathBuf>,
    pub(super) https_port: Option<u16>,
    /// Of a gateway: domains whose sites it serves.
    #[serde(default)]
    pub domains: Vec<String>,
    /// Where the credential lies that requests to it may carry.
    initial_access_token_file: Option<PathBuf>,
    token_file: Option<PathBuf>,
}

impl Web {
    /// Of a connection of whatever kind.
    pub fn read(connection: &ConnectionSettings) -> Result<Self, Failure> {
        typed(&connection.name, &connection.settings)
    }

    /// The setting that names the file with the credential, and the file.
    pub fn credential(&self) -> Option<(&'static str, &PathBuf)> {
        let initial = self.initial_access_token_file.as_ref().map(|file| ("initial_access_token_file", file));
        initial.or(self.token_file.as_ref().map(|file| ("token_file", file)))
    }
}

/// A gateway: Caddy.
#[derive(Debug, Deserialize)]
pub struct Caddy {
    pub(super) admin: String,
    /// The configuration.
    pub caddyfile: String,
}

/// Authelia: nothing is read of it but what goes for all kinds.
#[derive(Debug, Deserialize)]
pub struct Authelia {}

/// A provider at which clients register themselves: the same.
#[derive(Debug, Deserialize)]
pub struct OidcRegistration {}

macro_rules! kinds {
    ($($kind:ty, $name:literal, $schema:literal;)*) => {$(
        impl ConnectionKind for $kind {
            const NAME: &'static str = $name;

            fn schema() -> &'static Value {
                static SCHEMA: LazyLock<Value> = LazyLock::new(|| schema(include_str!($schema)));
                &SCHEMA
            }

            fn check(connection: &ConnectionSettings) -> Result<(), Failure> {
                super::Endpoint::of_connection(connection).map(drop)
            }
        }
    )*};
}

kinds! {
    Caddy, "caddy", "caddy.toml";
    Authelia, "authelia", "authelia.toml";
    OidcRegistration, "oidc-registration", "oidc-registration.toml";
}
