//! The capability `sql`.

use serde::{Deserialize, Serialize};

use super::{Denial, Gate, NamePattern, Permit};
use crate::{
    condition::SqlLogin,
    observe::{HbaQuestion, PasswordQuestion, SqlQuery},
    step::SqlStep,
    wanted::Admission,
};

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

impl Gate {
    /// Reading rows of a catalogue relation.
    pub fn sql_read(&self, _query: SqlQuery) -> Result<Permit<SqlQuery>, Denial> {
        unimplemented!()
    }

    /// Asking whether a role's password is the wanted one.
    pub fn sql_password(&self, _question: PasswordQuestion) -> Result<Permit<PasswordQuestion>, Denial> {
        unimplemented!()
    }

    /// Reading the parsed rules of pg_hba.conf.
    pub fn sql_hba(&self, _question: HbaQuestion) -> Result<Permit<HbaQuestion>, Denial> {
        unimplemented!()
    }

    /// Comparing and writing the instance's admission blocks.
    pub fn sql_admission(&self, _admission: Admission) -> Result<Permit<Admission>, Denial> {
        unimplemented!()
    }

    /// A typed statement.
    pub fn sql_change(&self, _step: SqlStep) -> Result<Permit<SqlStep>, Denial> {
        unimplemented!()
    }

    /// A reload of the server's configuration.
    pub fn sql_reload(&self, _connection: String) -> Result<Permit<String>, Denial> {
        unimplemented!()
    }

    /// A login as a granted role.
    pub fn sql_login(&self, _login: SqlLogin) -> Result<Permit<SqlLogin>, Denial> {
        unimplemented!()
    }
}
