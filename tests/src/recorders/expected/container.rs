//! What an engine is told.

use anyhow::{Result, bail};

use super::step::Shown;
use super::value;
use super::world::World;
use crate::recorders::Effect;

/// The labels by which stackrun knows its containers again. The plan does not show them; they are the same for all.
fn labels<'a>(step: &Shown<'a>, world: &World<'a>) -> [(&'static str, &'a str); 2] {
    [("stackrun.stack", world.stack), ("stackrun.instance", step.instance)]
}

pub fn create(step: &Shown<'_>, world: &mut World<'_>) -> Result<()> {
    let body = value::container(&step.of["definition"], labels(step, world), world.around.publish)?;
    let name = step.need("/definition/name")?;
    world.once(Effect::Engine(format!("POST /containers/create?name={name}\n{body}")));
    Ok(())
}

/// The request of a step that has no body.
pub fn request(step: &Shown<'_>) -> Result<String> {
    let name = step.need("/name")?;
    Ok(match step.kind {
        "container_start" => format!("POST /containers/{name}/start"),
        "container_stop" => stop(name),
        "container_rename" => format!("POST /containers/{name}/rename?name={}", step.need("/to")?),
        "container_remove" => remove(name),
        other => bail!("{other} is not told an engine"),
    })
}

pub fn stop(name: &str) -> String {
    format!("POST /containers/{name}/stop?t=10")
}

pub fn remove(name: &str) -> String {
    format!("DELETE /containers/{name}?force=true")
}
