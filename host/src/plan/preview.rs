//! How each step of a plan looks to its reviewer.

use super::{InstancePlan, Plan, Probe, StepPreviews};
use crate::{
    capability::{Acting, Gates, Preview, Step, StepKind, condition::Reach, http::HttpExchange},
    draft::Action,
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
            previews.push(of_action(action, &acting).await);
        }
        instance.previews = previews;
        plan.probes.extend(of_probes(instance, &acting).await);
    }
    for removal in &mut plan.removals {
        let gate = removal.gate(&plan.stack);
        let acting = Acting { world, gate: &gate, gates };
        let undo: Vec<&Step> = removal.owned.undo.iter().map(|one| &one.step).collect();
        let settle: Vec<&Step> = removal.owned.undo_settle.iter().collect();
        removal.previews =
            StepPreviews { moves: of_steps(&undo, &acting).await, settle: of_steps(&settle, &acting).await };
    }
}

/// Every request once, whether a check asks it or a proof.
async fn of_probes(instance: &InstancePlan, acting: &Acting<'_>) -> Vec<Probe> {
    let proofs = instance.planned.actions.iter().flat_map(|action| &action.proof);
    let mut probes: Vec<Probe> = Vec::new();
    for check in instance.planned.checks.iter().chain(proofs) {
        let (Reach::Probe, Some(request)) = (check.condition.reach(), check.condition.request()) else { continue };
        let request = HttpExchange::of(request).preview(acting).await;
        if !probes.iter().any(|probe| probe.request == request) {
            probes.push(Probe { address: instance.address.clone(), says: check.says.clone(), request });
        }
    }
    probes
}

async fn of_action(action: &Action, acting: &Acting<'_>) -> StepPreviews {
    let moves: Vec<&Step> = action.moves.iter().map(|one| &one.step).collect();
    let settle: Vec<&Step> = action.settle.iter().collect();
    StepPreviews { moves: of_steps(&moves, acting).await, settle: of_steps(&settle, acting).await }
}

async fn of_steps(steps: &[&Step], acting: &Acting<'_>) -> Vec<Preview> {
    let mut previews = Vec::with_capacity(steps.len());
    for step in steps {
        previews.push(step.preview(acting).await);
    }
    previews
}
