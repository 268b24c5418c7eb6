//! How each step of a plan looks to its reviewer.

use super::{InstancePlan, Plan, Probe, StepPreviews};
use crate::{
    capability::{Acting, Gates, Preview, Step, StepKind},
    draft::{Move, Revert},
    world::World,
};

/// Fills in the previews of all actions and removals, and the values of holes that are no secrets. Looks at the world
/// for diffs.
pub async fn preview(plan: &mut Plan, world: &World, gates: &Gates) {
    for instance in &mut plan.instances {
        let Some(gate) = gates.get(&instance.address) else { continue };
        let acting = Acting { world, gate, gates };
        for difference in instance.planned.actions.iter_mut().flat_map(|action| &mut action.differences) {
            let after = difference.after.as_ref();
            difference.after = after.map(|text| text.with_known(&|target| world.vault.plain_marker(target)));
        }
        let mut previews = Vec::new();
        for action in &instance.planned.actions {
            previews.push(of_steps(&action.moves, &action.settle, &acting).await);
        }
        instance.previews = previews;
        plan.probes.extend(of_probes(instance, &acting).await);
    }
    for removal in &mut plan.removals {
        let gate = removal.gate(&plan.stack);
        let acting = Acting { world, gate: &gate, gates };
        removal.previews = of_steps(&removal.owned.undo, &removal.owned.undo_settle, &acting).await;
    }
}

/// Every request once, whether a check asks it or a proof.
async fn of_probes(instance: &InstancePlan, acting: &Acting<'_>) -> Vec<Probe> {
    let proofs = instance.planned.actions.iter().flat_map(|action| &action.proof);
    let mut probes: Vec<Probe> = Vec::new();
    for check in instance.planned.checks.iter().chain(proofs) {
        let Some(request) = check.condition.probe_preview(acting).await else { continue };
        if !probes.iter().any(|probe| probe.request == request) {
            probes.push(Probe { address: instance.address.clone(), says: check.says.clone(), request });
        }
    }
    probes
}

async fn of_steps(moves: &[Move], settle: &[Step], acting: &Acting<'_>) -> StepPreviews {
    let mut previews = StepPreviews::default();
    for Move { step, revert } in moves {
        previews.moves.push(step.preview(acting).await);
        let reverts: &[Step] = match revert {
            Revert::Steps(steps) => steps,
            // What was there before is put back; a plan says of each step what that is.
            Revert::ByHost | Revert::None(_) => &[],
        };
        previews.reverts.push(each(reverts, acting).await);
    }
    previews.settle = each(settle, acting).await;
    previews
}

async fn each(steps: &[Step], acting: &Acting<'_>) -> Vec<Preview> {
    let mut previews = Vec::with_capacity(steps.len());
    for step in steps {
        previews.push(step.preview(acting).await);
    }
    previews
}
