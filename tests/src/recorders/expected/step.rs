//! What each step means for the world.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{condition, connections, container, file, headline, list, patch, sql, value, world::World};
use crate::recorders::{Effect, Expected};

/// A step with its name, and what a reviewer is shown of it.
pub struct Shown<'p> {
    pub kind: &'p str,
    pub of: &'p Value,
    pub preview: Option<&'p Value>,
    pub instance: &'p str,
}

impl<'p> Shown<'p> {
    pub fn read(step: &'p Value, preview: Option<&'p Value>, instance: &'p str) -> Result<Self> {
        let (kind, of) = step.as_object().and_then(|step| step.iter().next()).context("a step without a name")?;
        Ok(Self { kind, of, preview, instance })
    }

    pub fn need(&self, pointer: &str) -> Result<&'p str> {
        let found = self.of.pointer(pointer).and_then(Value::as_str);
        found.with_context(|| format!("{} says no {pointer}", self.kind))
    }

    pub fn lines(&self) -> Result<&'p [Value]> {
        Ok(list(self.preview.with_context(|| format!("{} is not shown", self.kind))?, "/lines"))
    }

    /// The two lines around what is the instance's own in a file.
    pub fn markers(&self, comment: &str, world: &World<'_>) -> (String, String) {
        let named = format!("stackrun {} {}", world.stack, self.instance);
        (format!("{comment} >>> {named}"), format!("{comment} <<< {named}"))
    }
}

/// Carries a step out in the matcher's world.
pub fn carried_out(step: &Value, preview: Option<&Value>, instance: &str, world: &mut World<'_>) -> Result<()> {
    let step_of = step;
    let step = Shown::read(step, preview, instance)?;
    headline::says(&step)?;
    match step.kind {
        "sql" => sql::statement(&step, world)?,
        "sql_reload" => sql::reload(&step, world)?,
        "admit" => sql::admit(&step, world)?,
        "revoke_admission" => sql::revoke(&step, world),
        "secret_generate" => {
            world.around.secrets.is_generated(step.of)?;
            let path = world.secret(&step.of["into"]["made"], false)?;
            world.change(&path, Some(file::encrypted()));
        }
        "secret_discard" => {
            for previous in [true, false] {
                let path = world.secret(&step.of["of"]["made"], previous)?;
                if world.file(&path).is_some() {
                    world.change(&path, None);
                }
            }
        }
        "directory_make" => file::make_folder(&step, world)?,
        "directory_remove" => {
            let path = step.need("/path")?;
            for inner in world.below(path) {
                world.change(&inner, None);
            }
            world.change(path, None);
        }
        "file_write" => file::write(&step, world)?,
        "file_remove" => world.change(step.need("/path")?, None),
        "file_remove_block" => {
            let (open, close) = step.markers(step.need("/comment")?, world);
            file::edit(step.need("/path")?, world, |text| Ok(patch::without_block(text, &open, &close)))?;
        }
        "container_create" => {
            connections::is_engine(step.of)?;
            container::create(&step, world)?;
        }
        "container_start" | "container_stop" | "container_rename" | "container_remove" => {
            connections::is_engine(step.of)?;
            let request = container::request(&step)?;
            world.once(Effect::Engine(request));
        }
        "prove_from_inside" => {
            connections::is_engine(step.of)?;
            world.once(Effect::Engine(format!("POST /libpod/containers/{}/init", step.need("/name")?)));
            for (check, line) in list(step.of, "/checks").iter().zip(step.lines()?) {
                let says = |text: &Value| text.as_str().unwrap_or_default().to_owned();
                let said = format!("{}: {}", says(&check[0]), says(&check[1]["says"]));
                ensure!(line["text"] == said.as_str(), "{said} is shown as {line}");
                world.found.extend(condition::of_check(&check[1], false, world.around.secrets)?);
            }
        }
        "service_run" => {
            let shown = step.preview.or_else(|| world.shown_verb(step_of)).context("a verb that is not shown")?;
            let verb = verb(&step, shown)?;
            world.once(verb);
        }
        "await" => world.found.extend(condition::of(&step.of["condition"], world.around.secrets)?),
        "http_send" => http(std::slice::from_ref(step.of), world)?,
        "http_exchange" => http(step.of.as_array().context("an exchange without requests")?, world)?,
        // The condition is asked, and in these stacks it does not hold: nobody has done by hand what is to be done.
        "unless" => {
            world.found.extend(condition::of(&step.of["condition"], world.around.secrets)?);
            carried_out(&step.of["step"], preview, instance, world)?;
        }
        other => bail!("the matcher does not know the step {other}: say here what it does to the world"),
    }
    Ok(())
}

/// `POST /load with FILE to …`, or a command in backquotes and the user that it runs as.
fn verb(step: &Shown<'_>, shown: &Value) -> Result<Effect> {
    let text = list(shown, "/lines").first().and_then(|line| line["text"].as_str()).context("a verb without words")?;
    let (connection, verb) = (step.need("/connection")?, step.need("/verb")?);
    if connection == "caddy" {
        let request = match verb {
            "validate" => "POST /adapt",
            "reload" => "POST /load",
            other => bail!("the matcher does not know the verb {other} of Caddy"),
        };
        let rest = text.strip_prefix(request).and_then(|text| text.strip_prefix(" with "));
        let (file, to) = rest.and_then(|rest| rest.split_once(" to ")).context("another request is shown")?;
        let socket = to.strip_prefix("http://localhost at ").and_then(|to| to.strip_suffix(" (connection caddy)"));
        ensure!(socket.is_some_and(|socket| socket.ends_with("/caddy.sock")), "it is sent to {to}");
        return Ok(Effect::Caddy(format!("{request}\nimport `{file}`\n")));
    }
    ensure!(connections::PROVIDERS.contains(&connection), "no recorder stands for the verbs of {connection}");
    let (command, user) =
        text.strip_prefix('`').and_then(|text| text.split_once('`')).context("a verb without words")?;
    let script = command.split(' ').next().unwrap_or_default();
    ensure!(script.ends_with(&format!("/verb-{verb}")), "{verb} is shown as {command}");
    Ok(Effect::Verb(format!("{command}{}", if user.is_empty() { " as root" } else { user })))
}

fn http(requests: &[Value], world: &mut World<'_>) -> Result<()> {
    for request in requests {
        world.found.push(Expected::once(Effect::Http(value::request(request, world.around.secrets)?)));
        // The plan does not say which of the values it keeps are secrets. An identifier is none: it goes into state.
        let is_secret = |capture: &&Value| capture["into"]["made"][1] != "client_id";
        for capture in list(request, "/captures").iter().filter(is_secret) {
            let of = &capture["into"]["made"];
            let path = world.secret(of, false)?;
            // The one before is kept beside it.
            if world.file(&path).is_some() {
                world.change(&world.secret(of, true)?, Some(file::encrypted()));
            }
            world.change(&path, Some(file::encrypted()));
        }
    }
    Ok(())
}
