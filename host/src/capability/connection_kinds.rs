//! The kinds of connections that the host knows; a plugin may know more.

use serde_json::Value;

use super::{
    connection::ConnectionKind,
    containers::client::DockerApi,
    http::client::{Authelia, Caddy, OidcRegistration},
    sql::client::Written,
};
use crate::model::{ConnectionSettings, Failure};

/// One of them.
#[derive(Clone, Copy)]
pub struct Kind {
    /// `kind` in the host file.
    pub name: &'static str,
    /// [`ConnectionKind::schema`]
    pub schema: fn() -> &'static Value,
    /// [`ConnectionKind::check`]
    pub check: fn(&ConnectionSettings) -> Result<(), Failure>,
}

/// All of them.
pub static ALL: [Kind; 5] =
    [kind::<Authelia>(), kind::<Caddy>(), kind::<DockerApi>(), kind::<OidcRegistration>(), kind::<Written>()];

const fn kind<K: ConnectionKind>() -> Kind {
    Kind { name: K::NAME, schema: K::schema, check: K::check }
}
