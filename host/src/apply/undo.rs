//! Taking things away: what no instance wants any longer, or all of it.

use std::collections::BTreeSet;

use anyhow::Result;

use super::{
    Applied, Reporter,
    action::{ActionRun, Open},
    sequence::{Stop, one_by_one},
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
        let Undo { world, gates, edges, reporter } = *self;
        let todo: Vec<(&Removal, Action, Gate)> = removals
            .map(|removal| (removal, undo_action(&removal.owned, &removal.reason), removal.gate(stack)))
            .collect();
        let mut runs = Vec::with_capacity(todo.len());
        for (removal, action, gate) in &todo {
            let acting = Acting { world, gate, gates };
            let (instance, thing) = (&removal.address, &removal.owned.thing);
            runs.push(ActionRun { acting, run, instance, thing, action, reporter });
        }
        // Whoever was made after it has to be gone, and not only on paper.
        let needs = |index: usize, other: &Address| comes_after(edges, other, &todo[index].0.address);
        let mut forget = |open: Open<'_>| world.state.forget_thing(open.one.instance, open.one.thing);
        let stop = one_by_one(&runs, needs, &mut forget).await?;
        Ok(stop.map(|Stop { index, failure, left }| Applied::Stopped {
            instance: todo[index].0.address.clone(),
            thing: todo[index].1.thing.clone(),
            failure,
            left: left.lines,
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
