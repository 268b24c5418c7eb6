//! What apply could not do is said when the plan is made: places that can't be written, a store that can't be opened,
//! values that their file can't carry.

use crate::{
    capability::{
        Acting, Gate, Gates, Step, StepFailure, StepKind,
        step::{Part, overlapping_mounts},
    },
    draft::{Action, Move},
    model::{Diagnostic, Place, Segment, value::Address},
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
        note(of_others(&action.moves, gate, world, &instance.address));
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
pub async fn overlapping(plan: &Plan, world: &World, gates: &Gates) -> anyhow::Result<Vec<Diagnostic>> {
    let steps = plan.actions().filter_map(|(instance, action)| {
        let acting = Acting { world, gate: gates.get(&instance.address)?, gates };
        Some(action.moves.iter().map(move |one| (acting, &one.step)))
    });
    let overlaps = overlapping_mounts(steps.flatten()).await.map_err(|failure| match failure {
        StepFailure::Failed(error) => error,
        failure => failure.into(),
    })?;
    Ok(overlaps.into_iter().map(|(of, said)| Diagnostic::error(Place::Instance(of, Vec::new()), said)).collect())
}

fn connection_of<'a>(instance: &'a InstancePlan, action: &Action) -> &'a str {
    let owned = instance.planned.owns.iter().find(|owned| owned.thing.key == action.thing);
    owned.map_or("", |owned| owned.thing.connection.as_str())
}

fn of_moves(moves: &[Move], gate: &Gate, world: &World, instance: &Address, connection: &str) -> Vec<Diagnostic> {
    let refused = moves.iter().filter_map(|one| {
        let (path, why) = one.step.unwritable(gate)?;
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

/// Values that the language of their file can't carry.
fn of_values(moves: &[Move], world: &World, instance: &Address) -> Vec<Diagnostic> {
    let refused = moves.iter().filter_map(|one| {
        let help = "give it another value, or have the file written in another format";
        let place = Place::Instance(instance.clone(), Vec::new());
        Some(Diagnostic::error(place, one.step.unfit_value(world)?).help(help))
    });
    refused.collect()
}

/// Files that this stack has not written, and that no action adopts.
fn of_others(moves: &[Move], gate: &Gate, world: &World, instance: &Address) -> Vec<Diagnostic> {
    let refused = moves.iter().filter_map(|one| {
        let message = format!("{} is there, and this stack has not written it", one.step.file_by_others(gate, world)?);
        Some(Diagnostic::error(Place::Instance(instance.clone(), Vec::new()), message).help("move it away"))
    });
    refused.collect()
}

/// Secrets are made and filled in only where they can be opened again.
fn of_store(plan: &Plan, world: &World) -> Option<Diagnostic> {
    let outermost = || plan.actions().flat_map(|(_, action)| action.moves.iter().map(|one| &one.step));
    let steps = || outermost().flat_map(Step::parts).filter_map(Part::step);
    let makes = steps().any(Step::makes_secret);
    if !makes && !steps().any(|step| !step.facts().fills.is_empty()) {
        return None;
    }
    let refused = world.vault.ready(makes).err()?;
    let message = format!("secrets can't be made and filled in: {refused:#}");
    Some(Diagnostic::error(Place::HostFile(vec![Segment::Key("store".to_owned())]), message))
}
