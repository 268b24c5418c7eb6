//! Values that are recognised wherever they turn up, in every form in which somebody could have written them down.

use std::fmt;

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Letters and digits that a value must have in one piece: fewer turn up by chance.
const DISTINCTIVE: usize = 12;

/// What stands around a find in its description, before and after, in bytes.
const AROUND: usize = 60;

/// Values to look for. What is looked for of each is its longest piece of letters and digits: no language escapes
/// these, so that a value is found whatever became of its other characters.
#[derive(Debug)]
pub struct Canaries {
    needles: Vec<Needle>,
    /// Needles by their first two bytes: gigabytes are looked through.
    by_start: Vec<Vec<usize>>,
}

#[derive(Debug)]
struct Needle {
    of: String,
    form: &'static str,
    bytes: Vec<u8>,
}

/// A value that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub of: String,
    /// How it was written.
    pub form: &'static str,
    /// What stands around it.
    pub around: String,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as {}: …{}…", self.of, self.form, self.around)
    }
}

/// The secrets of `examples/mediamanager.toml`, in its order: name, and what stands before and after the piece that is
/// looked for. They have what their places can carry, and what a careless program breaks on.
const MEDIAMANAGER: [(&str, &str, &str); 4] = [
    ("database_password", "db-", "_-"),
    ("token_secret", "\"q'\\$HOME %41 {{ x }} é ", " `id` #"),
    ("oidc_client_secret", "oidc.", "~-_"),
    ("admin_password", "a\"d'\\m$i%n {{ x }} é ", "; &<>"),
];

/// A name and a value for each secret of `examples/mediamanager.toml`, in its order; other values at each call.
///
/// # Errors
/// When no temporary folder can be made: its name is what is random in them.
pub fn of_mediamanager() -> Result<[(&'static str, String); 4]> {
    let folder = tempfile::tempdir()?;
    let random = folder.path().file_name().unwrap_or_default().to_string_lossy();
    Ok(MEDIAMANAGER.map(|(name, before, after)| {
        let letters: String = format!("Canary{name}{random}").chars().filter(char::is_ascii_alphanumeric).collect();
        (name, format!("{before}{letters}{after}"))
    }))
}

impl Default for Canaries {
    fn default() -> Self {
        Self { needles: Vec::new(), by_start: vec![Vec::new(); 1 << 16] }
    }
}

impl Canaries {
    /// Looks for this value as well.
    ///
    /// # Panics
    /// When the value has no piece that is long enough to be told from chance.
    pub fn add(&mut self, of: &str, value: &str) {
        let pieces = value.split(|character: char| !character.is_ascii_alphanumeric());
        let piece = pieces.max_by_key(|piece| piece.len()).unwrap_or_default();
        assert!(piece.len() >= DISTINCTIVE, "{of} has nothing to recognise it by");
        for (form, bytes) in forms(piece) {
            self.by_start[start(&bytes)].push(self.needles.len());
            self.needles.push(Needle { of: of.to_owned(), form, bytes });
        }
    }

    /// Every value that stands in these bytes; each form once.
    #[must_use]
    pub fn find(&self, bytes: &[u8]) -> Vec<Found> {
        let mut found: Vec<Found> = Vec::new();
        for at in 0..bytes.len().saturating_sub(1) {
            for needle in self.by_start[start(&bytes[at..])].iter().map(|&index| &self.needles[index]) {
                let known = |one: &Found| one.of == needle.of && one.form == needle.form;
                if bytes[at..].starts_with(&needle.bytes) && !found.iter().any(known) {
                    let end = (at + needle.bytes.len() + AROUND).min(bytes.len());
                    let around = String::from_utf8_lossy(&bytes[at.saturating_sub(AROUND)..end]).into_owned();
                    found.push(Found { of: needle.of.clone(), form: needle.form, around });
                }
            }
        }
        found
    }
}

/// The first two bytes, as a number.
fn start(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

/// A piece of letters and digits, in every form that a program writes bytes in.
fn forms(piece: &str) -> Vec<(&'static str, Vec<u8>)> {
    let each = |write: fn(u8) -> String| piece.bytes().map(write).collect::<String>();
    let list = |between: &str| piece.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(between);
    let mut forms = vec![
        ("itself", piece.to_owned()),
        ("capitals", piece.to_ascii_uppercase()),
        ("small letters", piece.to_ascii_lowercase()),
        ("hexadecimal digits", each(|byte| format!("{byte:02x}"))),
        ("capital hexadecimal digits", each(|byte| format!("{byte:02X}"))),
        ("percent-encoded", each(|byte| format!("%{byte:02x}"))),
        ("percent-encoded in capitals", each(|byte| format!("%{byte:02X}"))),
        ("escaped in hexadecimal", each(|byte| format!("\\x{byte:02x}"))),
        ("escaped as JSON", each(|byte| format!("\\u{byte:04x}"))),
        ("UTF-16", each(|byte| format!("{}\0", char::from(byte)))),
        ("a list of bytes", list(", ")),
        ("a tight list of bytes", list(",")),
    ];
    for shift in 0..3 {
        forms.push(("base64", base64_core(piece, shift, &STANDARD_NO_PAD)));
        forms.push(("base64 for URLs", base64_core(piece, shift, &URL_SAFE_NO_PAD)));
    }
    let mut bytes: Vec<(&'static str, Vec<u8>)> =
        forms.into_iter().map(|(form, text)| (form, text.into_bytes())).collect();
    bytes.sort_by(|one, other| one.1.cmp(&other.1));
    bytes.dedup_by(|one, other| one.1 == other.1);
    bytes
}

/// The characters that stem from the piece alone, when `shift` other bytes (modulo 3) stand before it, and any after it.
fn base64_core(piece: &str, shift: usize, engine: &impl Engine) -> String {
    let mut bytes = vec![0; shift];
    bytes.extend_from_slice(piece.as_bytes());
    let encoded = engine.encode(&bytes);
    let whole = bytes.len() / 3 * 4;
    encoded[[0, 2, 3][shift]..whole].to_owned()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const VALUE: &str = "\"q\\x'Kn4vTq9wLm2zRb7'$";

    fn canaries() -> Canaries {
        let mut canaries = Canaries::default();
        canaries.add("it", VALUE);
        canaries
    }

    #[test]
    fn a_value_is_found_however_it_is_written() {
        let canaries = canaries();
        let mut written = vec![
            VALUE.to_owned(),
            serde_json::to_string(VALUE).unwrap_or_default(),
            toml::Value::String(VALUE.to_owned()).to_string(),
            format!("{:?}", VALUE.as_bytes()),
            hex::encode(VALUE),
            hex::encode_upper(VALUE),
            VALUE.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        ];
        written.extend(["", "a", "ab"].map(|user| STANDARD.encode(format!("{user}:{VALUE}@more"))));
        for text in written {
            let found = canaries.find(format!("before {text} after").as_bytes());
            assert!(!found.is_empty(), "{text}");
            assert_eq!(found[0].of, "it");
        }
    }

    #[test]
    fn another_value_is_not_found() {
        let other = VALUE.replace("Kn4v", "Kn4w");
        let texts = [other.clone(), STANDARD.encode(&other), hex::encode(&other), format!("{:?}", other.as_bytes())];
        for text in texts {
            assert_eq!(canaries().find(text.as_bytes()), []);
        }
    }
}
