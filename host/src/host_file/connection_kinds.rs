//! What a connection of each kind may say, as JSON Schemas. For checking, and for the docs.

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::{Map, Value};

use crate::{
    capability::{
        connection::schema,
        connection_kinds::{ALL, Kind},
    },
    schema::Checker,
};

/// The kinds that the host knows by itself, with the fields of every kind in each.
pub fn schemas() -> BTreeMap<String, Value> {
    let common = common();
    ALL.iter().map(|kind| (kind.name.to_owned(), closed(&common, (kind.schema)().clone()))).collect()
}

/// The fields that every kind has.
pub fn common() -> Value {
    schema(include_str!("connection.toml"))
}

/// A kind that the host knows by itself.
pub(super) fn of(kind: &str) -> Option<&'static Kind> {
    ALL.iter().find(|known| known.name == kind)
}

/// The checker of a kind; none for kinds that only plugins by others know.
pub(super) fn checker(kind: &str) -> Option<&'static Checker> {
    static CHECKERS: LazyLock<BTreeMap<String, Checker>> =
        LazyLock::new(|| schemas().into_iter().map(|(name, schema)| (name, Checker::new(schema))).collect());
    CHECKERS.get(kind)
}

/// The checker of the fields that every kind has, for kinds whose other fields nobody here knows.
pub(super) fn open() -> &'static Checker {
    static OPEN: LazyLock<Checker> = LazyLock::new(|| Checker::new(common()));
    &OPEN
}

/// Names of the fields that are not the kind's own settings.
pub(super) const COMMON: [&str; 4] = ["kind", "address", "write", "verbs"];

fn closed(common: &Value, kind: Value) -> Value {
    let properties = |schema: &Value| schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut all: Map<String, Value> = properties(common);
    all.extend(properties(&kind));
    let mut schema = kind;
    schema["type"] = "object".into();
    schema["properties"] = Value::Object(all);
    schema["additionalProperties"] = false.into();
    schema
}
