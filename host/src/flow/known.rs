//! What the front end found out of files that have not changed since. It sees nothing but them: plugins are asked
//! `check` and `outputs` with no way to look at anything, and the same component answers the same. So what it found is
//! kept for the next run, unless there was a mistake.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Machine, Plugins, Read};
use crate::{
    cache::Slot,
    model::{Diagnostic, Offered, value::Address},
};

/// What was found.
#[derive(Serialize, Deserialize)]
pub(super) struct Known {
    /// Warnings and notes.
    pub diagnostics: Vec<Diagnostic>,
    /// What each instance offers.
    pub offered: BTreeMap<Address, Offered>,
}

impl Known {
    /// Where it is kept.
    pub fn slot(read: &Read, plugins: &Plugins, machine: Machine<'_>) -> Slot {
        read.slot("front", machine, plugins.iter().map(|plugin| format!("{} {}", plugin.name, plugin.digest)))
    }
}
