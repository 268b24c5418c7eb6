//! What each step means for the world.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{
    condition, connections, container, document, headline, list, patch, secrets, value,
    world::{World, number},
};
use crate::recorders::{
    Effect, Expected,
    files::{file_says, folder_says},
    pattern::{ANYTHING, HOLE},
};

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
        "sql" => {
            let (database, statement) = sql(&step)?;
            world.once(Effect::sql(database, &statement));
        }
        "sql_reload" => {
            connections::is_database(step.of)?;
            world.once(Effect::sql(MAINTENANCE, "SELECT pg_catalog.pg_reload_conf()"));
            world.once(Effect::Sql("the server reads its configuration again".to_owned()));
        }
        "admit" => admit(&step, world)?,
        "revoke_admission" => revoke(&step, world),
        "secret_generate" => {
            world.around.secrets.is_generated(step.of)?;
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

/// The database, and the statement as this matcher would write it; the reviewer is shown the same one.
pub fn sql(step: &Shown<'_>) -> Result<(&'static str, String)> {
    connections::is_database(step.of)?;
    let (kind, of) = step.of["statement"].as_object().and_then(|one| one.iter().next()).context("a statement")?;
    let name = |key: &str| {
        let name = of[key].as_str().with_context(|| format!("{kind} says no {key}"))?;
        Ok::<_, anyhow::Error>(format!("\"{}\"", name.replace('"', "\"\"")))
    };
    let statement = match kind.as_str() {
        "create_role" => format!("CREATE ROLE {} LOGIN", name("role")?),
        "allow_login" => format!("ALTER ROLE {} LOGIN", name("role")?),
        "set_password" => {
            let made = of.pointer("/verifier/derived/1/made").context("a verifier of no secret")?;
            ensure!(of["verifier"]["derived"][0] == "scram-sha256", "the matcher knows no other verifier");
            let secret = secrets::name(made)?;
            format!("ALTER ROLE {} PASSWORD '(SCRAM-SHA-256 verifier of {secret})'", name("role")?)
        }
        "drop_role" => format!("DROP ROLE {}", name("role")?),
        "drop_database" => format!("DROP DATABASE {}", name("database")?),
        "set_owner" => format!("ALTER DATABASE {} OWNER TO {}", name("database")?, name("owner")?),
        "create_database" => {
            connections::is_database(of)?;
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
        ensure!(headline == statement, "`{statement}` is shown as `{headline}`");
        let place = format!("on {}", step.need("/connection")?);
        ensure!(list(preview, "/lines").iter().all(|line| line["text"] == place.as_str()), "it is sent elsewhere");
    }
    Ok((MAINTENANCE, statement))
}

/// `/etc/postgresql/15/main/pg_hba.conf @@ -1,3 +1,6 @@`
fn header(line: &Value) -> Option<&str> {
    line["text"].as_str().and_then(|text| text.split_once(" @@ ")).map(|(path, _)| path)
}

/// The files whose names stand in front of what changes in them.
fn admit(step: &Shown<'_>, world: &mut World<'_>) -> Result<()> {
    connections::is_database(step.of)?;
    let (lines, secrets) = (step.lines()?, world.around.secrets);
    let starts: Vec<usize> = (0..lines.len()).filter(|at| header(&lines[*at]).is_some()).collect();
    for (index, at) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(lines.len());
        let path = header(&lines[*at]).context("a file without a name")?;
        edit(path, world, |text| patch::patched(text, &lines[at + 1..end], secrets))?;
    }
    // What is shown of the files is what the rules say.
    let word = |of: &Value, key: &str| of[key].as_str().unwrap_or_default().to_owned();
    let rule = |of: &Value| {
        let network = of["network"].as_str().map(|network| format!("{network} ")).unwrap_or_default();
        let map = of["map"].as_str().map(|map| format!(" map={map}")).unwrap_or_default();
        let kind = if network.is_empty() { "local" } else { "host" };
        format!("{kind} {} {} {network}{}{map}\n", word(of, "database"), word(of, "role"), word(of, "method"))
    };
    let mapping = |of: &Value| format!("{} {} {}\n", word(of, "map"), word(of, "system_user"), word(of, "role"));
    let (open, close) = step.markers("#", world);
    let postgres = &world.around.lab.postgres;
    let rules = list(step.of, "/hba").iter().map(rule).collect::<String>();
    let mappings = list(step.of, "/ident").iter().map(mapping).collect::<String>();
    for (path, said) in [(&postgres.hba, rules), (&postgres.ident, mappings)] {
        let file = world.file(&path.display().to_string()).unwrap_or_default();
        let shown = patch::block(&file, &open, &close).unwrap_or_default();
        ensure!(shown == said, "{said:?} is shown as {shown:?}");
    }
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
    let (path, secrets) = (step.need("/path")?, world.around.secrets);
    if let Some(block) = step.of.pointer("/region/block") {
        ensure!(block["position"] == "last", "the matcher knows no block that goes first: say here where that is");
        let (open, close) = step.markers(block["comment"].as_str().unwrap_or_default(), world);
        edit(path, world, |text| patch::block_patched(text, &open, &close, step.lines()?, secrets))?;
        let after = world.file(path).unwrap_or_default();
        return document::is_shown(
            &step.of["content"],
            patch::block(&after, &open, &close).unwrap_or_default(),
            secrets,
        );
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
    let content = patch::patched(text, step.lines()?, secrets).with_context(|| path.to_owned())?;
    document::is_shown(&step.of["content"], &content, secrets).with_context(|| path.to_owned())?;
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
                world.change(&world.secret(of, true)?, Some(encrypted()));
            }
            world.change(&path, Some(encrypted()));
        }
    }
    Ok(())
}
