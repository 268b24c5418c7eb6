//! A spec as it stands in its file, and the contracts that it names.

use super::Plugins;
use crate::{
    cache::{KeyMaker, Slot},
    contract::Contracts,
    diagnostic::Source,
    exit::{Ended, Exit},
    model::{Diagnostic, HostFile},
    plugin::Runtime,
    spec::{self, Spec, SpecArgs},
};

/// Which machine a spec is looked at for.
#[derive(Clone, Copy, Debug)]
pub enum Machine<'a> {
    /// None that is known: what the spec wants from a host file stays open.
    Elsewhere,
    /// This one; its host file, and the text of that.
    Here(&'a HostFile, &'a Source),
}

/// What was read.
pub struct Read {
    pub(super) spec: Spec,
    pub(super) contracts: Contracts,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// `--set`
    set: Vec<String>,
}

/// Reads a spec.
pub fn read(args: &SpecArgs) -> Result<Read, Ended> {
    let (spec, mut diagnostics) = spec::read_with(&args.spec, &args.set).map_err(|error| {
        Ended::new(Exit::Invalid, format!("the spec {} can't be read: {error:#}", args.spec.display()))
    })?;
    let (contracts, problems) = Contracts::load(&spec);
    diagnostics.extend(problems);
    tracing::debug!("the spec is read");
    Ok(Read { spec, contracts, diagnostics, set: args.set.clone() })
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

    /// Where what is found out of this spec on this machine is kept. It is made of the spec, its contracts, `--set`, the
    /// host file and `more`.
    pub(super) fn slot(&self, what: &str, machine: Machine<'_>, more: impl IntoIterator<Item = String>) -> Slot {
        let Self { spec, contracts, set, .. } = self;
        let host_file = match machine {
            Machine::Elsewhere => None,
            Machine::Here(_, source) => Some(source),
        };
        let place = KeyMaker::place(what).and_path(&spec.path).and_each(host_file.map(|source| &source.name));
        let contracts = contracts.sources().into_iter().map(|(name, source)| format!("{name}\0{}", source.text));
        let made_of = KeyMaker::of(what)
            .and(spec.text.as_bytes())
            .and_each(contracts)
            .and_each(set)
            .and_each(host_file.map(|source| source.text.as_bytes()))
            .and_each(more);
        Slot { place: place.finish(), made_of: made_of.finish() }
    }
}
