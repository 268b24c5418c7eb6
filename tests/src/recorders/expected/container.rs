//! What an engine is told.

use anyhow::{Result, bail, ensure};
use serde_json::Value;

use super::{list, step::Shown, value, world::World};
use crate::recorders::{Effect, request::canonical};

/// What is shown of a container because the lab's image says it, where the definition says nothing.
const OF_THE_IMAGE: &str = "command [\"/app/start.sh\"]";

/// The labels by which stackrun knows its containers again. The plan does not show them; they are the same for all.
fn labels<'a>(step: &Shown<'a>, world: &World<'a>) -> [(&'static str, &'a str); 2] {
    [("stackrun.stack", world.stack), ("stackrun.instance", step.instance)]
}

pub fn create(step: &Shown<'_>, world: &mut World<'_>) -> Result<()> {
    let body = value::container(&step.of["definition"], labels(step, world), &world.around)?;
    is_shown(step, world)?;
    let name = step.need("/definition/name")?;
    world.once(Effect::Engine(format!("POST /containers/create?name={name}\n{body}")));
    Ok(())
}

/// Whether the lines by which a container is shown are what its definition says, and what the image brings.
fn is_shown(step: &Shown<'_>, world: &World<'_>) -> Result<()> {
    let of = &step.of["definition"];
    let word = |of: &Value, key: &str| of[key].as_str().unwrap_or_default().to_owned();
    let mut said = vec![format!("image {} ({})", word(of, "image"), word(of, "image_id"))];
    said.push(format!("restart {}", word(of, "restart")));
    for mount in list(of, "/mounts") {
        let only = if mount["read_only"] == true { ":ro" } else { "" };
        said.push(format!("mounts {}:{}{only}", word(mount, "source"), word(mount, "target")));
    }
    for port in list(of, "/ports") {
        let address = port["host_address"].as_str().unwrap_or(world.around.publish);
        said.push(format!("ports {address}:{}->{}/tcp", port["host"], port["container"]));
    }
    let hosts = list(of, "/extra_hosts").iter();
    said.extend(hosts.map(|host| format!("extra_hosts {}:{}", word(host, "name"), word(host, "address"))));
    for (field, label) in [("command", "command"), ("entrypoint", "entrypoint"), ("memory", "memory"), ("user", "user")]
    {
        said.extend((!of[field].is_null()).then(|| format!("{label} {}", canonical(&of[field]))));
    }
    for pair in list(of, "/env") {
        let value = value::text(&pair[1], world.around.secrets)?;
        said.push(format!("env {}={value}", pair[0].as_str().unwrap_or_default()));
    }
    let signs = ["same", "added", "removed"];
    ensure!(step.lines()?.iter().all(|line| signs.iter().any(|sign| line["sign"] == *sign)), "a line without a sign");
    let is_kept = |line: &&Value| line["sign"] == "same" || line["sign"] == "added";
    let lines = step.lines()?.iter().filter(is_kept).filter_map(|line| line["text"].as_str());
    let mut shown: Vec<&str> =
        lines.filter(|line| *line != OF_THE_IMAGE || said.iter().any(|said| said == line)).collect();
    shown.sort_unstable();
    said.sort_unstable();
    ensure!(shown == said, "{said:#?} is shown as {shown:#?}");
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
