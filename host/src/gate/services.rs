//! The capability `services`.

use serde::{Deserialize, Serialize};

use super::{Denial, Gate, Permit};

/// What an instance may do with verbs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServicesGrant {
    /// For each connection, the verbs that may be run.
    pub verbs: std::collections::BTreeMap<String, Vec<String>>,
}

/// A verb of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct VerbSubject {
    pub connection: String,
    pub verb: String,
}

impl Gate {
    /// Running a verb.
    pub fn service(&self, _subject: VerbSubject) -> Result<Permit<VerbSubject>, Denial> {
        unimplemented!()
    }
}
