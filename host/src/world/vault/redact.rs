//! Finding secrets in foreign text: logs, server errors, answers that are about to cross to a plugin.
//!
//! Looking must not decrypt everything on every run. So state keeps, for each secret and each form that it can be
//! rendered in, a *trace*: the form's length and a keyed rolling hash of it. A window of the text with the same hash is a
//! find; only then the secret is opened, to be sure and to replace it. Forms shorter than [`SHORTEST`] are not looked
//! for: they would be found everywhere.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    fingerprint::{FingerprintKey, Of},
    forms::url_component,
    spelled::spellings,
};
use crate::hex::hex;

/// Bytes below which a form is not looked for.
pub const SHORTEST: usize = 6;

/// Lines of a secret of several lines are looked for one by one from this length on: logs break at lines.
const SHORTEST_LINE: usize = 12;

/// A prime below 2^61: sums and products fit into 128 bits.
const PRIME: u64 = (1 << 61) - 1;

/// Every form in which a secret can turn up, each once, longest first.
pub(crate) fn forms(value: &str) -> Vec<Zeroizing<String>> {
    let mut all: BTreeSet<String> = BTreeSet::new();
    let json = serde_json::to_string(value).unwrap_or_default();
    let unquoted = |quoted: &str| quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned();
    all.insert(value.to_owned());
    all.insert(unquoted(&json));
    all.insert(unquoted(&toml_edit::Value::from(value).to_string()));
    all.insert(unquoted(&format!("{value:?}")));
    all.insert(value.replace('\'', "''"));
    all.insert(value.replace('\'', "'\\''"));
    all.insert(value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$").replace('`', "\\`"));
    all.insert(url_component(value));
    all.insert(url::form_urlencoded::byte_serialize(value.as_bytes()).collect());
    all.extend(spellings(value));
    all.insert(hex(value.as_bytes()));
    all.insert(hex(value.as_bytes()).to_ascii_uppercase());
    if value.len() >= SHORTEST {
        for shift in 0..3 {
            all.insert(base64_core(value, shift, &STANDARD_NO_PAD));
            all.insert(base64_core(value, shift, &URL_SAFE_NO_PAD));
        }
    }
    if value.contains('\n') {
        let lines = value.lines().map(str::trim);
        all.extend(lines.filter(|line| line.len() >= SHORTEST_LINE && !line.starts_with("-----")).map(str::to_owned));
    }
    let mut all: Vec<_> = all.into_iter().filter(|form| form.len() >= SHORTEST).map(Zeroizing::new).collect();
    all.sort_by_key(|form| std::cmp::Reverse(form.len()));
    all
}

/// The characters of a base64 text that stem from the value alone, when `shift` other bytes (modulo 3) stand before it.
fn base64_core(value: &str, shift: usize, engine: &impl Engine) -> String {
    let mut bytes = Zeroizing::new(vec![0; shift]);
    bytes.extend_from_slice(value.as_bytes());
    let encoded = engine.encode(bytes.as_slice());
    let from = [0, 2, 3][shift % 3];
    let to = if bytes.len().is_multiple_of(3) { encoded.len() } else { encoded.len().saturating_sub(1) };
    encoded.get(from..to).unwrap_or_default().to_owned()
}

/// Length and keyed hash of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Trace(u32, u64);

/// The keyed hash.
#[derive(Clone, Copy)]
pub(crate) struct Hasher {
    base: u64,
}

impl Hasher {
    pub(crate) fn new(key: &FingerprintKey) -> Self {
        let mut base = [0; 8];
        base.copy_from_slice(&key.raw(Of::Trace, b"base")[..8]);
        Self { base: u64::from_le_bytes(base) % (PRIME - 256) + 256 }
    }

    /// Traces of every form of a secret.
    pub(crate) fn traces(&self, value: &str) -> Vec<Trace> {
        let traces: BTreeSet<Trace> = forms(value)
            .iter()
            .filter_map(|form| Some(Trace(u32::try_from(form.len()).ok()?, self.hash(form.as_bytes()))))
            .collect();
        traces.into_iter().collect()
    }

    fn hash(&self, bytes: &[u8]) -> u64 {
        bytes.iter().fold(0, |hash, byte| self.push(hash, *byte))
    }

    fn push(&self, hash: u64, byte: u8) -> u64 {
        ((u128::from(hash) * u128::from(self.base) + u128::from(byte) + 1) % u128::from(PRIME)) as u64
    }
}

/// Traces of all secrets.
pub(crate) struct Scanner {
    hasher: Hasher,
    /// By length.
    traces: BTreeMap<usize, HashSet<u64>>,
}

impl Scanner {
    pub(crate) fn new(hasher: Hasher, all: impl IntoIterator<Item = Trace>) -> Self {
        let mut traces: BTreeMap<usize, HashSet<u64>> = BTreeMap::new();
        for Trace(length, hash) in all {
            traces.entry(length as usize).or_default().insert(hash);
        }
        Self { hasher, traces }
    }

    /// Whether a window of the text has the hash of some form. Once in many billions of times it is a chance hit.
    pub(crate) fn suspects(&self, text: &[u8]) -> bool {
        self.traces.iter().any(|(length, hashes)| self.rolls_over(text, *length, hashes))
    }

    fn rolls_over(&self, text: &[u8], length: usize, hashes: &HashSet<u64>) -> bool {
        let Some(first) = text.get(..length) else { return false };
        let top = (0..length).fold(1, |power: u64, _| multiply(power, self.hasher.base));
        let mut hash = self.hasher.hash(first);
        if hashes.contains(&hash) {
            return true;
        }
        text.iter().zip(&text[length..]).any(|(leaving, entering)| {
            let gone = multiply(u64::from(*leaving) + 1, top);
            hash = (self.hasher.push(hash, *entering) + PRIME - gone) % PRIME;
            hashes.contains(&hash)
        })
    }
}

fn multiply(a: u64, b: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(PRIME)) as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scanner(secrets: &[&str]) -> Scanner {
        let hasher = Hasher::new(&FingerprintKey::new([7; 32]));
        Scanner::new(hasher, secrets.iter().flat_map(|secret| hasher.traces(secret)).collect::<Vec<_>>())
    }

    #[test]
    fn a_secret_is_found_in_every_form() {
        let secret = "p\"a\\s's $w%rd&é<1>";
        let scanner = scanner(&[secret]);
        let json = serde_json::json!({ "x": secret }).to_string();
        let yaml = serde_norway::to_string(&serde_json::json!({ "x": secret })).unwrap();
        let toml = format!("x = {}", toml_edit::Value::from(secret));
        let env = format!("X={}", *crate::document::env::value(secret).unwrap());
        let url: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        for text in [secret, &json, &yaml, &toml, &env, &url, &url_component(secret), &format!("{secret:?}")] {
            assert!(scanner.suspects(format!("before {text} after").as_bytes()), "{text}");
        }
        for user in ["a:", "ab:", "abc:"] {
            let basic = base64::engine::general_purpose::STANDARD.encode(format!("{user}{secret}"));
            assert!(scanner.suspects(format!("Authorization: Basic {basic}").as_bytes()), "{basic}");
        }
        assert!(!scanner.suspects(b"nothing of the kind stands here, however long this line may become"));
    }

    #[test]
    fn a_secret_is_found_as_others_spell_it() {
        let scanner = scanner(&["A/b<C>&'d\"é😀+e"]);
        for text in [
            // Python's json.dumps, Go's encoding/json, PHP's json_encode, and every character.
            r#"A/b<C>&'d\"\u00e9\ud83d\ude00+e"#,
            r#"A/b\u003cC\u003e\u0026'd\"é😀+e"#,
            r#"A\/b<C>&'d\"\u00e9\ud83d\ude00+e"#,
            r"A/b\u003CC\u003E\u0026\u0027d\u0022\u00E9\uD83D\uDE00\u002Be",
            r"\u0041\u002f\u0062\u003c\u0043\u003e\u0026\u0027\u0064\u0022\u00e9\ud83d\ude00\u002b\u0065",
            // Go's html/template, Python's html.escape, PHP's htmlspecialchars, XML, and numbers.
            "A/b&lt;C&gt;&amp;&#39;d&#34;é😀+e",
            "A/b&lt;C&gt;&amp;&#x27;d&quot;é😀+e",
            "A/b&lt;C&gt;&amp;&#039;d&quot;é😀+e",
            "A/b&lt;C&gt;&amp;&apos;d&quot;é😀+e",
            "A&#47;b&#60;C&#62;&#38;&#39;d&#34;&#233;&#128512;&#43;e",
            "A&#x2f;b&#x3c;C&#x3e;&#x26;&#x27;d&#x22;&#xe9;&#x1f600;&#x2b;e",
            // Percent forms with small digits leave the letters of the secret as they are.
            "A%2fb%3cC%3e%26%27d%22%c3%a9%f0%9f%98%80%2be",
            "A%2Fb%3CC%3E%26'd%22%C3%A9%F0%9F%98%80%2Be",
            "A/b%3CC%3E&'d%22%C3%A9%F0%9F%98%80+e",
            "%41%2f%62%3c%43%3e%26%27%64%22%c3%a9%f0%9f%98%80%2b%65",
        ] {
            assert!(scanner.suspects(format!("before {text} after").as_bytes()), "{text}");
        }
    }

    #[test]
    fn each_line_of_a_key_is_looked_for() {
        let scanner = scanner(&["-----BEGIN KEY-----\nabcdefghijklmnopqrst\nuvwxyz0123456789\n-----END KEY-----\n"]);
        assert!(scanner.suspects(b"log: uvwxyz0123456789"));
        assert!(!scanner.suspects(b"log: -----BEGIN KEY-----"));
    }

    #[test]
    fn short_secrets_are_not_found_everywhere() {
        assert!(!scanner(&["a", "admin"]).suspects(b"an administrator, admin by name"));
    }

    proptest! {
        #[test]
        fn found_wherever_it_stands(before in "[a-z]{0,40}", secret in "[A-Za-z0-9]{6,30}", after in "[a-z]{0,40}") {
            let with = format!("{before}{secret}{after}");
            let without = format!("{before}{}{after}", "-".repeat(secret.len()));
            prop_assert!(scanner(&[&secret]).suspects(with.as_bytes()));
            prop_assert!(!scanner(&[&secret]).suspects(without.as_bytes()));
        }
    }
}
