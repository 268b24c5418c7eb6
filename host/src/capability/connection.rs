//! A kind of connection: what may be said of one, for checking and for the docs, and the same as a type, for the code.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::model::{ConnectionSettings, Failure, value::Tree};

/// Settings of one kind of connection, as far as the host reads them; the plugins read the rest.
pub trait ConnectionKind: DeserializeOwned {
    /// `kind` in the host file.
    const NAME: &'static str;

    /// JSON Schema of the settings that are not every connection's. Defaults stand there and nowhere else; one with
    /// `x-unless` goes only where that other setting is not.
    fn schema() -> &'static Value;

    /// The settings of a connection of this kind.
    ///
    /// # Errors
    /// It is of another kind; a setting is missing, or is not what it should be.
    fn read(connection: &ConnectionSettings) -> Result<Self, Failure> {
        let ConnectionSettings { name, kind, settings, .. } = connection;
        if kind != Self::NAME {
            let message = format!("[connection.{name}] of the host file is of the kind `{kind}`, not `{}`", Self::NAME);
            return Err(Failure::Other(message));
        }
        typed(name, &with_defaults(settings, Self::schema()))
    }

    /// What a schema can't say of settings, since it takes several of them together.
    ///
    /// # Errors
    /// In words that name the connection.
    fn check(connection: &ConnectionSettings) -> Result<(), Failure> {
        Self::read(connection).map(drop)
    }
}

/// Some settings of a connection of whatever kind.
pub fn typed<T: DeserializeOwned>(name: &str, settings: &Tree) -> Result<T, Failure> {
    let read = serde_json::from_value(settings.to_plain_json());
    read.map_err(|why| Failure::Other(format!("[connection.{name}] of the host file: {why}")))
}

/// A schema that is written as TOML beside its type; a test reads all of them.
pub fn schema(text: &str) -> Value {
    toml::from_str(text).unwrap_or_default()
}

/// The same settings, with the schema's defaults for those that are not there.
pub fn with_defaults(settings: &Tree, schema: &Value) -> Tree {
    let Tree::Table(mut entries) = settings.clone() else { return settings.clone() };
    for (key, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let Some(default) = property.get("default").and_then(Tree::from_plain_json) else { continue };
        let unless = property.get("x-unless").and_then(Value::as_str);
        if settings.get(key).is_none() && unless.is_none_or(|other| settings.get(other).is_none()) {
            entries.push((key.clone(), default));
        }
    }
    Tree::Table(entries)
}
