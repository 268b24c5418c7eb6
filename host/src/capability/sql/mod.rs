//! The capability `sql`: roles, databases and rules of PostgreSQL.

mod access_lines;
pub mod admission;
pub mod client;
pub mod config_file;
pub mod grant;
pub mod hba;
pub mod inquiries;
pub mod login;
pub mod questions;
pub mod reload;
pub mod statement;
pub mod text;
pub mod verifier;

pub use admission::{Blocks, RevokeAdmission};
pub use config_file::ConfigHere;
pub use login::SqlLogin;
pub use questions::{HbaBroken, HbaQuestion, HbaRule, HbaRules, Marked, PasswordQuestion, SqlAnswer, SqlQuery};
pub use reload::SqlReload;
pub use statement::{SqlBefore, SqlStep, Statement};
