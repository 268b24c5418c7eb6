//! The one way to look through what a plugin handed over. Everything in it that acts, asks or could destroy comes by here,
//! with where it stands; whoever judges a draft (what may stand where, where secrets go, what a reviewer sees) looks
//! through it by this and by nothing else. What is added to a draft does not compile until it is named here.

use super::{Action, Move, Owned, Planned, Revert};
use crate::capability::{Check, Step, step::Part};

/// Where in a draft a part stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// A step of an action: apply carries it out.
    Step,
    /// How such a step is taken back when its action fails.
    Revert,
    /// What makes an action take effect; run again after its reverts.
    Settle,
    /// What decides whether an action succeeded.
    Proof,
    /// What `verify` asks.
    Check,
    /// How a thing is taken away, by a later run.
    Undo(Holds),
    /// How a step of that is taken back.
    UndoRevert,
    /// What makes it take effect.
    UndoSettle,
}

/// What the plugin said of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// It is given up by name alone.
    Data,
    /// It can be made again.
    NoData,
}

/// One part, and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Visited<'a> {
    /// Where.
    pub position: Position,
    /// Key of the thing that it is about; id of a check.
    pub thing: &'a str,
    /// The part itself: a step, one inside another, or a condition.
    pub part: Part<'a>,
}

impl Planned {
    /// All parts, in the order in which they stand.
    pub fn visit<'a>(&'a self, visit: &mut dyn FnMut(Visited<'a>)) {
        let Planned { owns, actions, checks, diagnostics: _ } = self;
        owns.iter().for_each(|owned| owned.visit(visit));
        actions.iter().for_each(|action| action.visit(visit));
        checks.iter().for_each(|check| of_check(Position::Check, &check.id, check, visit));
    }

    /// Every step, wherever it stands, to be changed; what is in one is reached by [`Step::each_mut`].
    pub fn steps_mut(&mut self) -> Vec<&mut Step> {
        let Planned { owns, actions, checks: _, diagnostics: _ } = self;
        let undone = owns.iter_mut().flat_map(|owned| {
            let Owned { thing: _, holds_data: _, adopted: _, undo, undo_settle } = owned;
            undo.iter_mut().flat_map(Move::steps_mut).chain(undo_settle)
        });
        let carried_out = actions
            .iter_mut()
            .flat_map(|action| action.moves.iter_mut().flat_map(Move::steps_mut).chain(&mut action.settle));
        undone.chain(carried_out).collect()
    }
}

impl Action {
    /// All parts of the action.
    pub fn visit<'a>(&'a self, visit: &mut dyn FnMut(Visited<'a>)) {
        let Action { thing, change: _, reason: _, differences: _, moves, no_return: _, settle, proof, after: _ } = self;
        moves.iter().for_each(|one| one.visit((Position::Step, Position::Revert), thing, visit));
        settle.iter().for_each(|step| of_step(Position::Settle, thing, step, visit));
        proof.iter().for_each(|check| of_check(Position::Proof, thing, check, visit));
    }
}

impl Owned {
    /// All parts of how the thing is taken away.
    pub fn visit<'a>(&'a self, visit: &mut dyn FnMut(Visited<'a>)) {
        let Owned { thing, holds_data, adopted: _, undo, undo_settle } = self;
        let undone = Position::Undo(if *holds_data { Holds::Data } else { Holds::NoData });
        undo.iter().for_each(|one| one.visit((undone, Position::UndoRevert), &thing.key, visit));
        undo_settle.iter().for_each(|step| of_step(Position::UndoSettle, &thing.key, step, visit));
    }
}

impl Move {
    fn visit<'a>(&'a self, (step, revert): (Position, Position), thing: &'a str, visit: &mut dyn FnMut(Visited<'a>)) {
        let Move { step: carried_out, revert: taken_back } = self;
        of_step(step, thing, carried_out, visit);
        match taken_back {
            Revert::Steps(steps) => steps.iter().for_each(|step| of_step(revert, thing, step, visit)),
            Revert::ByHost | Revert::None(_) => {}
        }
    }

    fn steps_mut(&mut self) -> impl Iterator<Item = &mut Step> {
        let taken_back: &mut [Step] = match &mut self.revert {
            Revert::Steps(steps) => steps,
            Revert::ByHost | Revert::None(_) => &mut [],
        };
        std::iter::once(&mut self.step).chain(taken_back)
    }
}

