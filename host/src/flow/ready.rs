//! What apply could not do is said when the plan is made: places that can't be written, a store that can't be opened,
//! values that their file can't carry.

use std::collections::{HashMap, hash_map::Entry};

use zeroize::Zeroizing;

use crate::{
    capability::{
        Acting, Gate, Gates, Step, StepFailure, StepKind,
        containers::{ContainerCreate, Mounting, mounting, overlapping},
        files::unwritable,
    },
    document,
    draft::{Action, Move},
    model::{
        Diagnostic, Failure, Place, Segment,
        value::{Address, Target},
    },
    plan::{InstancePlan, Plan},
    world::World,
};

/// All of it, one message for each place.
pub fn problems(plan: &Plan, world: &World, gates: &Gates) -> Vec<Diagnostic> {
    if let Some(refused) = of_store(plan, world) {
        return vec![refused];
    }
    let mut problems: Vec<Diagnostic> = Vec::new();
    let mut note = |found: Vec<Diagnostic>| {
        for problem in found {
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
    };
    for (instance, action) in plan.actions() {
        let Some(gate) = gates.get(&instance.address) else { continue };
        note(of_moves(&action.moves, gate, world, &instance.address, connection_of(instance, action)));
        note(of_values(&action.moves, world, &instance.address));
    }
    for removal in &plan.removals {
        let connection = &removal.owned.thing.connection;
        note(of_moves(&removal.owned.undo, &removal.gate(&plan.stack), world, &removal.address, connection));
    }
    problems
}

/// Folders of containers that this plan makes which lie inside a folder that another container writes, or around one
/// that another container mounts.
///
/// # Errors
/// An engine does not answer.
pub async fn overlapping_mounts(plan: &Plan, world: &World, gates: &Gates) -> anyhow::Result<Vec<Diagnostic>> {
    let mut problems = Vec::new();
    // Each engine is asked once, however many containers are made.
    let mut engines: HashMap<&str, Vec<Mounting>> = HashMap::new();
    for (instance, action) in plan.actions() {
        let Some(gate) = gates.get(&instance.address) else { continue };
        let acting = Acting { world, gate, gates };
        for one in &action.moves {
            let Step::ContainerCreate(ContainerCreate { connection, definition }) = &one.step else { continue };
            if definition.mounts.is_empty() {
                continue;
            }
            let all = match engines.entry(connection) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(mounting(&acting, connection).await.map_err(cause)?),
            };
            if let Some(overlap) = overlapping(&acting, definition.lasting_name(), &definition.mounts, all) {
                let place = Place::Instance(instance.address.clone(), Vec::new());
                problems.push(Diagnostic::error(place, overlap.to_string()));
            }
        }
    }
    Ok(problems)
}

fn cause(failure: StepFailure) -> anyhow::Error {
    match failure {
        StepFailure::Failed(error) => error,
        failure => failure.into(),
    }
}

fn connection_of<'a>(instance: &'a InstancePlan, action: &Action) -> &'a str {
    let owned = instance.planned.owns.iter().find(|owned| owned.thing.key == action.thing);
    owned.map_or("", |owned| owned.thing.connection.as_str())
}

fn of_moves(moves: &[Move], gate: &Gate, world: &World, instance: &Address, connection: &str) -> Vec<Diagnostic> {
    let paths = moves.iter().filter_map(|one| one.step.facts().path);
    let refused = paths.filter_map(|path| {
        let permit = gate.path_change(path.to_owned()).ok()?;
        let why = unwritable(permit.subject())?;
        let place = match world.host_file.connections.contains_key(connection) {
            true => Place::HostFile(["connection", connection].map(|key| Segment::Key(key.to_owned())).to_vec()),
            false => Place::Instance(instance.clone(), Vec::new()),
        };
        let message = format!("{path} of {instance} can't be written: {why}");
        Some(Diagnostic::error(place, message).help(match world.host_file.connections.contains_key(connection) {
            true => "make it writable; where something else generates this file, give the connection write = \"print\"",
            false => "make it writable, or name another folder in the host file",
        }))
    });
    refused.collect()
}

/// Values that the language of their file can't carry. A secret that is made by this plan fits everywhere.
fn of_values(moves: &[Move], world: &World, instance: &Address) -> Vec<Diagnostic> {
    let refused = moves.iter().filter_map(|one| {
        let Step::FileWrite(wanted) = &one.step else { return None };
        let reveal = |target: &Target| match target {
            // A digest fits everywhere as well, and takes its time.
            Target::Derived(form, _) if form.is_salted() => Ok(Zeroizing::new(String::new())),
            target => world.vault.reveal(target),
        };
        let Err(Failure::Other(why)) = document::render(&wanted.content, &reveal) else { return None };
        let message = format!("{}: {}", wanted.path, world.vault.redact(&why));
        let help = "give it another value, or have the file written in another format";
        Some(Diagnostic::error(Place::Instance(instance.clone(), Vec::new()), message).help(help))
    });
    refused.collect()
}

/// Secrets are made and filled in only where they can be opened again.
fn of_store(plan: &Plan, world: &World) -> Option<Diagnostic> {
    let steps = || plan.actions().flat_map(|(_, action)| action.moves.iter().map(|one| &one.step));
    let makes = steps().any(|step| matches!(step, Step::SecretGenerate(_)));
    if !makes && !steps().any(|step| !step.facts().fills.is_empty()) {
        return None;
    }
    let refused = world.vault.ready(makes).err()?;
    let message = format!("secrets can't be made and filled in: {refused:#}");
    Some(Diagnostic::error(Place::HostFile(vec![Segment::Key("store".to_owned())]), message))
}
