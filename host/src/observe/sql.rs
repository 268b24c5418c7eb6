//! Questions to PostgreSQL servers.

use serde::{Deserialize, Serialize};

use super::{Failure, Sameness, World};
use crate::{gate::Permit, value::Target, wanted::Admission};

/// See `sql.query` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SqlQuery {
    pub connection: String,
    pub database: Option<String>,
    pub relation: String,
    pub columns: Vec<String>,
    pub where_equal: Vec<(String, String)>,
}

/// See `sql.answer` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum SqlAnswer {
    Rows(Vec<Vec<Option<String>>>),
    NoSuchDatabase,
}

/// See `sql.password-question` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PasswordQuestion {
    pub connection: String,
    pub role: String,
    pub password: Target,
}

/// Rules of the named `postgresql` connection's server; see `sql.hba` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HbaQuestion {
    /// The connection.
    pub connection: String,
}

/// See `sql.rules` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct HbaRules {
    pub file: String,
    pub rules: Vec<HbaRule>,
    pub broken: Vec<HbaBroken>,
}

/// See `sql.rule` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct HbaRule {
    pub line: u32,
    pub kind: String,
    pub databases: Vec<String>,
    pub users: Vec<String>,
    pub address: Option<String>,
    pub method: String,
    pub options: Vec<String>,
    pub ours: bool,
}

/// See `sql.broken-line` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct HbaBroken {
    pub file: String,
    pub line: u32,
    pub error: String,
}

impl World {
    /// Rows of a granted catalogue relation.
    pub async fn sql_read(&self, _permit: &Permit<SqlQuery>) -> Result<SqlAnswer, Failure> {
        unimplemented!()
    }

    /// Whether a role's password is the wanted one.
    pub async fn sql_password(&self, _permit: &Permit<PasswordQuestion>) -> Result<Sameness, Failure> {
        unimplemented!()
    }

    /// The rules as the server parses its file now; `ours` by the marker lines of `stack` and `instance` in the permit's gate.
    pub async fn sql_hba(&self, _permit: &Permit<HbaQuestion>) -> Result<HbaRules, Failure> {
        unimplemented!()
    }

    /// Whether the instance's blocks are as wanted.
    pub async fn sql_compare_admission(&self, _permit: &Permit<Admission>) -> Result<Sameness, Failure> {
        unimplemented!()
    }
}
