//! What a plan says will happen, read from its JSON as a reviewer gets it.
//!
//! A small matcher of its own: it knows nothing of how stackrun shows or carries out a step, only what a step of that
//! name means for the world.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Effect;

/// All effects that this plan holds on servers and files that are recorded. `hba` is the file that rules are written to.
///
/// # Errors
/// A step that the matcher does not know: whoever adds a step says here what it does.
pub fn effects(plan: &Value, store: &Path, hba: &Path) -> Result<Vec<Effect>> {
    let mut found = Vec::new();
    for instance in list(plan, "/instances") {
        for (index, action) in list(instance, "/planned/actions").iter().enumerate() {
            let shown = instance.pointer(&format!("/previews/{index}")).context("an action without a preview")?;
            let moves = list(action, "/moves").iter().map(|one| &one["step"]).zip(list(shown, "/moves"));
            for (step, shown) in moves {
                found.extend(of_step(step, shown, store, hba)?);
            }
        }
    }
    found.extend(settles(plan, store, hba)?);
    Ok(found)
}

/// What several actions settle by happens once.
fn settles(plan: &Value, store: &Path, hba: &Path) -> Result<Vec<Effect>> {
    let (mut found, mut known) = (Vec::new(), Vec::new());
    for instance in list(plan, "/instances") {
        for (index, action) in list(instance, "/planned/actions").iter().enumerate() {
            let shown = list(instance, &format!("/previews/{index}/settle"));
            for (step, shown) in list(action, "/settle").iter().zip(shown) {
                if !known.contains(&step) {
                    known.push(step);
                    found.extend(of_step(step, shown, store, hba)?);
                }
            }
        }
    }
    Ok(found)
}

fn of_step(step: &Value, shown: &Value, store: &Path, hba: &Path) -> Result<Vec<Effect>> {
    let (kind, of) = step.as_object().and_then(|step| step.iter().next()).context("a step without a name")?;
    let text = |pointer: &str| of.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let need = |pointer: &str| text(pointer).with_context(|| format!("{kind} says no {pointer}"));
    let headline = shown["headline"].as_str().unwrap_or_default();
    let file = |path: String| Effect::File(path);
    let at =
        |action: &str| Ok::<_, anyhow::Error>(Effect::Engine(format!("POST /containers/{}/{action}", need("/name")?)));
    Ok(match kind.as_str() {
        "sql" => vec![Effect::sql(headline)],
        "sql_reload" => vec![Effect::Sql("SELECT pg_catalog.pg_reload_conf()".to_owned())],
        "admit" => vec![file(hba.display().to_string())],
        "secret_generate" => {
            let made = of.pointer("/into/made").context("a secret without a name")?;
            let (instance, name) = (made[0].as_str().unwrap_or_default(), made[1].as_str().unwrap_or_default());
            vec![file(store.join(instance).join(format!("{name}.age")).display().to_string())]
        }
        "directory_make" | "file_write" => vec![file(need("/path")?)],
        "container_create" => {
            let name = need("/definition/name")?;
            let image = need("/definition/image_id")?;
            vec![Effect::Engine(format!("POST /containers/create?name={name} of {image}"))]
        }
        "container_start" => vec![at("start")?],
        "container_stop" => vec![at("stop?t=10")?],
        "container_rename" => vec![at(&format!("rename?name={}", need("/to")?))?],
        "container_remove" => vec![Effect::Engine(format!("DELETE /containers/{}?force=true", need("/name")?))],
        "prove_from_inside" => vec![Effect::Engine(format!("POST /libpod/containers/{}/init", need("/name")?))],
        "service_run" => match (need("/connection")?.as_str(), need("/verb")?.as_str()) {
            ("caddy", "validate") => vec![Effect::Caddy("POST /adapt".to_owned())],
            ("caddy", "reload") => vec![Effect::Caddy("POST /load".to_owned())],
            (_, verb) => vec![Effect::Verb(verb.to_owned())],
        },
        // These look, or send to where no recorder stands.
        "await" | "http_send" | "http_exchange" => Vec::new(),
        "unless" => of_step(of.get("step").context("unless without a step")?, shown, store, hba)?,
        other => bail!("the matcher does not know the step {other}: say here what it does to the world"),
    })
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
