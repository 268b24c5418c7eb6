//! The capability `services`.

use serde::{Deserialize, Serialize};


/// What an instance may do with verbs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServicesGrant {
    /// For each connection, the verbs that may be run.
    pub verbs: std::collections::BTreeMap<String, Vec<String>>,
}
