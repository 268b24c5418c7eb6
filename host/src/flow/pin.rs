//! Fills in what a plan names by a word that can come to stand for something else: an image's name.
//!
//! A reviewer sees the identifier, a saved plan is bound to it, and the container is created by it. An image that is not
//! there stays without one: its plugin says so, and the step refuses.

use crate::{
    capability::{Gate, Step, containers::EngineQuestion},
    draft::Revert,
    model::{Failure, desired::Definition},
    plan::Drafted,
    world::World,
};

/// Images of all containers that these drafts make, each asked for once a run.
///
/// # Errors
/// The engine does not answer, or the instance may not ask it.
pub async fn images(drafts: &mut [Drafted], stack: &str, world: &World) -> Result<(), Failure> {
    for draft in drafts {
        let moves = draft.planned.actions.iter_mut().flat_map(|action| &mut action.moves);
        let steps = moves.flat_map(|one| {
            let reverts: &mut [Step] = match &mut one.revert {
                Revert::Steps(steps) => steps,
                Revert::ByHost | Revert::None(_) => &mut [],
            };
            std::iter::once(&mut one.step).chain(reverts)
        });
        let made: Vec<(&str, &mut Definition)> = steps.filter_map(Step::container_made).collect();
        if made.is_empty() {
            continue;
        }
        let gate = Gate::new(&draft.plugin, stack, draft.address.clone(), draft.grants.clone());
        for (connection, definition) in made {
            let permit = gate.engine(EngineQuestion { connection: connection.to_owned() })?;
            definition.image_id = world.image_digest(&permit, &definition.image).await?;
        }
    }
    Ok(())
}
