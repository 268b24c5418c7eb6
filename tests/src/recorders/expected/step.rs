//! What each step means for the world.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::world::{World, number};
use super::{condition, container, list, patch, value};
use crate::recorders::files::{file_says, folder_says};
use crate::recorders::pattern::{ANYTHING, HOLE};
use crate::recorders::{Effect, Expected};

/// The database that a statement is sent to when it is none of a database's own.
const MAINTENANCE: &str = "postgres";

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

    fn lines(&self) -> Result<&'p [Value]> {
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
    match step.kind {
        "sql" => {
            let (database, statement) = sql(&step)?;
            world.once(Effect::sql(database, &statement));
        }
        "sql_reload" => {
            world.once(Effect::sql(MAINTENANCE, "SELECT pg_catalog.pg_reload_conf()"));
            world.once(Effect::Sql("the server reads its configuration again".to_owned()));
        }
        "admit" => admit(step.lines()?, world)?,
        "revoke_admission" => revoke(&step, world),
        "secret_generate" => {
            let path = world.secret(&step.of["into"]["made"], false)?;
            world.change(&path, Some(encrypted()));
        }
        "secret_discard" => {
            for previous in [true, false] {
                let path = world.secret(&step.of["of"]["made"], previous)?;
                if world.file(&path).is_some() {
                    world.change(&path, None);
                }
            }
        }
        "directory_make" => directory_make(&step, world)?,
        "directory_remove" => {
            let path = step.need("/path")?;
            for inner in world.below(path) {
                world.change(&inner, None);
            }
            world.change(path, None);
        }
        "file_write" => file_write(&step, world)?,
        "file_remove" => world.change(step.need("/path")?, None),
        "file_remove_block" => {
            let (open, close) = step.markers(step.need("/comment")?, world);
            edit(step.need("/path")?, world, |text| Ok(patch::without_block(text, &open, &close)))?;
        }
        "container_create" => container::create(&step, world)?,
        "container_start" | "container_stop" | "container_rename" | "container_remove" => {
            let request = container::request(&step)?;
            world.once(Effect::Engine(request));
        }
        "prove_from_inside" => {
            world.once(Effect::Engine(format!("POST /libpod/containers/{}/init", step.need("/name")?)));
            for check in list(step.of, "/checks") {
                world.found.extend(condition::of_check(&check[1], false)?);
            }
        }
        "service_run" => {
            let shown = step.preview.or_else(|| world.shown_verb(step_of)).context("a verb that is not shown")?;
            let verb = verb(shown)?;
            world.once(verb);
        }
        "await" => world.found.extend(condition::of(&step.of["condition"])?),
        "http_send" => http(std::slice::from_ref(step.of), world)?,
        "http_exchange" => http(step.of.as_array().context("an exchange without requests")?, world)?,
        // The condition is asked, and in these stacks it does not hold: nobody has done by hand what is to be done.
        "unless" => {
            world.found.extend(condition::of(&step.of["condition"])?);
            carried_out(&step.of["step"], preview, instance, world)?;
        }
        other => bail!("the matcher does not know the step {other}: say here what it does to the world"),
    }
    Ok(())
}

/// The database, and the statement as this matcher would write it; the reviewer is shown the same one.
pub fn sql(step: &Shown<'_>) -> Result<(&'static str, String)> {
    let (kind, of) = step.of["statement"].as_object().and_then(|one| one.iter().next()).context("a statement")?;
    let name = |key: &str| {
        let name = of[key].as_str().with_context(|| format!("{kind} says no {key}"))?;
        Ok::<_, anyhow::Error>(format!("\"{}\"", name.replace('"', "\"\"")))
    };
    let statement = match kind.as_str() {
        "create_role" => format!("CREATE ROLE {} LOGIN", name("role")?),
        "allow_login" => format!("ALTER ROLE {} LOGIN", name("role")?),
        "set_password" => format!("ALTER ROLE {} PASSWORD '(of the plan)'", name("role")?),
        "drop_role" => format!("DROP ROLE {}", name("role")?),
        "drop_database" => format!("DROP DATABASE {}", name("database")?),
        "set_owner" => format!("ALTER DATABASE {} OWNER TO {}", name("database")?, name("owner")?),
        "create_database" => {
            ensure!(
                ["encoding", "locale", "template"].iter().all(|option| of[option].is_null()),
                "the matcher knows no options of a database: say here what they mean"
            );
            format!("CREATE DATABASE {} OWNER {}", name("name")?, name("owner")?)
        }
        other => bail!("the matcher does not know the statement {other}: say here what it does"),
    };
    if let Some(preview) = step.preview {
        let headline = preview["headline"].as_str().unwrap_or_default();
        let (shown, known) = (Effect::sql(MAINTENANCE, headline), Effect::sql(MAINTENANCE, &statement));
        ensure!(shown == known, "{known:?} is shown as {shown:?}");
    }
    Ok((MAINTENANCE, statement))
}

/// `/etc/postgresql/15/main/pg_hba.conf @@ -1,3 +1,6 @@`
fn header(line: &Value) -> Option<&str> {
    line["text"].as_str().and_then(|text| text.split_once(" @@ ")).map(|(path, _)| path)
}

