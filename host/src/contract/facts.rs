//! The parts of a contract that the host reads by itself; `schema.toml` says what each means.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Value;

/// A contract.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)]
pub struct Facts {
    pub title: String,
    pub config: Config,
    #[serde(default)]
    pub outputs: BTreeMap<String, Mapping>,
    #[serde(default)]
    pub environment: Environment,
    #[serde(default)]
    pub run: Run,
    #[serde(default)]
    pub database: Option<Database>,
}

/// Its configuration file.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)]
pub struct Config {
    pub format: String,
    pub path: String,
    #[serde(default)]
    pub section: Option<String>,
    #[serde(default)]
    pub unknown_keys: UnknownKeys,
    #[serde(default)]
    pub keys: BTreeMap<String, Key>,
    #[serde(default)]
    pub forbidden: Vec<String>,
}

/// What the application makes of a key that it does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum UnknownKeys {
    Fatal,
    #[default]
    Ignored,
}

/// A key of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)]
pub struct Key {
    #[serde(rename = "type")]
    pub value_type: KeyType,
    #[serde(default)]
    pub items: Option<KeyType>,
    #[serde(default)]
    pub fields: BTreeMap<String, KeyType>,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub required_if: Option<String>,
    #[serde(default)]
    pub needs: Vec<String>,
    #[serde(default)]
    pub default: Option<Value>,
    #[serde(default)]
    pub choices: Vec<String>,
    #[serde(default)]
    pub forbidden: Vec<String>,
    #[serde(default)]
    pub forbidden_domains: Vec<String>,
    #[serde(default)]
    pub alphabet: Option<String>,
    #[serde(default)]
    pub min_length: Option<usize>,
    #[serde(default)]
    pub min_items: Option<usize>,
    #[serde(default)]
    pub trailing_slash: Option<bool>,
    #[serde(default)]
    pub secret: bool,
    #[serde(default)]
    pub in_volume: bool,
    #[serde(default)]
    pub same_volume: Option<String>,
    #[serde(default)]
    pub help: Option<String>,
}

/// The type of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum KeyType {
    String,
    Integer,
    Boolean,
    Path,
    Url,
    Origin,
    Host,
    Email,
    List,
    Tables,
}

/// What `"${kind.*}"` puts into a table.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)]
pub struct Mapping {
    pub into: String,
    pub keys: BTreeMap<String, Value>,
}

/// Environment variables.
#[derive(Clone, Debug, Default, Deserialize)]
#[allow(missing_docs)]
pub struct Environment {
    #[serde(default)]
    pub prefix: Option<String>,
    #[serde(default)]
    pub separator: Option<String>,
    #[serde(default)]
    pub precedence: Precedence,
    #[serde(default)]
    pub lists: Option<String>,
    #[serde(default)]
    pub case_sensitive: bool,
    #[serde(default)]
    pub known: Vec<String>,
    #[serde(default)]
    pub leaks: Vec<String>,
    #[serde(default)]
    pub inert: BTreeMap<String, String>,
}

/// Who wins, the environment or the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Precedence {
    #[default]
    OverFile,
    UnderFile,
}

/// How it runs.
#[derive(Clone, Debug, Default, Deserialize)]
#[allow(missing_docs)]
pub struct Run {
    #[serde(default)]
    pub listen_port: Option<u16>,
    #[serde(default)]
    pub memory_mb: Option<u64>,
    #[serde(default)]
    pub start_user: Option<u32>,
    #[serde(default)]
    pub reowns: Vec<Reowned>,
}

/// A folder that it gives to its own user.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)]
pub struct Reowned {
    pub path: String,
    #[serde(default)]
    pub instead: Option<String>,
}

/// Its database.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs)]
pub struct Database {
    #[serde(default)]
    pub password_key: Option<String>,
    #[serde(default)]
    pub password_alphabet: Option<String>,
}
