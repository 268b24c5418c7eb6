//! Actions one after the other, where a settle waits for the last action that needs the same one.
//!
//! Two new clients restart their provider once. An action whose settle is put off is open: its steps stay in the journal
//! and nothing of it is recorded, so a run that is killed takes it back like the action under way. Its settle comes at
//! once when an action follows whose instance uses or waits for its own, and always before the sequence ends.

use anyhow::Result;

use super::action::{ActionRun, Left, Open, Settling, take_back};
use crate::{
    capability::{Step, StepFailure},
    draft::Action,
    model::value::Address,
};

/// Records an action that is complete; in the same transaction its steps are forgotten.
pub type Record<'a, 'r> = dyn FnMut(Open<'a>) -> Result<()> + 'r;

/// Why the sequence ends early.
pub struct Stop {
    /// The action that failed first, by its place.
    pub index: usize,
    /// Why.
    pub failure: StepFailure,
    /// What could not be taken back, of it and of others.
    pub left: Left,
}

/// Carries actions out in their order, until one fails. `needs` tells whether the one at a place needs what another
/// instance has done to be true.
pub async fn one_by_one<'a>(
    todo: &[ActionRun<'a>],
    needs: impl Fn(usize, &Address) -> bool,
    record: &mut Record<'a, '_>,
) -> Result<Option<Stop>> {
    let put_off = puts_off(todo.iter().map(|one| one.action));
    let mut sequence = Sequence { open: Vec::new(), stop: None, record };
    for (index, (one, put_off)) in todo.iter().zip(put_off).enumerate() {
        if sequence.open.iter().any(|open| open.one.instance == one.instance || needs(index, open.one.instance)) {
            sequence.conclude_all().await?;
        }
        if sequence.stop.is_some() {
            break;
        }
        let mut open = Open::new(index, *one);
        match open.go().await {
            Err(failure) => {
                open.failed(&failure);
                sequence.stop(vec![open], index, failure, Settling::NotBegun).await;
            }
            Ok(()) => {
                sequence.open.push(open);
                if !put_off {
                    sequence.conclude(&one.action.settle).await?;
                }
            }
        }
    }
    // What was done before a stop stays, and so it has to take effect.
    sequence.conclude_all().await?;
    Ok(sequence.stop)
}

struct Sequence<'a, 'r> {
    /// Actions that have moved and not settled.
    open: Vec<Open<'a>>,
    stop: Option<Stop>,
    record: &'r mut Record<'a, 'r>,
}

impl<'a> Sequence<'a, '_> {
    async fn conclude_all(&mut self) -> Result<()> {
        while let Some(open) = self.open.first() {
            self.conclude(&open.one.action.settle).await?;
        }
        Ok(())
    }

    /// Settles once for all that settle in this way, and proves each.
    async fn conclude(&mut self, settle: &[Step]) -> Result<()> {
        let same = |open: &Open<'a>| open.one.action.settle == settle;
        let (mut group, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.open).into_iter().partition(same);
        self.open = others;
        let Some(last) = group.last_mut() else { return Ok(()) };
        let index = last.index;
        if let Err(failure) = last.settle().await {
            // It is the settle of all of them, and nobody can tell whose fault it is.
            group.iter().for_each(|open| open.failed(&failure));
            self.stop(group, index, failure, Settling::Begun).await;
            return Ok(());
        }
        let (mut unproven, mut first) = (Vec::new(), None);
        for open in group {
            match open.prove().await {
                Ok(()) => self.keep(open)?,
                Err(failure) => {
                    open.failed(&failure);
                    first.get_or_insert((open.index, failure));
                    unproven.push(open);
                }
            }
        }
        if let Some((index, failure)) = first {
            self.stop(unproven, index, failure, Settling::Begun).await;
        }
        Ok(())
    }

    /// A run that is killed in between would find steps to take back of an action that state says is done: both are
    /// written as one.
    fn keep(&mut self, mut open: Open<'a>) -> Result<()> {
        let ActionRun { acting, run, .. } = open.one;
        let journal = open.journal().to_vec();
        acting.world.state.as_one(|| {
            open.complete();
            (self.record)(open)?;
            acting.world.vault.remember()?;
            acting.world.state.forget_steps(run, &journal)
        })
    }

    async fn stop(&mut self, group: Vec<Open<'a>>, index: usize, failure: StepFailure, settling: Settling) {
        let Left { lines, of } = take_back(&group, settling).await;
        let stop = self.stop.get_or_insert(Stop { index, failure, left: Left::default() });
        stop.left.lines.extend(lines);
        stop.left.of.extend(of);
    }
}

/// For each action whether a later one settles in the same way.
fn puts_off<'p>(actions: impl DoubleEndedIterator<Item = &'p Action>) -> Vec<bool> {
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
