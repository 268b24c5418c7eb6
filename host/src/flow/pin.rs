//! Fills in what a plan names by a word that can come to stand for something else ([`Step::pin`]).

use crate::{
    capability::{Gate, Step},
    draft::Change,
    model::Failure,
    plan::Drafted,
    world::World,
};

/// In every step of these drafts, wherever it stands; each image is asked for once a run.
///
/// # Errors
/// The engine does not answer, or the instance may not ask it.
pub async fn images(drafts: &mut [Drafted], stack: &str, world: &World) -> Result<(), Failure> {
    for draft in drafts {
        let mut steps: Vec<&mut Step> = draft.planned.steps_mut();
        steps.retain(|step| step.names_what_can_change());
        if steps.is_empty() {
            continue;
        }
        let gate = Gate::new(&draft.plugin, stack, draft.address.clone(), draft.grants.clone());
        for step in steps {
            step.pin(&gate, world).await?;
        }
    }
    Ok(())
}

/// Files by others that an action adopts.
///
/// # Errors
/// One can't be read, or the instance may not write it.
pub fn adopted(drafts: &mut [Drafted], stack: &str, world: &World) -> Result<(), Failure> {
    for draft in drafts {
        let mut adopting = draft.planned.actions.iter_mut().filter(|action| action.change == Change::Adopt).peekable();
        // Most instances adopt nothing, and need no gate.
        if adopting.peek().is_none() {
            continue;
        }
        let gate = Gate::new(&draft.plugin, stack, draft.address.clone(), draft.grants.clone());
        adopting.flat_map(|action| &mut action.moves).try_for_each(|one| one.step.adopt(&gate, world))?;
    }
    Ok(())
}
