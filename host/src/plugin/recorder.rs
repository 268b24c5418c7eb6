//! What crosses into plugins: every string of it, for the scan that no answer escapes, and for tests that look for
//! canaries.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// Is told all that crosses into a plugin. Tests use it to prove that no secret is among it.
pub trait Recorder: fmt::Debug + Send + Sync {
    /// `what` is an import or an export; `text` is one string, key or byte string of what was handed over.
    fn crossed(&self, plugin: &str, what: &str, text: &[u8]);
}

/// Calls `each` with every string, key and byte string of a value; false from it ends the walk. Escapes of a format
/// would hide what is looked for, so each is handed over as it is.
pub fn each_string(value: &impl Serialize, mut each: impl FnMut(&[u8]) -> bool) -> Result<(), String> {
    let value = serde_json::to_value(value).map_err(|error| error.to_string())?;
    walk(&value, &mut each);
    Ok(())
}

fn walk(value: &Value, each: &mut dyn FnMut(&[u8]) -> bool) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => each(text.as_bytes()),
        Value::Array(items) => match bytes(items) {
            Some(bytes) => each(&bytes),
            None => items.iter().all(|item| walk(item, each)),
        },
        Value::Object(members) => members.iter().all(|(key, value)| each(key.as_bytes()) && walk(value, each)),
    }
}

/// Serde writes bytes as a list of numbers.
fn bytes(items: &[Value]) -> Option<Vec<u8>> {
    if items.is_empty() {
        return None;
    }
    items.iter().map(|item| u8::try_from(item.as_u64()?).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_string_is_seen_as_it_is() {
        let mut seen = Vec::new();
        let value = (Some("a \"quoted\"\nline"), vec![b'x', b'y'], serde_json::json!({ "key": [1, "two"] }));
        each_string(&value, |text| {
            seen.push(String::from_utf8_lossy(text).into_owned());
            true
        })
        .unwrap();
        assert_eq!(seen, ["a \"quoted\"\nline", "xy", "key", "two"]);
    }
}
