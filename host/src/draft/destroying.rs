//! Steps that destroy data, and where they may stand: as a step of the undo of a thing that holds data, which runs only
//! when the user has given that data up by name.
//!
//! Not in an action, nor in what settles it: apply never destroys data. Not in a revert either, not even in that of the
//! step that makes the thing: a step that failed because the thing was there already is taken back as well, and would
//! take somebody's data with it. `by-host` is the revert of such a step: it looks whether the thing was there before,
//! and whether it holds anything by now.

use std::fmt;

use super::{Holds, Planned, Position, Visited};
use crate::capability::{Destroys, StepKind, step::Part};

/// A step that destroys data where none may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misplaced {
    /// The step, as the plan would show it.
    step: String,
    /// Where the plugin has put it.
    place: String,
}

impl fmt::Display for Misplaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` destroys data, and stands in {}: only the undo of a thing that holds data may do that",
            self.step, self.place
        )
    }
}

/// The first such step of a plugin's answer.
pub fn misplaced(planned: &Planned) -> Option<Misplaced> {
    let mut found = None;
    planned.visit(&mut |Visited { position, thing, part }| {
        let (Part::Step(step), Some(place)) = (part, never_destroys(position)) else { return };
        if found.is_none() && step.facts().destroys == Destroys::Data {
            found = Some(Misplaced { step: step.headline(), place: format!("{place} `{}`", thing.escape_debug()) });
        }
    });
    found
}

/// What to call a place where no data may be destroyed; none where that may be.
fn never_destroys(position: Position) -> Option<&'static str> {
    match position {
        Position::Undo(Holds::Data) => None,
        Position::Undo(Holds::NoData) => Some("the undo of what is not said to hold data:"),
        Position::Step => Some("the action of"),
        Position::Revert => Some("a revert in the action of"),
        Position::Settle => Some("what settles"),
        Position::Proof => Some("a proof of"),
        Position::Check => Some("the check"),
        Position::UndoRevert => Some("a revert in the undo of"),
        Position::UndoSettle => Some("what settles the undo of"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        capability::{
            Condition, ConditionKind, Step, Vantage,
            files::{DirectoryRemove, DirectoryRemoveIfEmpty},
            secrets::SecretDiscard,
            sql::{SqlLogin, SqlStep, Statement},
            step::Unless,
        },
        draft::{Action, Change, Move, Owned, Revert},
        model::{
            Thing,
            value::{Address, Target},
        },
    };

    fn drop(statement: Statement) -> Step {
        Step::Sql(SqlStep { connection: "main".into(), statement })
    }

    fn destroying() -> Vec<Step> {
        let of = Target::Made(Address::new("secret", "app"), "key".into());
        vec![
            drop(Statement::DropRole { role: "app".into() }),
            drop(Statement::DropDatabase { database: "app".into() }),
            Step::DirectoryRemove(DirectoryRemove { path: "/srv/app".into() }),
            Step::SecretDiscard(SecretDiscard { of }),
        ]
    }

    fn by_host(step: Step) -> Move {
        Move { step, revert: Revert::ByHost }
    }

    fn planned(
        moves: Vec<Move>,
        settle: Vec<Step>,
        holds_data: bool,
        undo: Vec<Move>,
        undo_settle: Vec<Step>,
    ) -> Planned {
        let thing = Thing { key: "it".into(), connection: "main".into(), kind: "database".into(), name: "app".into() };
        let action = Action {
            thing: "it".into(),
            change: Change::Update,
            reason: String::new(),
            differences: vec![],
            moves,
            no_return: None,
            settle,
            proof: vec![],
            after: vec![],
        };
        let owns = vec![Owned { thing, holds_data, adopted: false, undo, undo_settle }];
        Planned { owns, actions: vec![action], ..Planned::default() }
    }

    #[test]
    fn data_is_destroyed_only_by_the_undo_of_what_holds_it() {
        let harmless = || Step::DirectoryRemoveIfEmpty(DirectoryRemoveIfEmpty { path: "/srv/app".into() });
        for step in destroying() {
            let fine = planned(vec![by_host(harmless())], vec![], true, vec![by_host(step.clone())], vec![]);
            assert_eq!(misplaced(&fine), None, "{step:?}");
            let reverted = Move { step: harmless(), revert: Revert::Steps(vec![step.clone()]) };
            let one = || vec![by_host(step.clone())];
            for (plan, place) in [
                (planned(one(), vec![], true, vec![], vec![]), "the action of `it`"),
                (planned(vec![], vec![step.clone()], true, vec![], vec![]), "what settles `it`"),
                (planned(vec![reverted.clone()], vec![], true, vec![], vec![]), "a revert in the action of `it`"),
                (planned(vec![], vec![], false, one(), vec![]), "the undo of what is not said to hold data: `it`"),
                (planned(vec![], vec![], true, vec![], vec![step.clone()]), "what settles the undo of `it`"),
                (planned(vec![], vec![], true, vec![reverted], vec![]), "a revert in the undo of `it`"),
            ] {
                let said = misplaced(&plan).map(|misplaced| misplaced.to_string()).unwrap_or_default();
                assert!(said.contains(&step.headline()) && said.contains(place), "{place}: {said}");
            }
        }
    }

    #[test]
    fn a_condition_around_it_hides_nothing() {
        for step in destroying() {
            let name = || "app".to_owned();
            let login = SqlLogin { connection: name(), database: name(), role: name(), password: None };
            let condition = Condition { kind: ConditionKind::SqlLogin(login), vantage: Vantage::Host };
            let hidden = Step::Unless(Unless { condition, step: Box::new(step) });
            assert!(misplaced(&planned(vec![by_host(hidden)], vec![], true, vec![], vec![])).is_some());
        }
    }
}
