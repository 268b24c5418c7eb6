//! Taking things away: what no instance wants any longer, or all of it.

use std::collections::BTreeSet;

use anyhow::Result;

use super::{
    Applied, Reporter,
    action::Done,
    sequence::{Next, Sequence, Stop, puts_off},
};
use crate::{
    capability::{Acting, Gate, Gates},
    draft::{Action, Change, Owned},
    model::value::Address,
    plan::{Removal, comes_after},
    state::RunId,
    world::World,
};

/// What it takes.
pub struct Undo<'a> {
    /// The outside.
    pub world: &'a World,
    /// The gates of all instances of the run.
    pub gates: &'a Gates,
    /// Who came before whom when the things were made.
    pub edges: &'a BTreeSet<(Address, Address)>,
    /// Where events go.
    pub reporter: &'a dyn Reporter,
}

impl Undo<'_> {
    /// Takes things away in this order, and forgets each.
    pub async fn all<'r>(
        &self,
        run: RunId,
        stack: &str,
        removals: impl Iterator<Item = &'r Removal>,
    ) -> Result<Option<Applied>> {
        let todo: Vec<(&Removal, Action, Gate)> = removals
            .map(|removal| (removal, undo_action(&removal.owned, &removal.reason), removal.gate(stack)))
            .collect();
        let put_off = puts_off(todo.iter().map(|(_, action, _)| action));
        let mut sequence = Sequence::new(run, self.reporter);
        let mut forget = |index: usize, _: Done| -> Result<()> {
            let (removal, _, _): &(&Removal, Action, Gate) = &todo[index];
            self.world.state.forget_thing(&removal.address, &removal.owned.thing)
        };
        let mut stop = None;
        for (index, (removal, action, gate)) in todo.iter().enumerate() {
            let acting = Acting { world: self.world, gate, gates: self.gates };
            let (instance, thing) = (&removal.address, &removal.owned.thing);
            let next = Next { index, acting, instance, thing, action, put_off: put_off[index] };
            // Whoever was made after it has to be gone, and not only on paper.
            let needs = |other: &Address| comes_after(self.edges, other, &removal.address);
            stop = sequence.next(next, needs, &mut forget).await?;
            if stop.is_some() {
                break;
            }
        }
        if stop.is_none() {
            stop = sequence.finish(&mut forget).await?;
        }
        Ok(stop.map(|Stop { index, failure, left, .. }| Applied::Stopped {
            instance: todo[index].0.address.clone(),
            thing: todo[index].1.thing.clone(),
            failure,
            left,
        }))
    }
}

/// The undo of a thing as an action.
pub fn undo_action(owned: &Owned, reason: &str) -> Action {
    Action {
        thing: owned.thing.key.clone(),
        change: Change::Remove,
        reason: reason.to_owned(),
        differences: Vec::new(),
        moves: owned.undo.clone(),
        no_return: None,
        settle: owned.undo_settle.clone(),
        proof: Vec::new(),
        after: Vec::new(),
    }
}