fn of_step<'a>(position: Position, thing: &'a str, step: &'a Step, visit: &mut dyn FnMut(Visited<'a>)) {
    step.parts().into_iter().for_each(|part| visit(Visited { position, thing, part }));
}

fn of_check<'a>(position: Position, thing: &'a str, check: &'a Check, visit: &mut dyn FnMut(Visited<'a>)) {
    visit(Visited { position, thing, part: Part::Condition(&check.condition) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        capability::{
            Condition, ConditionKind, Vantage, containers::ContainerStaysUp, files::FileRemove, step::Unless,
        },
        draft::Change,
        model::Thing,
    };

    /// A step that is told apart by its path, inside another one.
    fn step(path: &str) -> Step {
        let inner = Step::FileRemove(FileRemove { path: path.into() });
        Step::Unless(Unless { condition: check(&format!("before {path}")).condition, step: Box::new(inner) })
    }

    fn check(name: &str) -> Check {
        let stays_up = ContainerStaysUp { connection: "main".into(), name: name.into(), for_ms: 1, log: Vec::new() };
        let condition = Condition { kind: ConditionKind::ContainerStaysUp(stays_up), vantage: Vantage::Host };
        Check { id: name.into(), says: String::new(), condition, timeout_ms: 1 }
    }

    fn one(name: &str) -> Vec<Move> {
        vec![Move { step: step(name), revert: Revert::Steps(vec![step(&format!("{name} reverted"))]) }]
    }

    fn everywhere() -> Planned {
        let owned = |key: &str, holds_data| Owned {
            thing: Thing { key: key.into(), connection: "c".into(), kind: "k".into(), name: "n".into() },
            holds_data,
            adopted: false,
            undo: one(&format!("undo of {key}")),
            undo_settle: vec![step(&format!("undo settle of {key}"))],
        };
        let action = Action {
            thing: "it".into(),
            change: Change::Update,
            reason: String::new(),
            differences: Vec::new(),
            moves: one("step"),
            no_return: None,
            settle: vec![step("settle")],
            proof: vec![check("proof")],
            after: Vec::new(),
        };
        let owns = vec![owned("data", true), owned("no data", false)];
        Planned { owns, actions: vec![action], checks: vec![check("check")], diagnostics: Vec::new() }
    }

    /// What a part is called in this test, and whether it acts or asks.
    fn name(part: Part<'_>) -> Option<String> {
        match part {
            Part::Step(Step::FileRemove(step)) => Some(step.path.clone()),
            Part::Condition(Condition { kind: ConditionKind::ContainerStaysUp(asked), .. }) => {
                Some(format!("? {}", asked.name))
            }
            _ => None,
        }
    }

    #[test]
    fn every_part_is_seen_where_it_stands_however_deep() {
        let planned = everywhere();
        let mut seen = Vec::new();
        planned.visit(&mut |visited| {
            seen.extend(name(visited.part).map(|name| format!("{:?} of {}: {name}", visited.position, visited.thing)));
        });
        insta::assert_snapshot!(seen.join("\n"));
        // Each text of the plan that is told apart stands in the list: nothing of it was passed over.
        let json = serde_json::to_string(&planned).unwrap();
        assert_eq!(json.matches("\"file_remove\"").count(), seen.iter().filter(|line| !line.contains('?')).count());
        assert_eq!(
            json.matches("\"container_stays_up\"").count(),
            seen.iter().filter(|line| line.contains('?')).count()
        );
    }

    #[test]
    fn every_step_can_be_changed() {
        let mut planned = everywhere();
        for step in planned.steps_mut() {
            step.each_mut(&mut |step| {
                if let Step::FileRemove(step) = step {
                    step.path = "changed".into();
                }
            });
        }
        planned.visit(&mut |visited| {
            let told = name(visited.part).unwrap_or_default();
            assert!(told.is_empty() || told.starts_with('?') || told == "changed", "{told}");
        });
    }
}
