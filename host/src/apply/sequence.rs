//! Actions one after the other, where a settle waits for the last action that needs the same one.
//!
//! Two new clients restart their provider once. An action whose settle is put off is open: its steps stay in the journal
//! and nothing of it is recorded, so a run that is killed takes it back like the action under way. Its settle comes at
//! once when an action follows whose instance uses or waits for its own, and always before the sequence ends.

use anyhow::Result;

use super::{
    Reporter, Reverted,
    action::{ActionRun, Done, Moving, settle_again},
};
use crate::{
    capability::{Acting, Step, StepFailure},
    draft::Action,
    model::{Thing, value::Address},
    state::RunId,
};

/// What is told of each action that is complete, by the number that it was given with. It records the action; only after
/// that its steps are forgotten.
pub type Record<'r> = dyn FnMut(usize, Done) -> Result<()> + 'r;

/// Why the sequence ends early.
pub struct Stop {
    /// The action that failed first, by the number that it was given with.
    pub index: usize,
    /// Why.
    pub failure: StepFailure,
    /// What could not be taken back, of it and of others.
    pub left: Vec<String>,
    /// Actions of which something is left.
    pub unproven: Vec<usize>,
}

/// An action that has moved and not settled.
struct Open<'a> {
    index: usize,
    one: ActionRun<'a>,
    moving: Moving,
}

/// An action to be carried out.
pub struct Next<'a> {
    /// A number that tells it from others.
    pub index: usize,
    /// World and gate.
    pub acting: Acting<'a>,
    /// Whose it is.
    pub instance: &'a Address,
    /// The thing that it changes.
    pub thing: &'a Thing,
    /// The action.
    pub action: &'a Action,
    /// Whether its settle is left to a later one.
    pub put_off: bool,
}

/// The actions of a run.
pub struct Sequence<'a> {
    run: RunId,
    reporter: &'a dyn Reporter,
    open: Vec<Open<'a>>,
}

/// For each action whether a later one settles in the same way.
pub fn puts_off<'p>(actions: impl DoubleEndedIterator<Item = &'p Action>) -> Vec<bool> {
    let mut later: Vec<&[Step]> = Vec::new();
    let mut put_off: Vec<bool> = actions
        .rev()
        .map(|action| {
            let settle = action.settle.as_slice();
            // Past its point of no return an action can't be taken back with others.
            let may = !settle.is_empty() && action.no_return.is_none();
            let put_off = may && later.contains(&settle);
            if may && !put_off {
                later.push(settle);
            }
            put_off
        })
        .collect();
    put_off.reverse();
    put_off
}

impl<'a> Sequence<'a> {
    /// Nothing has been done yet.
    pub fn new(run: RunId, reporter: &'a dyn Reporter) -> Self {
        Self { run, reporter, open: Vec::new() }
    }

    /// Carries out the next action. `needs` tells whether it needs what another instance has done to be true. After a
    /// stop nothing is open, and nothing more may come.
    pub async fn next(
        &mut self,
        next: Next<'a>,
        needs: impl Fn(&Address) -> bool,
        record: &mut Record<'_>,
    ) -> Result<Option<Stop>> {
        let Next { index, acting, instance, thing, action, put_off } = next;
        if self.open.iter().any(|open| open.one.instance == instance || needs(open.one.instance))
            && let Some(stop) = self.finish(record).await?
        {
            return Ok(Some(stop));
        }
        let one = ActionRun { acting, run: self.run, instance, thing, action, reporter: self.reporter };
        let mut moving = Moving::from(0);
        let went = one.go(&mut moving).await;
        let open = Open { index, one, moving };
        let mut stop = None;
        match went {
            Err(failure) => {
                one.failed(&failure);
                take_back(vec![open], index, failure, Settling::NotBegun, &mut stop).await;
            }
            Ok(()) => {
                self.open.push(open);
                if !put_off {
                    self.conclude(&action.settle, record, &mut stop).await?;
                }
            }
        }
        if stop.is_some() {
            // What was done before it stays, and so it has to take effect.
            self.conclude_all(record, &mut stop).await?;
        }
        Ok(stop)
    }

    /// Settles whatever is open.
    pub async fn finish(&mut self, record: &mut Record<'_>) -> Result<Option<Stop>> {
        let mut stop = None;
        self.conclude_all(record, &mut stop).await?;
        Ok(stop)
    }

