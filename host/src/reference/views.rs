//! Instances as plugins are handed them.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use super::{Graph, picked};
use crate::{
    contract::Contracts,
    model::{
        ConnectionSettings, ConnectionView, ConsumerView, Description, Diagnostic, HostFile, InstanceView, Offered,
        ReferenceInfo, Thing, WriteMode,
        value::{Address, Target, Tree},
    },
    schema::{Catalog, Known},
    spec::{Instance, Spec},
};

/// What views are made from.
#[derive(Clone, Copy, Debug)]
pub struct Views<'a> {
    /// Completed.
    pub spec: &'a Spec,
    /// Descriptions of the plugins.
    pub catalog: &'a Catalog,
    /// Contracts that the spec names.
    pub contracts: &'a Contracts,
    /// None offline: then connections have no settings.
    pub host_file: Option<&'a HostFile>,
}

impl Views<'_> {
    /// For `check` and `outputs`: every reference is opaque, and nothing is known of who refers to whom.
    ///
    /// # Errors
    /// A connection that can't be picked.
    pub fn offline(&self, instance: &Instance) -> Result<InstanceView, Vec<Diagnostic>> {
        let known = Known { catalog: self.catalog, offered: None, host_file: self.host_file };
        Ok(InstanceView {
            address: instance.address.clone(),
            stack: self.spec.stack.clone(),
            references: references(&instance.section, &known, &|_| false),
            section: instance.section.clone(),
            makes: Vec::new(),
            connections: self.connections(instance)?,
            contract: self.contract(&instance.address),
            consumers: Vec::new(),
            owned: Vec::new(),
        })
    }

    /// For `plan`: outputs are filled in, and what is left are references to what instances make. `available` says
    /// whether a made value is there and no step of this plan replaces it; `owned` is what state has.
    ///
    /// # Errors
    /// A connection that can't be picked.
    pub fn resolved(
        &self,
        instance: &Instance,
        graph: &Graph,
        offered: &BTreeMap<Address, Offered>,
        available: &dyn Fn(&Target) -> bool,
        owned: Vec<(Thing, bool)>,
    ) -> Result<InstanceView, Vec<Diagnostic>> {
        let address = &instance.address;
        let known = Known { catalog: self.catalog, offered: Some(offered), host_file: self.host_file };
        let section = graph.section(address).unwrap_or(&instance.section).clone();
        let consumers = graph.consumers(address);
        let makes = offered.get(address).map(|offered| offered.makes.as_slice()).unwrap_or_default();
        let makes = makes.iter().map(|making| Target::Made(address.clone(), making.name().to_owned()));
        Ok(InstanceView {
            address: address.clone(),
            stack: self.spec.stack.clone(),
            references: references(&section, &known, available),
            makes: makes.map(|target| with_info(target, &known, available)).collect(),
            section,
            connections: self.connections(instance)?,
            contract: self.contract(address),
            consumers: consumers.iter().map(|consumer| self.consumer(consumer)).collect(),
            owned,
        })
    }

    fn contract(&self, address: &Address) -> Option<Arc<Tree>> {
        let contract = self.contracts.of_or_of_user(address)?;
        let description = self.catalog.description(address.kind());
        Some(description.map_or_else(|| Arc::clone(&contract.tree), |plugin| plugin.of_contract(&contract.tree)))
    }

    fn connections(&self, instance: &Instance) -> Result<Vec<ConnectionView>, Vec<Diagnostic>> {
        let Some(description) = self.catalog.description(instance.address.kind()) else { return Ok(Vec::new()) };
        match self.host_file {
            Some(host_file) => Ok(picked(instance, description, host_file)?.into_iter().map(view).collect()),
            None => Ok(stand_ins(instance, description)),
        }
    }

    fn consumer(&self, address: &Address) -> ConsumerView {
        let picked = self.host_file.and_then(|host_file| {
            let description = self.catalog.description(address.kind())?;
            picked(self.spec.instance(address)?, description, host_file).ok()
        });
        let names = picked.unwrap_or_default().into_iter().map(|connection| connection.name.clone());
        ConsumerView { address: address.clone(), connections: names.collect() }
    }
}

/// Every target once, in order.
fn references(section: &Tree, known: &Known<'_>, available: &dyn Fn(&Target) -> bool) -> Vec<(Target, ReferenceInfo)> {
    let mut seen = HashSet::new();
    let targets = section.targets().into_iter().filter(|target| seen.insert(*target));
    targets.map(|target| with_info(target.clone(), known, available)).collect()
}

fn with_info(target: Target, known: &Known<'_>, available: &dyn Fn(&Target) -> bool) -> (Target, ReferenceInfo) {
    let available = available(target.source());
    let info = known.info(&target, available);
    (target, info)
}

/// Settings without verbs: commands are nobody's business but the operator's. A plugin is told of `write = "print"`:
/// what it would write may be there already, in a file that is not its own.
fn view(connection: &ConnectionSettings) -> ConnectionView {
    let mut settings = connection.settings.clone();
    if let (WriteMode::Print, Tree::Table(entries)) = (connection.write, &mut settings) {
        entries.push(("write".to_owned(), Tree::literal("print")));
    }
    ConnectionView { name: connection.name.clone(), kind: connection.kind.clone(), settings }
}

/// Offline nobody knows which connection it will be: the name that the section gives, else the kind, stands in.
fn stand_ins(instance: &Instance, description: &Description) -> Vec<ConnectionView> {
    let wants =
        description.connections.iter().filter(|want| want.required || instance.section.get(&want.field).is_some());
    let stand_in = |want: &crate::model::ConnectionWant| {
        let kind = want.kinds.first().cloned().unwrap_or_default();
        let name = instance.section.get(&want.field).and_then(Tree::as_str).unwrap_or(&kind).to_owned();
        ConnectionView { name, kind, settings: Tree::Table(Vec::new()) }
    };
    wants.map(stand_in).collect()
}
