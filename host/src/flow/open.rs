//! Reads files, takes up state and store, loads plugins.

use std::{io::IsTerminal, path::Path, sync::Arc};

use anyhow::Context;
use sha2::{Digest, Sha256};

use super::{Flow, Machine, Plugins, Read, front, prefetch::Ahead, read};
use crate::{
    cache::Cache,
    diagnostic::{Source, Sources, render},
    exit::{Ended, Exit},
    hex::hex,
    host_file,
    model::{Diagnostic, HostFile, Place, Segment},
    plan::Binding,
    plugin::Runtime,
    spec::{Spec, SpecArgs},
    words,
    world::{Connections, Memo, State, World, vault::Vault},
};

/// What a command is going to do with a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Plan and no more: what the plugins will want to know is asked while these are made ready.
    Plan,
    /// Look at files and state alone, or change something: what is asked before the lock is held may have changed since.
    Other,
}

impl Flow {
    /// Everything up to the first observation. Mistakes in the user's files are printed, all of them.
    pub async fn open(args: &SpecArgs, host: &Path, purpose: Purpose) -> Result<Self, Ended> {
        let cache = Cache::default_directory();
        let flow = Self::open_with(args, host, purpose, &cache, &|| Runtime::new(&cache)).await?;
        // The process ends with the flow, and gives everything back at once: unmapping code piece by piece takes longer.
        flow.plugins.iter().for_each(|loaded| std::mem::forget(Arc::clone(loaded)));
        Ok(flow)
    }

    /// The same, with plugins run by something else than usual, and results kept elsewhere.
    pub async fn open_with(
        args: &SpecArgs,
        host: &Path,
        purpose: Purpose,
        cache: &Path,
        runtime: &(dyn Fn() -> anyhow::Result<Runtime> + Sync),
    ) -> Result<Self, Ended> {
        let cache = Cache::open(cache)?;
        let Files { read, host_file, host_source, host_problems } = Files::read(args, host, &cache)?;
        let machine = Machine::Here(&host_file, &host_source);
        let (learned, memo) = (Arc::default(), Memo::default());
        let connections = Connections::new(Arc::clone(&host_file), &learned);
        let ahead = (purpose == Purpose::Plan && !read.has_errors())
            .then(|| Ahead::begin(&read, machine, &cache, &connections, &memo));
        let plugins = tokio::task::block_in_place(|| read.plugins(&runtime()?, Some(&host_file)))?;
        let front = tokio::task::block_in_place(|| front(read, plugins, &cache, machine))?;
        let binding = binding(args, host, &front.spec, &host_source, &front.plugins)?;
        let mut sources = front.sources;
        sources.host_file = Some(host_source);
        let mut warnings: Vec<Diagnostic> = host_problems.into_iter().chain(front.diagnostics).collect();
        refuse_errors(&warnings, &sources)?;
        tracing::debug!("the spec is sound");
        let state = Arc::new(State::open(&host_file.state, &front.spec.stack)?);
        let vault = Vault::open_with(Arc::clone(&host_file), &front.spec.stack, Arc::clone(&state), learned)?;
        for (address, offered) in &front.offered {
            vault.declare(address, &offered.makes);
        }
        warnings.extend(vault.warnings().into_iter().map(of_the_store));
        let world = known_to_the_sink(World { host_file: Arc::clone(&host_file), connections, vault, state, memo });
        Ok(Self {
            host_file,
            world,
            spec: front.spec,
            contracts: front.contracts,
            catalog: front.catalog,
            binding,
            plugins: front.plugins,
            offered: front.offered,
            graph: front.graph.context("the references could not be resolved")?,
            sources,
            warnings,
            ahead,
        })
    }
}

/// From here on nothing goes out without being held against what this world's vault knows.
pub(super) fn known_to_the_sink(world: World) -> Arc<World> {
    let world = Arc::new(world);
    let known = Arc::clone(&world);
    words::sink::install(move |text| known.vault.cleaned(text));
    world
}

/// The user's two files.
struct Files {
    read: Read,
    host_file: Arc<HostFile>,
    host_source: Source,
    host_problems: Vec<Diagnostic>,
}

impl Files {
    /// The spec is read while the host file is. Mistakes in that are told first.
    fn read(args: &SpecArgs, host: &Path, cache: &Cache) -> Result<Self, Ended> {
        let (machine, read) = std::thread::scope(|scope| {
            let read = scope.spawn(|| read(args));
            (machine(host, cache), read.join())
        });
        let (host_file, host_source, host_problems) = machine?;
        let read = read.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        Ok(Self { read, host_file, host_source, host_problems })
    }
}

/// The host file, when there is no mistake in it.
pub(super) fn machine(host: &Path, cache: &Cache) -> Result<(Arc<HostFile>, Source, Vec<Diagnostic>), Ended> {
    let (host_file, source, problems) = host_file::read_with(host, Some(cache)).map_err(anyhow::Error::new)?;
    refuse_errors(&problems, &Sources { host_file: Some(source.clone()), ..Sources::default() })?;
    tracing::debug!("the host file is sound");
    Ok((Arc::new(host_file), source, problems))
}

/// What a plan is made from, before anything is observed.
fn binding(args: &SpecArgs, host: &Path, spec: &Spec, host_file: &Source, plugins: &Plugins) -> Result<Binding, Ended> {
    let digest = |text: &str| hex(&Sha256::digest(text));
    Ok(Binding {
        spec_path: absolute(&args.spec)?,
        spec: digest(&spec.text),
        set: args.set.clone(),
        host_file_path: absolute(host)?,
        host_file: digest(&host_file.text),
        loaded: plugins.iter().map(|loaded| (loaded.name.clone(), loaded.identity())).collect(),
        ..Binding::default()
    })
}

fn of_the_store(message: String) -> Diagnostic {
    let recipients = ["store", "recipients"].map(|key| Segment::Key(key.to_owned()));
    Diagnostic::warning(Place::HostFile(recipients.to_vec()), message)
}

/// Prints all messages when there is an error among them.
pub fn refuse_errors(diagnostics: &[Diagnostic], sources: &Sources) -> Result<(), Ended> {
    if diagnostics.iter().any(Diagnostic::is_error) {
        say(diagnostics, sources);
        return Err(Ended::said(Exit::Invalid));
    }
    Ok(())
}

/// Prints messages to standard error, with the places underlined.
pub fn say(diagnostics: &[Diagnostic], sources: &Sources) {
    if diagnostics.is_empty() {
        return;
    }
    let width = if std::io::stderr().is_terminal() { 100 } else { 120 };
    crate::render::tell(render(diagnostics, sources, width, true));
}

fn absolute(path: &Path) -> Result<std::path::PathBuf, Ended> {
    Ok(std::path::absolute(path).with_context(|| format!("{} has no absolute path", path.display()))?)
}
