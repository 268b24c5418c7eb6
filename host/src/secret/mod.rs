//! Secrets: kept in a store of age files, known to everyone else by name only, filled in at the last moment.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    host_file::HostFile,
    observe::Failure,
    state::State,
    step::Generator,
    value::{Address, Target, Text},
};

/// Where a value that an instance makes comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Making {
    /// The stack's store.
    Stored {
        /// Its name within the instance.
        name: String,
    },
    /// Somebody else's file on this machine, read only.
    FromFile {
        /// Its name within the instance.
        name: String,
        /// Absolute path.
        path: String,
        /// Entry of a TOML, JSON or env file; none is the whole file less one last line break.
        key: Option<String>,
    },
    /// A field of the answer to an HTTP step.
    Captured {
        /// Its name within the instance.
        name: String,
        /// The connection that the answer comes from.
        connection: String,
    },
}

impl Making {
    /// Its name within the instance.
    pub fn name(&self) -> &str {
        match self {
            Making::Stored { name } | Making::FromFile { name, .. } | Making::Captured { name, .. } => name,
        }
    }
}

/// Whether a value is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// With this keyed fingerprint, which tells sameness and nothing else.
    Present(String),
    /// Not made yet.
    Absent,
    /// State knows it and the store lacks it: an error, never generated again. The text says what to do.
    Lost(String),
}

/// The store, the fingerprints, and what has been decrypted in this run.
#[derive(Debug)]
pub struct Vault {
    host_file: Arc<HostFile>,
    stack: String,
    state: Arc<State>,
}

impl Vault {
    /// Decrypts nothing. Fails when the store can be written by others.
    pub fn open(host_file: Arc<HostFile>, stack: &str, state: Arc<State>) -> anyhow::Result<Self> {
        Ok(Self { host_file, stack: stack.to_owned(), state })
    }

    /// Says where the values that an instance makes come from; all other functions know only declared targets.
    pub fn declare(&self, _instance: &Address, _makings: &[Making]) {
        unimplemented!()
    }

    /// Whether a target's source is there. Decrypts nothing when state has its fingerprint and the file is unchanged.
    pub fn presence(&self, _target: &Target) -> Result<Presence, Failure> {
        unimplemented!()
    }

    /// The value itself, for its destination alone.
    pub(crate) fn reveal(&self, _target: &Target) -> Result<Zeroizing<String>, Failure> {
        unimplemented!()
    }

    /// A text with its holes filled, for its destination alone.
    pub(crate) fn fill(&self, _text: &Text) -> Result<Zeroizing<String>, Failure> {
        unimplemented!()
    }

    /// Generates a stored secret unless it is there.
    pub(crate) fn generate(&self, _into: &Target, _generator: Generator, _length: u32) -> anyhow::Result<()> {
        unimplemented!()
    }

    /// Keeps a captured value.
    pub(crate) fn keep(&self, _into: &Target, _value: &str) -> anyhow::Result<()> {
        unimplemented!()
    }

    /// A keyed digest of any bytes (HMAC-SHA-256 with the stack's fingerprint key), for telling sameness.
    pub fn digest(&self, _bytes: &[u8]) -> anyhow::Result<String> {
        unimplemented!()
    }

    /// Encrypts bytes to the store's recipients: before-images in the journal.
    pub(crate) fn seal(&self, _bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
        unimplemented!()
    }

    /// Opens what `seal` made.
    pub(crate) fn unseal(&self, _sealed: &[u8]) -> anyhow::Result<Zeroizing<Vec<u8>>> {
        unimplemented!()
    }

    /// Replaces every secret that this run or an earlier one knows, in every form it was rendered in, by
    /// `(secret NAME)`. For foreign text: logs, server errors.
    pub fn redact(&self, text: &str) -> String {
        text.to_owned()
    }

    /// Whether foreign bytes hold a secret: an answer that does never crosses to a plugin.
    pub fn finds_secret_in(&self, _bytes: &[u8]) -> bool {
        false
    }
}
