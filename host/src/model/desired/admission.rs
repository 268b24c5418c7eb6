//! The rules that let an instance's role into a PostgreSQL server.

use serde::{Deserialize, Serialize};

/// The lines of pg_hba.conf and pg_ident.conf that belong to one instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admission {
    /// Name of the `postgresql` connection.
    pub connection: String,
    /// Lines of pg_hba.conf, in order.
    pub hba: Vec<HbaEntry>,
    /// Lines of pg_ident.conf, in order.
    pub ident: Vec<IdentEntry>,
}

/// One line of pg_hba.conf, limited to one database and one role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HbaEntry {
    /// A single database name, never `all`.
    pub database: String,
    /// A single role name, never `all` and never a group.
    pub role: String,
    /// A network in CIDR form for a `host` line; none for a `local` line.
    pub network: Option<String>,
    /// `scram-sha-256`, `trust`, or `peer` (local only).
    pub method: String,
    /// `map=` of a `peer` line.
    pub map: Option<String>,
}

/// One line of pg_ident.conf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentEntry {
    /// Name of the map.
    pub map: String,
    /// User of the operating system.
    pub system_user: String,
    /// Role that it may log in as.
    pub role: String,
}
