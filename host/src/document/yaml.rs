//! YAML that its readers take the same way, those of version 1.1 included.
//!
//! The encoder quotes what YAML 1.2 would take for something else than a string. Many readers still follow 1.1, where
//! `yes`, `12:30` or `0o17` are no strings either: strings that begin like a number, or are one of its words, are written
//! in double quotes.

use std::{cell::RefCell, iter};

use serde::{Serialize, Serializer, ser::SerializeMap};
use zeroize::Zeroizing;

use super::filled::Filled;

/// Words that YAML 1.1 or 1.2 gives a meaning.
const WORDS: [&str; 13] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "=", "<<", "none"];

/// Block style, strings quoted where they have to be.
pub(super) fn to_string(document: &Filled) -> Result<String, serde_norway::Error> {
    // The encoder has no way to ask for quotes, so an ambiguous string is written as a token that stands nowhere else in
    // the document, and the token replaced by the quoted string.
    let mut token = "stackrun-quoted-".to_owned();
    while mentions(document, &token) {
        token.push('x');
    }
    let quoted = RefCell::new(Vec::new());
    let text = serde_norway::to_string(&Doc { value: document, token: &token, quoted: &quoted })?;
    let mut text = Zeroizing::new(text);
    for (index, quoted) in quoted.borrow().iter().enumerate() {
        *text = text.replacen(&name(&token, index), quoted, 1);
    }
    Ok(std::mem::take(&mut *text))
}

fn name(token: &str, index: usize) -> String {
    format!("{token}{index}q")
}

/// A value with what its strings need.
#[derive(Clone, Copy)]
struct Doc<'a> {
    value: &'a Filled,
    token: &'a str,
    quoted: &'a RefCell<Vec<Zeroizing<String>>>,
}

impl Doc<'_> {
    fn string(&self, text: &str) -> Result<Zeroizing<String>, serde_json::Error> {
        if !is_ambiguous(text) {
            return Ok(Zeroizing::new(text.to_owned()));
        }
        let mut quoted = self.quoted.borrow_mut();
        // JSON's way of quoting is one of YAML's.
        quoted.push(Zeroizing::new(serde_json::to_string(text)?));
        Ok(Zeroizing::new(name(self.token, quoted.len() - 1)))
    }
}

impl Serialize for Doc<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let of = |value| Doc { value, ..*self };
        match self.value {
            Filled::Text(text) => serializer.serialize_str(&self.string(text).map_err(serde::ser::Error::custom)?),
            Filled::Items(items) => serializer.collect_seq(items.iter().map(of)),
            Filled::Table(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    let key = self.string(key).map_err(serde::ser::Error::custom)?;
                    map.serialize_entry(key.as_str(), &of(value))?;
                }
                map.end()
            }
            scalar => scalar.serialize(serializer),
        }
    }
}

/// Whether some reader may take the plain string for something else. A string with control characters is never plain.
fn is_ambiguous(text: &str) -> bool {
    let number_like = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    (number_like || WORDS.contains(&text.to_ascii_lowercase().as_str())) && !text.chars().any(needs_escapes)
}

/// What JSON leaves as it is inside quotes and YAML does not allow there.
fn needs_escapes(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn mentions(document: &Filled, token: &str) -> bool {
    match document {
        Filled::Text(text) => text.contains(token),
        Filled::Items(items) => items.iter().any(|item| mentions(item, token)),
        Filled::Table(entries) => entries
            .iter()
            .any(|(key, value)| iter::once(key.as_str()).any(|key| key.contains(token)) || mentions(value, token)),
        _ => false,
    }
}
