//! The front end: all that can be said of a spec before anything is observed.

use std::collections::BTreeMap;

use super::{Plugins, offer};
use crate::{
    cli::{Ended, Exit, SpecArgs},
    contract::{Contracts, hold},
    diagnostic::{Diagnostic, Sources},
    host_file::HostFile,
    plugin::{Offered, Runtime},
    reference::{Graph, Views},
    schema::Catalog,
    spec::{self, Spec},
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

/// Reads, completes and checks a spec. With a host file references to it are resolved; without one, as `check` does it,
/// they stay open.
pub fn front(args: &SpecArgs, runtime: &Runtime, host_file: Option<&HostFile>) -> Result<Front, Ended> {
    let (mut spec, mut diagnostics) = spec::read_with(&args.spec, &args.set)
        .map_err(|error| Ended::new(Exit::Invalid, format!("the spec {} can't be read: {error}", args.spec.display())))?;
    let (contracts, problems) = Contracts::load(&spec);
    diagnostics.extend(problems);
    let kinds: Vec<&str> = spec.index.kinds().collect();
    let plugins = Plugins::load(runtime, &kinds, host_file)?;
    let catalog = Catalog::new(plugins.iter().map(|loaded| loaded.plugin.description().clone()));
    diagnostics.extend(catalog.complete(&mut spec, &contracts));
    diagnostics.extend(hold(&spec, &catalog, &contracts));
    diagnostics.extend(host_file.into_iter().flat_map(|host_file| host_file.check_kinds(&catalog)));
    let sources = Sources { spec: Some(spec.source()), contracts: contracts.sources(), host_file: None };
    let mut front = Front {
        spec,
        contracts,
        catalog,
        plugins,
        sources,
        offered: BTreeMap::new(),
        graph: None,
        diagnostics,
    };
    if front.has_errors() {
        return Ok(front);
    }
    let views = Views {
        spec: &front.spec,
        catalog: &front.catalog,
        contracts: &front.contracts,
        host_file,
    };
    let (offered, problems) = offer::offers(&views, &front.plugins)?;
    front.diagnostics.extend(problems);
    front.offered = offered;
    match Graph::new(&front.spec, &front.catalog, &front.offered, host_file) {
        Ok(graph) => front.graph = Some(graph),
        Err(problems) => front.diagnostics.extend(problems),
    }
    Ok(front)
}

impl Front {
    /// Whether anything is wrong.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}
