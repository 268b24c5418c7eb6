//! The flow, from the user's files to a plan: every stage is a module of its own, and joined here.

mod draw;
mod open;
mod plugins;

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    apply::Gates,
    host_file::HostFile,
    observe::World,
    plan::Plan,
    spec::Spec,
    value::{Address, Tree},
};

pub use plugins::Plugins;

/// Files read and checked, plugins loaded, the world at hand.
pub struct Flow {
    /// This machine.
    pub host_file: Arc<HostFile>,
    /// The outside.
    pub world: Arc<World>,
    spec: Spec,
    plugins: Plugins,
}

/// A plan, with what only this run needs of it.
pub struct Drawn {
    /// The plan.
    pub plan: Plan,
    /// The gates of its instances.
    pub gates: Gates,
    /// What each instance offers under the name `url`, resolved.
    urls: BTreeMap<Address, Tree>,
}

impl Flow {
    /// `[stack] name`
    pub fn stack(&self) -> &str {
        &self.spec.stack
    }
}

impl Drawn {
    /// Where a person finds the stack: the URLs that gateways offer.
    pub fn urls(&self) -> Vec<String> {
        self.urls.values().filter_map(|url| url.as_str().map(str::to_owned)).collect()
    }
}