    async fn conclude_all(&mut self, record: &mut Record<'_>, stop: &mut Option<Stop>) -> Result<()> {
        while let Some(settle) = self.open.first().map(|open| open.one.action.settle.as_slice()) {
            self.conclude(settle, record, stop).await?;
        }
        Ok(())
    }

    /// Settles once for all that settle in this way, and proves each.
    async fn conclude(&mut self, settle: &[Step], record: &mut Record<'_>, stop: &mut Option<Stop>) -> Result<()> {
        let same = |open: &Open<'a>| open.one.action.settle == settle;
        let (mut group, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.open).into_iter().partition(same);
        self.open = others;
        let Some(last) = group.last_mut() else { return Ok(()) };
        if let Err(failure) = last.one.settle(&mut last.moving).await {
            // It is the settle of all of them, and nobody can tell whose fault it is.
            group.iter().for_each(|open| open.one.failed(&failure));
            let index = group.last().map_or(0, |open| open.index);
            take_back(group, index, failure, Settling::Begun, stop).await;
            return Ok(());
        }
        let (mut unproven, mut first) = (Vec::new(), None);
        for open in group {
            match open.one.prove().await {
                Ok(()) => self.keep(open, record)?,
                Err(failure) => {
                    open.one.failed(&failure);
                    first.get_or_insert((open.index, failure));
                    unproven.push(open);
                }
            }
        }
        if let Some((index, failure)) = first {
            take_back(unproven, index, failure, Settling::Begun, stop).await;
        }
        Ok(())
    }

    fn keep(&self, open: Open<'a>, record: &mut Record<'_>) -> Result<()> {
        let Open { index, one, moving } = open;
        let journal = moving.journal().to_vec();
        let world = one.acting.world;
        // A run that is killed in between would find steps to take back of an action that state says is done.
        world.state.as_one(|| {
            record(index, one.done(moving))?;
            world.vault.remember()?;
            world.state.forget_steps(self.run, &journal)
        })
    }
}

/// Whether a service may have seen what is taken back. One that has not, and works, must not be restarted for nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Settling {
    NotBegun,
    Begun,
}

/// Takes actions back that settle in the same way, last first, and settles once after that if settling had begun.
async fn take_back(
    group: Vec<Open<'_>>,
    index: usize,
    failure: StepFailure,
    settling: Settling,
    stop: &mut Option<Stop>,
) {
    let stop = stop.get_or_insert(Stop { index, failure, left: Vec::new(), unproven: Vec::new() });
    let settles = group.iter().rev().find(|open| open.moving.goes_back(open.one.action));
    let settles = settles.map(|open| open.one);
    let members: Vec<usize> = group.iter().map(|open| open.index).collect();
    for open in group.into_iter().rev() {
        let Reverted { left } = open.one.back(open.moving).await;
        if !left.is_empty() {
            stop.unproven.push(open.index);
        }
        stop.left.extend(left);
    }
    if settling == Settling::Begun
        && let Some(one) = settles
        && let Some(left) = settle_again(&one.acting, one.instance, &one.action.settle).await
    {
        stop.unproven.extend(members);
        stop.left.push(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::Change;

    fn action(settle: &str, no_return: Option<u32>) -> Action {
        let run = |verb: &str| {
            Step::ServiceRun(crate::capability::services::ServiceRun {
                connection: "main".to_owned(),
                verb: verb.to_owned(),
            })
        };
        Action {
            thing: "thing".to_owned(),
            change: Change::Create,
            reason: String::new(),
            differences: Vec::new(),
            moves: Vec::new(),
            no_return,
            settle: settle.split_whitespace().map(run).collect(),
            proof: Vec::new(),
            after: Vec::new(),
        }
    }

    #[test]
    fn only_what_a_later_action_settles_in_the_same_way_is_put_off() {
        let actions = ["reload", "", "restart", "reload", "", "reload restart"].map(|settle| action(settle, None));
        assert_eq!(puts_off(actions.iter()), [true, false, false, false, false, false]);
    }

    #[test]
    fn what_can_not_be_taken_back_is_not_put_off() {
        let actions = [action("reload", Some(0)), action("reload", None)];
        assert_eq!(puts_off(actions.iter()), [false, false]);
    }
}
