//! What an entry is named by: a digest of all that it was made of.

use std::{fmt, hash::Hasher, path::Path};

/// Names an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(String);

/// Where something is kept, and what it was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Stays the same when a file is edited.
    pub place: Key,
    /// Does not.
    pub made_of: Key,
}

/// Takes in, one after the other, all that an entry is made of.
pub struct KeyMaker(blake3::Hasher);

impl KeyMaker {
    /// Of what something is made of; `what` names the kind of entry. The build of this program is part of it: another one
    /// may make something else of the same.
    pub fn of(what: &str) -> Self {
        Self::place(what).and(env!("STACKRUN_BUILD").as_bytes())
    }

    /// Of where something is.
    pub fn place(what: &str) -> Self {
        Self(blake3::Hasher::new()).and(what.as_bytes())
    }

    /// Takes in a part; where it ends is part of the digest.
    pub fn and(mut self, part: &[u8]) -> Self {
        self.0.update(&(part.len() as u64).to_le_bytes()).update(part);
        self
    }

    /// Takes in where a file is.
    pub fn and_path(self, path: &Path) -> Self {
        self.and(std::path::absolute(path).as_deref().unwrap_or(path).as_os_str().as_encoded_bytes())
    }

    /// Takes in parts of which there may be any number; where they end is part of the digest.
    pub fn and_each(mut self, parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        for part in parts {
            self.0.update(&[1]);
            self = self.and(part.as_ref());
        }
        self.0.update(&[0]);
        self
    }

    /// Takes in whatever can be hashed.
    pub fn and_hash(mut self, part: &impl std::hash::Hash) -> Self {
        part.hash(&mut self);
        self
    }

    /// The key.
    pub fn finish(self) -> Key {
        Key(self.0.finalize().to_hex().to_string())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is hashed goes into a cryptographic digest; 64 bits would be too few to name code by.
impl Hasher for KeyMaker {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.finalize();
        digest.as_bytes().iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    }
}
