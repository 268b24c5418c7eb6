//! What is kept out of messages although no store has it: credentials of connections, tokens that servers give.

use std::{fmt, path::Path, sync::Mutex};

use zeroize::Zeroizing;

use super::lock;
use crate::world::disk;

/// Settings of a connection that name a file with a credential in it end in one of these.
const CREDENTIAL_FILES: [&str; 3] = ["password_file", "token_file", "secret_file"];

/// Values that this run has come to know. Shared by whoever reads one and the vault, which looks for them in messages.
#[derive(Default)]
pub struct Learned(Mutex<Vec<(String, Zeroizing<String>)>>);

impl fmt::Debug for Learned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Learned")
    }
}

impl Learned {
    /// Reads the file that `key` of a connection names. From then on what is in it is known here, whatever is done with
    /// it: there is no other way to read a credential.
    ///
    /// # Errors
    /// Those of reading a file.
    pub fn credential(&self, connection: &str, key: &str, file: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
        let bytes = disk::read_named(file)?.bytes;
        self.learn(&format!("{key} of connection {connection}"), &String::from_utf8_lossy(&bytes));
        Ok(bytes)
    }

    /// Adds a value under the name by which messages call it. White space around it is not part of what is looked for.
    pub fn learn(&self, label: &str, value: &str) {
        let value = value.trim();
        let mut known = lock(&self.0);
        if !value.is_empty() && !known.iter().any(|(by, known)| by == label && known.as_str() == value) {
            known.push((label.to_owned(), Zeroizing::new(value.to_owned())));
        }
    }

    /// Whether a setting of a connection names a file with a credential in it.
    pub(crate) fn is_credential(key: &str) -> bool {
        CREDENTIAL_FILES.iter().any(|end| key.ends_with(end))
    }

    /// Names and values. They only ever become more: their number tells whether there are new ones.
    pub(crate) fn all(&self) -> Vec<(String, Zeroizing<String>)> {
        lock(&self.0).clone()
    }

    /// How many there are.
    pub(crate) fn number(&self) -> usize {
        lock(&self.0).len()
    }
}
