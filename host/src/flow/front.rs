//! The front end: all that can be said of a spec before anything is observed.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use super::{Machine, Plugins, Read, known::Known, offer};
use crate::{
    cache::Cache,
    contract::{Contracts, hold},
    diagnostic::Sources,
    exit::Ended,
    model::{Diagnostic, Offered, Place, value::Address},
    reference::{Graph, Views},
    schema::Catalog,
    spec::Spec,
};

/// A spec, completed and checked.
pub struct Front {
    /// With defaults and tables of contracts filled in.
    pub spec: Spec,
    /// Contracts that it names.
    pub contracts: Contracts,
    /// Descriptions of its plugins.
    pub catalog: Catalog,
    /// The plugins.
    pub plugins: Plugins,
    /// For underlining.
    pub sources: Sources,
    /// What each instance offers, for those whose plugin could be asked.
    pub offered: BTreeMap<Address, Offered>,
    /// Who refers to what; none when a mistake kept it from being made.
    pub graph: Option<Graph>,
    /// Everything there is to say, errors and warnings.
    pub diagnostics: Vec<Diagnostic>,
}

/// Completes and checks a spec: everything that is wrong with it, at once.
pub fn front(read: Read, plugins: Plugins, cache: &Cache, machine: Machine<'_>) -> Result<Front, Ended> {
    let slot = Known::slot(&read, &plugins, machine);
    let Read { mut spec, contracts, mut diagnostics, .. } = read;
    let catalog = Catalog::new(plugins.iter().map(|loaded| Arc::clone(loaded.plugin.description())));
    let incomplete = catalog.complete(&mut spec, &contracts);
    let host_file = match machine {
        Machine::Elsewhere => None,
        Machine::Here(host_file, _) => Some(host_file),
    };
    let views = Views { spec: &spec, catalog: &catalog, contracts: &contracts, host_file };
    let Known { diagnostics: found, offered } = match cache.recall(&slot) {
        Some(known) => known,
        None => {
            let found = look(&views, &plugins, incomplete, &diagnostics)?;
            if !diagnostics.iter().chain(&found.diagnostics).any(Diagnostic::is_error) {
                cache.keep(&slot, &found);
            }
            found
        }
    };
    diagnostics.extend(found);
    tracing::debug!("outputs are known");
    let graph = match Graph::new(&spec, &catalog, &offered, host_file) {
        Ok(graph) => Some(graph),
        Err(problems) => {
            diagnostics.extend(problems);
            None
        }
    };
    let sources = Sources { spec: Some(spec.source()), contracts: contracts.sources(), host_file: None };
    Ok(Front { spec, contracts, catalog, plugins, sources, offered, graph, diagnostics })
}

/// Holds a completed spec against schemas and contracts, and asks the plugins. `incomplete` and `read` are what has been
/// said already.
fn look(
    views: &Views<'_>,
    plugins: &Plugins,
    incomplete: Vec<Diagnostic>,
    read: &[Diagnostic],
) -> Result<Known, Ended> {
    let Views { spec, catalog, contracts, host_file } = *views;
    let mut diagnostics = incomplete;
    diagnostics.extend(catalog.check(spec));
    let wrong = wrong(read.iter().chain(&diagnostics));
    diagnostics.extend(hold(spec, catalog, contracts));
    diagnostics.extend(host_file.into_iter().flat_map(|host_file| host_file.check_kinds(catalog)));
    tracing::debug!("the spec is held against schemas and contracts");
    let (offered, problems) = offer::offers(views, plugins, &wrong)?;
    diagnostics.extend(problems);
    Ok(Known { diagnostics, offered })
}

/// Instances about which an error has been said: their plugins are not asked, for a section that is not as its schema
/// wants it is nothing that a plugin has to understand.
fn wrong<'a>(diagnostics: impl Iterator<Item = &'a Diagnostic>) -> HashSet<Address> {
    let errors = diagnostics.filter(|diagnostic| diagnostic.is_error());
    let addresses = errors.filter_map(|diagnostic| match &diagnostic.place {
        Place::Instance(address, _) => Some(address.clone()),
        _ => None,
    });
    addresses.collect()
}

impl Front {
    /// Whether anything is wrong.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}
