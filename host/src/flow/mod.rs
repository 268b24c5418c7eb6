//! The flow, from the user's files to a plan: every stage is a module of its own, and joined here.
//!
//! `open` has files `read` and plugins loaded, while `prefetch` asks servers what the last plan had to know; `front` checks the
//! spec, `offer` asks what each instance makes and offers, unless that is `known` from the last run; `draw` has every
//! instance planned and puts the plan together, `by_hand` looks whether what others write is already as it should be,
//! `denied` says what has to be granted first, `ready` whether what is planned can be written here. `recorded` is the short
//! way, from state alone.

mod by_hand;
mod cores;
mod denied;
mod draw;
mod front;
#[cfg(test)]
mod grants_tests;
mod known;
mod offer;
mod open;
mod pin;
mod plugins;
mod prefetch;
mod read;
mod ready;
mod recorded;

use std::{collections::BTreeMap, sync::Arc};

pub use front::{Front, front};
pub use open::{Purpose, refuse_errors, say};
pub use plugins::{LoadedPlugin, Plugins};
use prefetch::Ahead;
pub use read::{Machine, Read, read};
pub use recorded::Recorded;

use crate::{
    capability::Gates,
    contract::Contracts,
    diagnostic::Sources,
    model::{
        Diagnostic, HostFile, Making, Offered, Place, Segment,
        value::{Address, Target, Tree},
    },
    plan::{Binding, Plan},
    reference::Graph,
    schema::Catalog,
    spec::Spec,
    world::{World, vault::too_short},
};

/// Files read and checked, plugins loaded, the world at hand.
pub struct Flow {
    /// This machine.
    pub host_file: Arc<HostFile>,
    /// The outside.
    pub world: Arc<World>,
    spec: Spec,
    contracts: Contracts,
    catalog: Catalog,
    plugins: Plugins,
    offered: BTreeMap<Address, Offered>,
    graph: Graph,
    sources: Sources,
    /// Warnings of the front end, to be said once.
    warnings: Vec<Diagnostic>,
    /// What is known of it before anything is observed.
    binding: Binding,
    /// What servers were asked before it was observed.
    ahead: Option<Ahead>,
}

/// A plan, with what only this run needs of it.
pub struct Drawn {
    /// The plan.
    pub plan: Plan,
    /// The gates of its instances.
    pub gates: Gates,
    /// The URLs that instances offer, by address.
    urls: BTreeMap<String, String>,
}

impl Flow {
    /// Warnings on standard error, for commands that a person reviews: those of the user's files, and of secrets in files by
    /// others that can't be kept out of messages. Once the stack has been planned: only then it is known which of these
    /// files may be read.
    pub fn say_warnings(&self) {
        let too_short = |target: &Target| {
            let Target::Made(instance, name) = target else { return None };
            let place = Place::Instance(instance.clone(), vec![Segment::Key(name.clone())]);
            Some(Diagnostic::warning(place, too_short(target)))
        };
        let short = self.world.vault.short_ones();
        let all: Vec<Diagnostic> = self.warnings.iter().cloned().chain(short.iter().filter_map(too_short)).collect();
        say(&all, &self.sources);
    }

    /// `[stack] name`
    pub fn stack(&self) -> &str {
        &self.spec.stack
    }

    /// What each instance makes.
    pub fn makings(&self) -> impl Iterator<Item = (&Address, &[Making])> {
        self.offered.iter().map(|(address, offered)| (address, offered.makes.as_slice()))
    }

    /// The table of an instance, as it stands in the spec.
    pub fn section(&self, address: &Address) -> Option<&Tree> {
        self.spec.instance(address).map(|instance| &instance.section)
    }
}

impl Drawn {
    /// Where a person finds the stack.
    pub fn urls(&self) -> Vec<String> {
        self.urls.values().cloned().collect()
    }
}
