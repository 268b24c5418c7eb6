//! What `plan` answers. Every handle in it is taken out of the call's table; every key has to be one that it owns.

use std::collections::HashSet;

use wasmtime::component::Resource;

use super::{answer::once, diagnostics, words};
use crate::{
    capability::{Check, Settles, Step, StepKind, step::may_own},
    draft::{Action, Change, Difference, Move, Owned, Planned, Revert, misplaced},
    model::{Denial, Denials, InstanceView, Thing},
    plugin::{What, bindings::exports::stackrun::plugin::guest as wit, call::Call},
};

/// An hour: longer than any application takes to start.
const MAX_TIMEOUT_MS: u32 = 3_600_000;

/// Milliseconds that something may wait.
pub fn timeout(milliseconds: u32, what: impl FnOnce() -> String) -> Result<u32, What> {
    match milliseconds > MAX_TIMEOUT_MS {
        true => Err(What::TooMuch(format!("{} waits longer than an hour", what()))),
        false => Ok(milliseconds),
    }
}

/// A plan as the plugin gave it, held against itself and the instance.
pub fn planned(said: wit::Planned, view: &InstanceView, call: &mut Call) -> Result<Planned, What> {
    let most = call.meter.limits().actions;
    for (what, number) in [("things", said.owns.len()), ("actions", said.actions.len()), ("checks", said.checks.len())]
    {
        if number > most {
            return Err(What::TooMuch(format!("more than {most} {what}")));
        }
    }
    let steps = call.meter.limits().steps;
    let mut taking = Taking { left: steps, most: steps, denied: Vec::new(), call };
    let owns = said.owns.into_iter().map(|owned| taking.owned(owned, view)).collect::<Result<Vec<_>, _>>()?;
    if !taking.denied.is_empty() {
        return Err(What::Denied(Denials(taking.denied)));
    }
    let actions = said.actions.into_iter().map(|action| taking.action(action)).collect::<Result<Vec<_>, _>>()?;
    let checks = said.checks.into_iter().map(|check| taking.check(check)).collect::<Result<Vec<_>, _>>()?;
    let planned = Planned { owns, actions, checks, diagnostics: diagnostics(said.diagnostics, view) };
    coherent(&planned)?;
    match misplaced(&planned) {
        Some(misplaced) => Err(What::Destroys(misplaced)),
        None => Ok(planned),
    }
}

/// The answer refers to its own things, and to each by one action.
fn coherent(planned: &Planned) -> Result<(), What> {
    once("thing", planned.owns.iter().map(|owned| owned.thing.key.as_str()))?;
    once("action of", planned.actions.iter().map(|action| action.thing.as_str()))?;
    once("check", planned.checks.iter().map(|check| check.id.as_str()))?;
    let owned: HashSet<&str> = planned.owns.iter().map(|owned| owned.thing.key.as_str()).collect();
    for action in &planned.actions {
        for key in std::iter::once(&action.thing).chain(&action.after) {
            if !owned.contains(key.as_str()) {
                return Err(What::Incoherent(format!(
                    "an action names the thing `{}`, which it does not own",
                    words::line(key)
                )));
            }
        }
        once("proof", action.proof.iter().map(|check| check.id.as_str()))?;
        let moves = u32::try_from(action.moves.len()).unwrap_or(u32::MAX);
        if action.no_return.is_some_and(|point| point >= moves) {
            return Err(What::Incoherent(format!(
                "the point of no return of `{}` is after its last move",
                words::line(&action.thing)
            )));
        }
    }
    Ok(())
}

/// Takes steps and conditions out of the table, and counts them.
struct Taking<'a> {
    left: usize,
    most: usize,
    /// Things that it may not own.
    denied: Vec<Denial>,
    call: &'a mut Call,
}

