//! What the statements of a plan mean, and the rules that let a role in.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{connections, file::edit, list, patch, secrets, step::Shown, world::World};
use crate::recorders::Effect;

/// The database that a statement is sent to when it is none of a database's own.
const MAINTENANCE: &str = "postgres";

/// A statement that changes something.
pub fn statement(step: &Shown<'_>, world: &mut World<'_>) -> Result<()> {
    let (database, statement) = sql(step)?;
    world.once(Effect::sql(database, &statement));
    Ok(())
}

/// The server is told to read its configuration again, and does.
pub fn reload(step: &Shown<'_>, world: &mut World<'_>) -> Result<()> {
    connections::is_database(step.of)?;
    world.once(Effect::sql(MAINTENANCE, "SELECT pg_catalog.pg_reload_conf()"));
    world.once(Effect::Sql("the server reads its configuration again".to_owned()));
    Ok(())
}

/// The database, and the statement as this matcher would write it; the reviewer is shown the same one.
fn sql(step: &Shown<'_>) -> Result<(&'static str, String)> {
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
pub fn admit(step: &Shown<'_>, world: &mut World<'_>) -> Result<()> {
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

/// The rules of an instance taken out again, wherever there are some.
pub fn revoke(step: &Shown<'_>, world: &mut World<'_>) {
    let (open, close) = step.markers("#", world);
    for path in [&world.around.lab.postgres.ident, &world.around.lab.postgres.hba] {
        let path = path.display().to_string();
        if world.file(&path).is_some_and(|text| text.contains(&open)) {
            let _ = edit(&path, world, |text| Ok(patch::without_block(text, &open, &close)));
        }
    }
}
