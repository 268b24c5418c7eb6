//! References, resolved field by field: an output is a node, not an instance, so that a gateway may take a container's
//! port while the container's configuration takes the gateway's URL.
//!
//! Every output that some section reaches is resolved once, after those it refers to; the work grows with the number
//! of references and not with its square. What is a secret stays a reference. The address parts of outputs become text
//! last, as the consumer sees them (`vantage`).

mod outputs;
mod pick;
mod schedule;
mod section;
mod substitute;
mod vantage;
mod views;

use std::collections::{BTreeMap, BTreeSet};

pub use pick::picked;
pub use schedule::Schedule;
pub use views::Views;

use crate::{
    model::{
        Diagnostic, HostFile, Offered,
        value::{Address, Tree},
    },
    schema::Catalog,
    spec::Spec,
};

/// Who refers to what, with every section resolved.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: BTreeMap<Address, Node>,
    edges: BTreeSet<(Address, Address)>,
    work: usize,
}

/// What the graph knows of one instance.
#[derive(Clone, Debug, Default)]
struct Node {
    section: Option<Tree>,
    consumers: Vec<Address>,
    uses: BTreeSet<Address>,
    waits: BTreeMap<Address, BTreeSet<String>>,
    makers: BTreeSet<Address>,
}

impl Graph {
    /// Resolves every section of a completed spec (`Catalog::complete`). `offered` is what the plugins answered to
    /// `outputs`; an instance whose plugin gave no answer is left out of it, and references to it are not looked into.
    /// Without a host file, as in `check`, folders and addresses stay as they are.
    ///
    /// # Errors
    /// All of: outputs that nobody offers, rings, tables within strings, folders that the host file lacks, places that
    /// can't be reached from where the consumer stands.
    pub fn new(
        spec: &Spec,
        catalog: &Catalog,
        offered: &BTreeMap<Address, Offered>,
        host_file: Option<&HostFile>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut outputs = outputs::Outputs::new(spec, offered);
        let mut graph = Self::default();
        let mut diagnostics = Vec::new();
        for instance in &spec.instances {
            let resolving = section::Resolving { spec, catalog, host_file, instance };
            let node = resolving.resolve(&mut outputs, &mut diagnostics);
            graph.nodes.insert(instance.address.clone(), node);
        }
        graph.work = outputs.work();
        graph.connect();
        if diagnostics.iter().any(Diagnostic::is_error) { Err(diagnostics) } else { Ok(graph) }
    }

    /// The other direction of what each section says.
    fn connect(&mut self) {
        let mut consumers: BTreeMap<Address, Vec<Address>> = BTreeMap::new();
        for (address, node) in &self.nodes {
            for used in &node.uses {
                consumers.entry(used.clone()).or_default().push(address.clone());
            }
            self.edges.extend(node.waits.keys().map(|first| (first.clone(), address.clone())));
        }
        for (address, node) in &mut self.nodes {
            node.consumers = consumers.remove(address).unwrap_or_default();
        }
    }

    /// The section with every output filled in that is no secret and is known; what is left are references to what
    /// instances make.
    pub fn section(&self, address: &Address) -> Option<&Tree> {
        self.nodes.get(address)?.section.as_ref()
    }

    /// Instances whose sections refer to this one, in the order of their addresses.
    pub fn consumers(&self, address: &Address) -> &[Address] {
        self.nodes.get(address).map(|node| node.consumers.as_slice()).unwrap_or_default()
    }

    /// Instances that this one's section refers to.
    pub fn uses(&self, address: &Address) -> impl Iterator<Item = &Address> {
        self.nodes.get(address).into_iter().flat_map(|node| &node.uses)
    }

    /// Instances that make something which this one's section holds, however many outputs lie between. While one of
    /// these values has to be made or replaced, this instance is planned after its maker.
    pub fn makers(&self, address: &Address) -> impl Iterator<Item = &Address> {
        self.nodes.get(address).into_iter().flat_map(|node| &node.makers)
    }

    /// Whose actions come first, and of which things (keys): those that make true what this one's section says.
    pub fn waits(&self, address: &Address) -> impl Iterator<Item = (&Address, &BTreeSet<String>)> {
        self.nodes.get(address).into_iter().flat_map(|node| &node.waits)
    }

    /// All of [`Graph::waits`] as pairs: who comes first, who then.
    pub fn edges(&self) -> &BTreeSet<(Address, Address)> {
        &self.edges
    }

    /// How many nodes and references were looked at: what the work of [`Graph::new`] grows with.
    pub fn work(&self) -> usize {
        self.work
    }
}

#[cfg(test)]
mod tests;
