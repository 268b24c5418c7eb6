//! The front end: all that can be said of a spec before anything is observed.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use super::{
    Plugins,
    known::{Keys, Known},
    offer,
};
use crate::{
    cache::Cache,
    contract::{Contracts, hold},
    diagnostic::{Diagnostic, Place, Source, Sources},
    exit::{Ended, Exit},
    host_file::HostFile,
    plugin::{Offered, Runtime},
    reference::{Graph, Views},
    schema::Catalog,
    spec::{self, Spec, SpecArgs},
    value::Address,
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

/// Which machine a spec is looked at for.
#[derive(Clone, Copy, Debug)]
pub enum Machine<'a> {
    /// None that is known: what the spec wants from a host file stays open.
    Elsewhere,
    /// This one; its host file, and the text of that.
    Here(&'a HostFile, &'a Source),
}

/// A spec as it stands in its file, and the contracts that it names.
pub struct Read {
    pub(super) spec: Spec,
    pub(super) contracts: Contracts,
    /// `--set`
    pub(super) set: Vec<String>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// Reads a spec.
pub fn read(args: &SpecArgs) -> Result<Read, Ended> {
    let (spec, mut diagnostics) = spec::read_with(&args.spec, &args.set).map_err(|error| {
        Ended::new(Exit::Invalid, format!("the spec {} can't be read: {error}", args.spec.display()))
    })?;
    let (contracts, problems) = Contracts::load(&spec);
    diagnostics.extend(problems);
    tracing::debug!("the spec is read");
    Ok(Read { spec, contracts, set: args.set.clone(), diagnostics })
}

impl Read {
    /// Whether anything is wrong already.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// Loads the plugins of its kinds; those by others from where a host file says.
    pub fn plugins(&self, runtime: &Runtime, host_file: Option<&HostFile>) -> Result<Plugins, Ended> {
        let kinds: Vec<&str> = self.spec.index.kinds().collect();
        let plugins = Plugins::load(runtime, &kinds, host_file)?;
        tracing::debug!("plugins are loaded");
        Ok(plugins)
    }
}

/// Completes and checks a spec: everything that is wrong with it, at once.
pub fn front(read: Read, plugins: Plugins, cache: &Cache, machine: Machine<'_>) -> Result<Front, Ended> {
    let keys = Keys::new(&read, &plugins, machine);
    let Read { mut spec, contracts, mut diagnostics, .. } = read;
    let catalog = Catalog::new(plugins.iter().map(|loaded| Arc::clone(loaded.plugin.description())));
    let incomplete = catalog.complete(&mut spec, &contracts);
    let host_file = match machine {
        Machine::Elsewhere => None,
        Machine::Here(host_file, _) => Some(host_file),
    };
    let views = Views { spec: &spec, catalog: &catalog, contracts: &contracts, host_file };
    let Known { diagnostics: found, offered } = match Known::recall(cache, &keys) {
        Some(known) => known,
        None => {
            let found = look(&views, &plugins, incomplete, &diagnostics)?;
            if !diagnostics.iter().any(Diagnostic::is_error) {
                found.keep(cache, &keys);
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
