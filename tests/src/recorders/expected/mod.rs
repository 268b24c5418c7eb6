//! What a plan says will happen, read from its JSON as a reviewer gets it.
//!
//! A small matcher of its own: it knows nothing of how stackrun shows or carries out a step, only what a step of that
//! name means for the world. It goes through the plan as a run does, and keeps what each file should be by then.

mod condition;
mod connections;
mod container;
mod destroy;
mod document;
mod failing;
mod file;
mod headline;
mod patch;
mod secrets;
mod sql;
mod step;
mod value;
mod world;

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

pub use destroy::effects as of_destroy;
pub use failing::{Failing, effects as of_failing};
pub use secrets::Secrets;
pub use world::Around;
use world::World;

use super::Expected;

/// All effects of carrying out a plan, with the questions at its end.
///
/// # Errors
/// A step that the matcher does not know: whoever adds a step says here what it does.
pub fn of_apply(plan: &Value, around: &Around<'_>) -> Result<Vec<Expected>> {
    let mut world = World::new(plan, around);
    let actions = actions(plan)?;
    for action in &actions {
        action.moves(&mut world)?;
    }
    settle(actions.iter(), &mut world)?;
    for action in &actions {
        action.proofs(&mut world)?;
    }
    checks(plan, true, &mut world)?;
    world.finish()
}

/// What is asked while a plan is made: of what is more than a look without a secret.
///
/// # Errors
/// As [`of_apply`].
pub fn of_looks(plan: &Value, around: &Around<'_>) -> Result<Vec<Expected>> {
    World::new(plan, around).finish()
}

/// What asking all checks of a plan sends, with probes or without.
///
/// # Errors
/// As [`of_apply`].
pub fn of_checks(plan: &Value, probes: bool, around: &Around<'_>) -> Result<Vec<Expected>> {
    let mut world = World::new(plan, around);
    checks(plan, probes, &mut world)?;
    world.finish()
}

/// What making a secret anew changes: its file, and the one beside it that keeps the secret before.
///
/// # Errors
/// None, but for the matcher's own.
pub fn rotated(file: &Path, around: &Around<'_>) -> Result<Vec<Expected>> {
    let nothing = Value::Null;
    let mut world = World::new(&nothing, around);
    let file = file.display().to_string();
    for path in [format!("{file}.prev"), file] {
        world.change(&path, Some(file::encrypted()));
    }
    world.finish()
}

fn checks(plan: &Value, probes: bool, world: &mut World<'_>) -> Result<()> {
    for instance in list(plan, "/instances") {
        for check in list(instance, "/planned/checks") {
            world.found.extend(condition::of_check(check, probes, world.around.secrets)?);
        }
    }
    Ok(())
}

/// What several actions settle by happens once.
fn settle<'a, 'p: 'a>(actions: impl Iterator<Item = &'a Action<'p>>, world: &mut World<'_>) -> Result<()> {
    let mut known = Vec::new();
    for action in actions {
        for (step, shown) in list(action.action, "/settle").iter().zip(list(action.shown, "/settle")) {
            if !known.contains(&step) {
                known.push(step);
                step::carried_out(step, Some(shown), action.instance, world)?;
            }
        }
    }
    Ok(())
}

/// An action with what a reviewer is shown of it.
struct Action<'p> {
    instance: &'p str,
    action: &'p Value,
    shown: &'p Value,
}

impl<'p> Action<'p> {
    fn each_move(&self) -> impl Iterator<Item = (&'p Value, &'p Value)> + use<'p> {
        list(self.action, "/moves").iter().map(|one| &one["step"]).zip(list(self.shown, "/moves"))
    }

    fn moves(&self, world: &mut World<'_>) -> Result<()> {
        self.each_move().try_for_each(|(step, shown)| step::carried_out(step, Some(shown), self.instance, world))
    }

    fn proofs(&self, world: &mut World<'_>) -> Result<()> {
        for check in list(self.action, "/proof") {
            world.found.extend(condition::of_check(check, true, world.around.secrets)?);
        }
        Ok(())
    }
}

/// In the order in which they are carried out.
fn actions(plan: &Value) -> Result<Vec<Action<'_>>> {
    let mut found = Vec::new();
    for instance in list(plan, "/instances") {
        let address = instance["address"].as_str().context("an instance without an address")?;
        for (index, action) in list(instance, "/planned/actions").iter().enumerate() {
            let shown = instance.pointer(&format!("/previews/{index}")).context("an action without a preview")?;
            found.push(Action { instance: address, action, shown });
        }
    }
    Ok(found)
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