/// The files whose names stand in front of what changes in them.
fn admit(lines: &[Value], world: &mut World<'_>) -> Result<()> {
    let starts: Vec<usize> = (0..lines.len()).filter(|at| header(&lines[*at]).is_some()).collect();
    for (index, at) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(lines.len());
        let path = header(&lines[*at]).context("a file without a name")?;
        edit(path, world, |text| patch::patched(text, &lines[at + 1..end]))?;
    }
    ensure!(!starts.is_empty(), "the rules are let in without a file that changes");
    Ok(())
}

fn revoke(step: &Shown<'_>, world: &mut World<'_>) {
    let (open, close) = step.markers("#", world);
    for path in [&world.around.lab.postgres.ident, &world.around.lab.postgres.hba] {
        let path = path.display().to_string();
        if world.file(&path).is_some_and(|text| text.contains(&open)) {
            let _ = edit(&path, world, |text| Ok(patch::without_block(text, &open, &close)));
        }
    }
}

/// Changes a file's text; who owns it and who may read it stays.
fn edit(path: &str, world: &mut World<'_>, change: impl FnOnce(&str) -> Result<String>) -> Result<()> {
    let before = world.file(path).with_context(|| format!("{path} is not there to be edited"))?;
    let (about, text) = before.split_once('\n').with_context(|| format!("{path} is no file"))?;
    let after = format!("{about}\n{}", change(text).with_context(|| path.to_owned())?);
    world.change(path, Some(after));
    Ok(())
}

fn file_write(step: &Shown<'_>, world: &mut World<'_>) -> Result<()> {
    let path = step.need("/path")?;
    if let Some(block) = step.of.pointer("/region/block") {
        ensure!(block["position"] == "last", "the matcher knows no block that goes first: say here where that is");
        let (open, close) = step.markers(block["comment"].as_str().unwrap_or_default(), world);
        return edit(path, world, |text| patch::block_patched(text, &open, &close, step.lines()?));
    }
    let before = world.file(path);
    let (about, text) = before.as_deref().and_then(|before| before.split_once('\n')).unwrap_or(("file 0 0:0", ""));
    let owner = match (step.of["ignore_owner"] == true, step.of["owner"].as_object()) {
        (true, _) => HOLE.to_string(),
        (false, Some(owner)) => {
            let word = |key: &str| owner.get(key).and_then(Value::as_str).context("an owner without a name");
            format!("{}:{}", number("/etc/passwd", word("user")?)?, number("/etc/group", word("group")?)?)
        }
        (false, None) => about.rsplit(' ').next().unwrap_or_default().to_owned(),
    };
    let content = patch::patched(text, step.lines()?).with_context(|| path.to_owned())?;
    world.change(path, Some(file_says(mode(step)?, &owner, &content)));
    Ok(())
}

fn directory_make(step: &Shown<'_>, world: &mut World<'_>) -> Result<()> {
    let owner = |key: &str, table: &str| number(table, step.of[key].as_str().unwrap_or("0"));
    let says =
        folder_says(mode(step)?, &format!("{}:{}", owner("owner", "/etc/passwd")?, owner("group", "/etc/group")?));
    world.change(step.need("/path")?, Some(says));
    Ok(())
}

fn mode(step: &Shown<'_>) -> Result<u32> {
    let mode = step.of["mode"].as_u64().with_context(|| format!("{} says no mode", step.kind))?;
    Ok(u32::try_from(mode)?)
}

/// What a secret's file is, as far as anybody can tell. The plan does not show its mode: nobody but root reads it.
pub fn encrypted() -> String {
    file_says(0o600, "0:0", &ANYTHING.to_string())
}

/// `POST /load with FILE to …`, or a command in backquotes and the user that it runs as.
fn verb(shown: &Value) -> Result<Effect> {
    let text = list(shown, "/lines").first().and_then(|line| line["text"].as_str()).context("a verb without words")?;
    if let Some((request, rest)) = text.split_once(" with ") {
        let (file, _) = rest.split_once(" to ").context("a request to nowhere")?;
        return Ok(Effect::Caddy(format!("{request}\nimport `{file}`\n")));
    }
    let (command, user) =
        text.strip_prefix('`').and_then(|text| text.split_once('`')).context("a verb without words")?;
    Ok(Effect::Verb(format!("{command}{}", if user.is_empty() { " as root" } else { user })))
}

fn http(requests: &[Value], world: &mut World<'_>) -> Result<()> {
    for request in requests {
        world.found.push(Expected::once(Effect::Http(value::request(request)?)));
        // The plan does not say which of the values it keeps are secrets. An identifier is none: it goes into state.
        let is_secret = |capture: &&Value| capture["into"]["made"][1] != "client_id";
        for capture in list(request, "/captures").iter().filter(is_secret) {
            let of = &capture["into"]["made"];
            let path = world.secret(of, false)?;
            // The one before is kept beside it.
            if world.file(&path).is_some() {
                world.change(&world.secret(of, true)?, Some(encrypted()));
            }
            world.change(&path, Some(encrypted()));
        }
    }
    Ok(())
}
