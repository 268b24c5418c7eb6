//! The capability `sql`.

use serde::{Deserialize, Serialize};

use super::NamePattern;

/// What an instance may do with PostgreSQL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SqlGrant {
    /// Names of `postgresql` connections.
    pub connections: Vec<String>,
    /// Relations of `pg_catalog` that may be read.
    pub relations: Vec<String>,
    /// Roles that may be made, changed, logged in as and let in.
    pub roles: Vec<NamePattern>,
    /// Databases that may be made and changed.
    pub databases: Vec<NamePattern>,
    /// Extensions that may be made in these databases.
    pub extensions: Vec<String>,
    /// Whether pg_hba.conf and pg_ident.conf may get blocks for these roles and databases.
    pub admission: bool,
}
