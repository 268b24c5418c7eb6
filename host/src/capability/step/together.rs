//! What no step can tell of itself: what several steps of a plan do to one another, and what the world has to say before
//! any of them runs.

use std::collections::{HashMap, hash_map::Entry};

use zeroize::Zeroizing;

use super::{Part, Step};
use crate::{
    capability::{
        Acting, Gate, StepFailure, StepKind,
        containers::{EngineQuestion, Moment, Mounting, mounting, overlapping},
        files,
    },
    document,
    model::{
        Failure,
        desired::Definition,
        value::{Address, Target},
    },
    world::{State, World},
};

impl Step {
    /// The containers that it makes, with the connection to their engine, however deep they stand.
    fn containers_made(&self) -> impl Iterator<Item = (&str, &Definition)> {
        self.parts().into_iter().filter_map(|part| match part {
            Part::Step(Step::ContainerCreate(step)) => Some((step.connection.as_str(), step.definition.as_ref())),
            Part::Step(_) | Part::Condition(_) => None,
        })
    }

    /// Fills in what it names by a word that can come to stand for something else: an image's name. A reviewer sees the
    /// identifier, a saved plan is bound to it, and the container is created by it. An image that is not there stays
    /// without one: its plugin says so, and the step refuses.
    ///
    /// # Errors
    /// The engine does not answer, or the instance may not ask it.
    pub async fn pin(&mut self, gate: &Gate, world: &World) -> Result<(), Failure> {
        match self {
            Step::ContainerCreate(step) => {
                let permit = gate.engine(EngineQuestion { connection: step.connection.clone() })?;
                step.definition.image_id = world.image_digest(&permit, &step.definition.image).await?;
            }
            Step::Unless(around) => Box::pin(around.step.pin(gate, world)).await?,
            _ => {}
        }
        Ok(())
    }

    /// Whether [`Step::pin`] has something to fill in.
    pub fn names_what_can_change(&self) -> bool {
        self.containers_made().next().is_some()
    }

    /// Fills in which files by others it puts its own in place of, in an action that adopts: these very ones. Where none is
    /// filled in, the step refuses.
    ///
    /// # Errors
    /// One can't be read, or the instance may not write it.
    pub fn adopt(&mut self, gate: &Gate, world: &World) -> Result<(), Failure> {
        let mut adopted = Ok(());
        self.each_mut(&mut |step| {
            let Step::FileWrite(wanted) = step else { return };
            let found = gate.file_write(wanted.clone()).map_err(Failure::from);
            match found.and_then(|permit| world.file_by_others(&permit)) {
                Ok(found) => wanted.adopts = found,
                Err(failure) => adopted = Err(failure),
            }
        });
        adopted
    }

    /// The file by others that it would have to write, and that no action adopts.
    pub fn file_by_others(&self, gate: &Gate, world: &World) -> Option<&str> {
        let Step::FileWrite(wanted) = self else { return None };
        let found = world.file_by_others(&gate.file_write(wanted.clone()).ok()?).ok()??;
        (wanted.adopts != Some(found)).then_some(wanted.path.as_str())
    }

    /// The path that it changes, and why nobody can; none when it can be.
    pub fn unwritable(&self, gate: &Gate) -> Option<(&str, String)> {
        let path = self.facts().path?;
        let permit = gate.path_change(path.to_owned()).ok()?;
        Some((path, files::unwritable(permit.subject())?))
    }

    /// Why the language of the file that it writes can't carry a value. A secret that is made by this plan fits everywhere.
    pub fn unfit_value(&self, world: &World) -> Option<String> {
        let Step::FileWrite(wanted) = self else { return None };
        let reveal = |target: &Target| match target {
            // A digest fits everywhere as well, and takes its time.
            Target::Derived(form, _) if form.is_salted() => Ok(Zeroizing::new(String::new())),
            target => world.vault.reveal(target),
        };
        match document::render(&wanted.content, &reveal) {
            Err(Failure::Other(why)) => Some(format!("{}: {}", wanted.path, world.vault.redact(&why))),
            _ => None,
        }
    }

    /// Has state forget that this stack wrote the path that it changes: from here on it is somebody else's. That a secret
    /// was written there stays known.
    ///
    /// # Errors
    /// State can't be written.
    pub fn forget_written(&self, of: &Address, state: &State) -> anyhow::Result<()> {
        let mut paths = self.parts().into_iter().filter_map(Part::step).filter_map(|step| step.facts().path);
        paths.try_for_each(|path| {
            state.set_place(&files::whole_place(path), None)?;
            state.set_place(&files::block_place(path, of), None)
        })
    }

    /// Whether it makes a secret of the store.
    pub fn makes_secret(&self) -> bool {
        matches!(self, Step::SecretGenerate(_))
    }
}

/// A port that two containers would publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedPort {
    /// Who comes later in the plan.
    pub later: Address,
    /// Who comes first.
    pub first: Address,
    /// The port of this machine.
    pub port: u16,
}

/// Ports of this machine that two new containers of one stack would publish: neither of them has it yet, so that no
/// plugin can see the other.
pub fn shared_ports<'a>(steps: impl Iterator<Item = (&'a Address, &'a Step)>) -> Vec<SharedPort> {
    let mut publishers: HashMap<(&str, Option<&str>, u16), &Address> = HashMap::new();
    let mut shared = Vec::new();
    for (address, step) in steps {
        for (connection, definition) in step.containers_made() {
            for port in &definition.ports {
                let published = (connection, port.host_address.as_deref(), port.host);
                match publishers.insert(published, address) {
                    Some(first) if first != address => {
                        shared.push(SharedPort { later: address.clone(), first: first.clone(), port: port.host });
                    }
                    _ => {}
                }
            }
        }
    }
    shared
}

/// Folders of containers that these steps make which lie inside a folder that another container writes, or around one
/// that another container mounts; in words, with whose they are.
///
/// # Errors
/// An engine does not answer.
pub async fn overlapping_mounts<'a>(
    steps: impl Iterator<Item = (Acting<'a>, &'a Step)>,
) -> Result<Vec<(Address, String)>, StepFailure> {
    let mut overlaps = Vec::new();
    // Each engine is asked once, however many containers are made.
    let mut engines: HashMap<&str, Vec<Mounting>> = HashMap::new();
    for (acting, step) in steps {
        for (connection, definition) in step.containers_made().filter(|(_, made)| !made.mounts.is_empty()) {
            let all = match engines.entry(connection) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(mounting(&acting, connection).await?),
            };
            let name = definition.lasting_name();
            if let Some(overlap) = overlapping(&acting, name, &definition.mounts, Moment::Making, all) {
                overlaps.push((acting.gate.instance().clone(), overlap.to_string()));
            }
            all.push(Mounting::planned(&acting, definition));
        }
    }
    Ok(overlaps)
}
