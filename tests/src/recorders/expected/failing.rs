//! What an apply does that fails: everything up to the step that fails, and that action's steps back again.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{
    Action, Around, World, actions, container, list, settle,
    step::{self, Shown},
};
use crate::recorders::{Effect, Expected};

/// Which step fails: the first of its kind of that instance.
#[derive(Debug, Clone, Copy)]
pub struct Failing<'a> {
    /// Whose.
    pub instance: &'a str,
    /// `service_run`
    pub kind: &'a str,
}

/// All effects of an apply that fails.
///
/// # Errors
/// No such step; a step that the matcher does not know, or not how it is taken back.
pub fn effects(plan: &Value, failing: Failing<'_>, around: &Around<'_>) -> Result<Vec<Expected>> {
    let mut world = World::new(plan, around);
    let actions = actions(plan)?;
    let fails = |action: &Action<'_>| {
        let is_it = |(step, _): (&Value, &Value)| step.get(failing.kind).is_some();
        action.instance == failing.instance && action.each_move().any(is_it)
    };
    let at = actions.iter().position(fails).context("the plan has no such step")?;
    for action in &actions[..at] {
        action.moves(&mut world)?;
        action.proofs(&mut world)?;
    }
    settle(actions[..at].iter(), &mut world)?;

    let action = &actions[at];
    let mut begun = Vec::new();
    for ((step, shown), one) in action.each_move().zip(list(action.action, "/moves")) {
        let path = step.pointer("/file_write/path").and_then(Value::as_str);
        begun.push((Shown::read(step, Some(shown), action.instance)?, one, path.map(|path| world.file(path))));
        step::carried_out(step, Some(shown), action.instance, &mut world)?;
        if step.get(failing.kind).is_some() {
            break;
        }
    }
    for (step, one, before) in begun.into_iter().rev() {
        match one["revert"].as_str() {
            Some("by_host") => by_host(&step, before, &mut world)?,
            _ if one["revert"].get("none").is_some() => {}
            _ => {
                for revert in list(one, "/revert/steps") {
                    step::carried_out(revert, None, action.instance, &mut world)?;
                }
            }
        }
    }
    world.finish()
}

/// "The host puts back what it found", step by step. The plan says no more of it than these words.
fn by_host(step: &Shown<'_>, before: Option<Option<String>>, world: &mut World<'_>) -> Result<()> {
    match step.kind {
        "file_write" => world.change(step.need("/path")?, before.context("a file without a path")?),
        "container_create" => world.once(Effect::Engine(container::remove(step.need("/definition/name")?))),
        "container_stop" => world.once(Effect::Engine(format!("POST /containers/{}/start", step.need("/name")?))),
        // Until it has ended: between two starts of a crash loop the engine misses it, and not at all once it gives up.
        "container_start" => {
            let stop = Expected::asked(Effect::Engine(container::stop(step.need("/name")?)));
            world.found.push(Expected { at_least: 0, ..stop });
        }
        "service_run" | "await" | "prove_from_inside" => {}
        other => bail!("the matcher does not know how {other} is taken back: say here what that does"),
    }
    Ok(())
}