impl Taking<'_> {
    fn step(&mut self, handle: Resource<Step>) -> Result<Step, What> {
        self.left = self.left.checked_sub(1).ok_or_else(|| What::TooMuch(format!("more than {} steps", self.most)))?;
        self.call.take(handle)
    }

    fn steps(&mut self, handles: Vec<Resource<Step>>) -> Result<Vec<Step>, What> {
        handles.into_iter().map(|handle| self.step(handle)).collect()
    }

    fn moves(&mut self, moves: Vec<wit::Move>) -> Result<Vec<Move>, What> {
        moves.into_iter().map(|one| Ok(Move { step: self.step(one.step)?, revert: self.revert(one.revert)? })).collect()
    }

    fn revert(&mut self, revert: wit::Revert) -> Result<Revert, What> {
        Ok(match revert {
            wit::Revert::ByHost => Revert::ByHost,
            wit::Revert::Steps(steps) => Revert::Steps(self.steps(steps)?),
            wit::Revert::None(why) => Revert::None(words::line(&why)),
        })
    }

    /// A settle is a reload or a restart: it runs again after reverts, once for several actions, and a reviewer expects
    /// nothing else of it.
    fn settle(&mut self, handles: Vec<Resource<Step>>) -> Result<Vec<Step>, What> {
        let steps = self.steps(handles)?;
        let settles = |step: &&Step| step.facts().settles == Settles::Yes;
        match steps.iter().find(|step| !settles(step)) {
            None => Ok(steps),
            Some(other) => {
                let told = words::line(&other.headline());
                Err(What::Incoherent(format!("it settles by `{told}`, and a settle is a reload or a restart")))
            }
        }
    }

    fn check(&mut self, check: wit::CheckOf) -> Result<Check, What> {
        let timeout_ms = timeout(check.timeout_ms, || format!("the check `{}`", words::line(&check.id)))?;
        Ok(Check {
            id: check.id,
            says: words::line(&check.says),
            condition: self.call.take(check.condition)?,
            timeout_ms,
        })
    }

    fn checks(&mut self, checks: Vec<wit::CheckOf>) -> Result<Vec<Check>, What> {
        checks.into_iter().map(|check| self.check(check)).collect()
    }

    fn owned(&mut self, owned: wit::Owned, view: &InstanceView) -> Result<Owned, What> {
        let wit::Thing { key, connection, kind, name } = owned.thing;
        let is_given = |name: &str| view.connections.iter().any(|connection| connection.name == name);
        if !is_given(&connection) && !matches!(connection.as_str(), "files" | "store") {
            return Err(What::Incoherent(format!(
                "it owns a thing behind the connection `{}`, which the instance does not have",
                words::line(&connection)
            )));
        }
        let thing = Thing { key, connection, kind, name };
        let undo = self.moves(owned.undo)?;
        if let Some(outside) = &self.call.outside {
            let steps: Vec<&Step> = undo.iter().map(|one| &one.step).collect();
            self.denied.extend(may_own(&thing, &steps, &outside.gate).err());
        }
        let undo_settle = self.settle(owned.undo_settle)?;
        Ok(Owned { thing, holds_data: owned.holds_data, adopted: owned.adopted, undo, undo_settle })
    }

    fn action(&mut self, action: wit::Action) -> Result<Action, What> {
        let differences = action.differences.into_iter().map(|difference| self.difference(difference));
        let differences = differences.collect::<Result<_, What>>()?;
        Ok(Action {
            thing: action.thing,
            change: change(action.change),
            reason: words::line(&action.reason),
            differences,
            moves: self.moves(action.moves)?,
            no_return: action.no_return,
            settle: self.settle(action.settle)?,
            proof: self.checks(action.proof)?,
            after: action.after,
        })
    }

    fn difference(&mut self, difference: wit::Difference) -> Result<Difference, What> {
        let after = difference.after.map(|text| self.call.references.text_from_wit(text)).transpose()?;
        Ok(Difference {
            what: words::line(&difference.what),
            before: difference.before.map(|before| words::lines(&before)),
            after,
        })
    }
}

fn change(change: wit::Change) -> Change {
    match change {
        wit::Change::Create => Change::Create,
        wit::Change::Update => Change::Update,
        wit::Change::Replace => Change::Replace,
        wit::Change::Remove => Change::Remove,
        wit::Change::Adopt => Change::Adopt,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        capability::{
            files::{DirectoryRemove, FileRemove},
            services::ServiceRun,
            sql::SqlReload,
        },
        plugin::Limits,
    };

    #[test]
    fn a_settle_is_a_reload_or_a_restart() {
        let run = |verb: &str| Step::ServiceRun(ServiceRun { connection: "edge".into(), verb: verb.into() });
        let settles = |step: Step| {
            let mut call = Call::new("hostile".into(), Limits::default());
            let handle = call.push(step).unwrap();
            Taking { left: 9, most: 9, denied: Vec::new(), call: &mut call }.settle(vec![handle])
        };
        for fine in [run("reload"), run("restart"), Step::SqlReload(SqlReload { connection: "main".into() })] {
            assert_eq!(settles(fine.clone()).unwrap(), [fine]);
        }
        for other in [
            run("validate"),
            run("drop-everything"),
            Step::FileRemove(FileRemove { path: "/etc/passwd".into() }),
            Step::DirectoryRemove(DirectoryRemove { path: "/srv".into() }),
        ] {
            let fault = settles(other.clone()).unwrap_err().to_string();
            assert!(
                fault.contains("a settle is a reload or a restart") && fault.contains(&other.headline()),
                "{fault}"
            );
        }
    }
}
