//! What another program writes: if the world already satisfies it, there is no action, and the checks still decide.

use std::collections::BTreeSet;

use crate::{
    capability::{Acting, Gates, Held, Vantage},
    draft::Action,
    plan::Plan,
    world::World,
};

/// Drops actions by hand whose proofs hold already. An action without a proof can't be known to be satisfied: it stays.
pub async fn drop_satisfied(plan: &mut Plan, world: &World, gates: &Gates) {
    for instance in &mut plan.instances {
        let Some(gate) = gates.get(&instance.address) else { continue };
        let acting = Acting { world, gate, gates };
        let mut left = Vec::new();
        let mut by_hand = BTreeSet::new();
        for (index, action) in std::mem::take(&mut instance.planned.actions).into_iter().enumerate() {
            let hand = instance.by_hand.contains(&index);
            if hand && satisfied(&action, &acting).await {
                continue;
            }
            if hand {
                by_hand.insert(left.len());
            }
            left.push(action);
        }
        instance.planned.actions = left;
        instance.by_hand = by_hand;
    }
}

async fn satisfied(action: &Action, acting: &Acting<'_>) -> bool {
    for check in &action.proof {
        let from_here = check.condition.vantage == Vantage::Host;
        // While a plan is made nothing is sent: what only a probe can tell is not known.
        let Some(look) = check.condition.look().filter(|_| from_here) else { return false };
        if !matches!(look.ask(acting).await, Ok(Held::Yes)) {
            return false;
        }
    }
    !action.proof.is_empty()
}
