//! What the front end found out of files that have not changed since. It sees nothing but them: plugins are asked
//! `check` and `outputs` with no way to look at anything, and the same component answers the same. So what it found is
//! kept for the next run, unless there was a mistake.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Machine, Plugins, front::Read};
use crate::{
    cache::{Cache, Key, KeyMaker},
    diagnostic::Diagnostic,
    plugin::Offered,
    value::Address,
};

/// What was found.
#[derive(Serialize, Deserialize)]
pub(super) struct Known {
    /// Warnings and notes.
    pub diagnostics: Vec<Diagnostic>,
    /// What each instance offers.
    pub offered: BTreeMap<Address, Offered>,
}

/// Where it is kept, and what it was made of.
pub(super) struct Keys {
    place: Key,
    made_of: Key,
}

impl Keys {
    /// Made of the spec and its contracts, of what `--set` says, of the host file and of the plugins.
    pub fn new(read: &Read, plugins: &Plugins, machine: Machine<'_>) -> Self {
        let Read { spec, contracts, set, .. } = read;
        let host_file = match machine {
            Machine::Elsewhere => None,
            Machine::Here(_, source) => Some(source),
        };
        let path = std::path::absolute(&spec.path).unwrap_or_else(|_| spec.path.clone());
        let place = KeyMaker::place("front")
            .and(path.as_os_str().as_encoded_bytes())
            .and_each(host_file.map(|source| &source.name));
        let contracts = contracts.sources().into_iter().map(|(name, source)| format!("{name}\0{}", source.text));
        let made_of = KeyMaker::of("front")
            .and(spec.text.as_bytes())
            .and_each(set)
            .and_each(contracts)
            .and_each(plugins.iter().map(|plugin| format!("{} {}", plugin.name, plugin.digest)))
            .and_each(host_file.map(|source| source.text.as_bytes()));
        Self { place: place.finish(), made_of: made_of.finish() }
    }
}

impl Known {
    /// What was found the last time, if it was found of the same.
    pub fn recall(cache: &Cache, keys: &Keys) -> Option<Self> {
        cache.recall(&keys.place, &keys.made_of)
    }

    /// Keeps it, when nothing is wrong.
    pub fn keep(&self, cache: &Cache, keys: &Keys) {
        if !self.diagnostics.iter().any(Diagnostic::is_error) {
            cache.keep(&keys.place, &keys.made_of, self);
        }
    }
}
