//! Parts of a plugin's description, in a line each.

use crate::{
    guest::{ConnectionWant, OutputType},
    types::ValueType,
};

/// An output that anybody may read; `about` is one line for the reference.
pub fn output(name: &str, value_type: ValueType, about: &str) -> OutputType {
    OutputType { name: name.to_owned(), value_type, secret: false, about: about.to_owned() }
}

/// A text that is a secret: consumers get a reference, never its characters.
pub fn secret_output(name: &str, about: &str) -> OutputType {
    OutputType { secret: true, ..output(name, ValueType::Text, about) }
}

/// The one connection that most plugins want: of any of these kinds, named by the field `connection` or the only one
/// there is. `settings_schema` is the JSON Schema of the settings that the plugin reads.
pub fn connection(kinds: &[&str], settings_schema: &str) -> ConnectionWant {
    ConnectionWant {
        field: "connection".to_owned(),
        kinds: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        required: true,
        settings_schema: settings_schema.to_owned(),
    }
}
