//! A database as `CREATE DATABASE` makes it.

use serde::{Deserialize, Serialize};

/// Options left out are the server's defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Database {
    pub connection: String,
    pub name: String,
    pub owner: String,
    pub encoding: Option<String>,
    pub locale: Option<String>,
    pub template: Option<String>,
}
