//! The front end: all that can be said of a spec before anything is observed.

use std::collections::{BTreeMap, HashSet};

use super::{Plugins, offer};
use crate::{
    contract::{Contracts, hold},
    diagnostic::{Diagnostic, Place, Sources},
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
    Elsewhere {
        /// Names plugins by others, for kinds that are not built in; nothing else of it is looked at.
        plugins: Option<&'a HostFile>,
    },
    /// This one.
    Here(&'a HostFile),
}

/// A spec as it stands in its file, and the contracts that it names.
pub struct Read {
    spec: Spec,
    contracts: Contracts,
    diagnostics: Vec<Diagnostic>,
}

/// Reads a spec.
pub fn read(args: &SpecArgs) -> Result<Read, Ended> {
    let (spec, mut diagnostics) = spec::read_with(&args.spec, &args.set).map_err(|error| {
        Ended::new(Exit::Invalid, format!("the spec {} can't be read: {error}", args.spec.display()))
    })?;
    let (contracts, problems) = Contracts::load(&spec);
    diagnostics.extend(problems);
    tracing::debug!("the spec is read");
    Ok(Read { spec, contracts, diagnostics })
}

/// Completes and checks a spec: everything that is wrong with it, at once.
pub fn front(read: Read, runtime: &Runtime, machine: Machine<'_>) -> Result<Front, Ended> {
    let Read { mut spec, contracts, mut diagnostics } = read;
    let (host_file, plugins_from) = match machine {
        Machine::Elsewhere { plugins } => (None, plugins),
        Machine::Here(host_file) => (Some(host_file), Some(host_file)),
    };
    let kinds: Vec<&str> = spec.index.kinds().collect();
    let plugins = Plugins::load(runtime, &kinds, plugins_from)?;
    tracing::debug!("plugins are loaded");
    let catalog = Catalog::new(plugins.iter().map(|loaded| loaded.plugin.description().clone()));
    diagnostics.extend(catalog.complete(&mut spec, &contracts));
    let wrong = wrong(&diagnostics);
    diagnostics.extend(hold(&spec, &catalog, &contracts));
    diagnostics.extend(host_file.into_iter().flat_map(|host_file| host_file.check_kinds(&catalog)));
    let views = Views { spec: &spec, catalog: &catalog, contracts: &contracts, host_file };
    tracing::debug!("the spec is held against schemas and contracts");
    let (offered, problems) = offer::offers(&views, &plugins, &wrong)?;
    diagnostics.extend(problems);
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

/// Instances about which an error has been said: their plugins are not asked, for a section that is not as its schema
/// wants it is nothing that a plugin has to understand.
fn wrong(diagnostics: &[Diagnostic]) -> HashSet<Address> {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error());
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
