//! A document with its holes filled: secrets in it are wiped when it is dropped.

use serde::{Serialize, Serializer, ser::SerializeMap};
use zeroize::Zeroizing;

/// What the encoders are handed.
pub(super) enum Filled {
    Boolean(bool),
    Integer(i64),
    Float(f64),
    /// Only TOML has a type for it; the others get a string.
    Moment(toml::value::Datetime),
    Text(Zeroizing<String>),
    Items(Vec<Filled>),
    Table(Vec<(String, Filled)>),
}

impl Serialize for Filled {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Filled::Boolean(value) => serializer.serialize_bool(*value),
            Filled::Integer(value) => serializer.serialize_i64(*value),
            Filled::Float(value) => serializer.serialize_f64(*value),
            Filled::Moment(value) => value.serialize(serializer),
            Filled::Text(value) => serializer.serialize_str(value),
            Filled::Items(items) => serializer.collect_seq(items),
            Filled::Table(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}
