//! A stack as its state knows it: for commands that take things away or forget them. They ask no plugin, and work when the
//! spec is no longer right, or no longer there, and when a plugin is gone.

use std::{path::Path, sync::Arc};

use super::open::{known_to_the_sink, machine};
use crate::{
    cache::Cache,
    diagnostic::listed,
    exit::{Ended, Exit},
    model::{HostFile, value::Address},
    spec::{self, Instance},
    words::printable,
    world::{Connections, Memo, State, World, vault::Vault},
};

/// A stack without its plugins.
pub struct Recorded {
    /// The outside. Everything that the stack's instances made is known to its vault.
    pub world: Arc<World>,
    /// `[stack] name`
    pub stack: String,
    /// What the spec has, as far as it can be read.
    instances: Vec<Instance>,
}

impl Recorded {
    /// Takes up the state of a stack that is given by its spec, or by its name.
    ///
    /// # Errors
    /// The host file is not sound; neither the spec nor the state says which stack is meant.
    pub fn open(given: &Path, host: &Path) -> Result<Self, Ended> {
        let (host_file, ..) = machine(host, &Cache::open(&Cache::default_directory())?)?;
        let (stack, instances) = match spec::read_with(given, &[]) {
            Ok((spec, _)) if spec::is_stack(&spec.stack) => (spec.stack, spec.instances),
            Ok(_) => return Err(unnamed(given, "does not say what its stack is called", &host_file)),
            Err(error) => (by_name(given, &host_file, &error)?, Vec::new()),
        };
        let state = Arc::new(State::open(&host_file.state, &stack)?);
        let learned = Arc::default();
        let connections = Connections::new(Arc::clone(&host_file), &learned);
        let vault = Vault::open_with(Arc::clone(&host_file), &stack, Arc::clone(&state), learned)?;
        for record in state.instances()? {
            vault.declare(&record.address, &state.makings(&record.address)?);
        }
        let world = known_to_the_sink(World { host_file, connections, vault, state, memo: Memo::default() });
        Ok(Self { world, stack, instances })
    }

    /// Whether the spec has an instance of this address.
    pub fn is_in_spec(&self, address: &Address) -> bool {
        self.instances.iter().any(|instance| &instance.address == address)
    }
}

/// What was given is no file that can be read: it may be the name of a stack that has a state.
fn by_name(given: &Path, host_file: &HostFile, error: &anyhow::Error) -> Result<String, Ended> {
    let known = State::stacks(&host_file.state);
    match given.to_str().filter(|name| known.iter().any(|known| known == name)) {
        Some(name) => Ok(name.to_owned()),
        None => Err(unnamed(given, &format!("can't be read: {error:#}"), host_file)),
    }
}

fn unnamed(given: &Path, why: &str, host_file: &HostFile) -> Ended {
    let known = State::stacks(&host_file.state);
    let help = match known.as_slice() {
        [] => format!("{} has no state of any stack", host_file.state.display()),
        known => format!(
            "a stack can be given by its name instead: {} has {}",
            host_file.state.display(),
            listed(known.iter().map(String::as_str))
        ),
    };
    let message = format!("the spec {} {why}; nothing was changed\n  {help}", printable(&given.display().to_string()));
    Ended::new(Exit::Invalid, message)
}
