//! When an instance can be planned: as soon as the makers of what its section holds have been.

use std::collections::{BTreeMap, BTreeSet};

use super::Graph;
use crate::model::value::Address;

/// Hands out instances as they become ready. Work in proportion to instances and references.
#[derive(Debug)]
pub struct Schedule {
    /// Makers that each instance still waits for.
    waits_for: BTreeMap<Address, usize>,
    made_for: BTreeMap<Address, Vec<Address>>,
    ready: BTreeSet<Address>,
}

impl Schedule {
    /// Of all instances of a graph.
    pub fn new(graph: &Graph) -> Self {
        let mut schedule = Self { waits_for: BTreeMap::new(), made_for: BTreeMap::new(), ready: BTreeSet::new() };
        for (address, node) in &graph.nodes {
            let makers = node.makers.iter().filter(|maker| *maker != address && graph.nodes.contains_key(maker));
            let count = makers.clone().count();
            makers.for_each(|maker| schedule.made_for.entry(maker.clone()).or_default().push(address.clone()));
            match count {
                0 => drop(schedule.ready.insert(address.clone())),
                _ => drop(schedule.waits_for.insert(address.clone(), count)),
            }
        }
        schedule
    }

    /// The instances that have become ready since this was asked last. When none has and nothing is being planned
    /// (`idle`), those that are left make something for each other: then they are all ready, each with what the others
    /// make not yet known.
    pub fn next(&mut self, idle: bool) -> BTreeSet<Address> {
        let ready = std::mem::take(&mut self.ready);
        match idle && ready.is_empty() {
            true => std::mem::take(&mut self.waits_for).into_keys().collect(),
            false => ready,
        }
    }

    /// An instance has been planned: whoever waited for it alone is ready.
    pub fn done(&mut self, address: &Address) {
        for consumer in self.made_for.remove(address).unwrap_or_default() {
            let Some(count) = self.waits_for.get_mut(&consumer) else { continue };
            *count -= 1;
            if *count == 0 {
                self.waits_for.remove(&consumer);
                self.ready.insert(consumer);
            }
        }
    }
}
