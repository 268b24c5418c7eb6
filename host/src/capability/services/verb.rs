//! Verbs: what a connection's operator allows to be run.
//!
//! The command stands in the host file, word by word; a plugin passes nothing. It runs without a shell, without
//! standard input, as the user and with the environment named there, and never longer than its timeout. When the
//! operator gives a command for a verb that the connection brings by itself, theirs is run.

use std::{collections::BTreeSet, process::Stdio, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use tokio::process::Command;

use super::{VerbSubject, caddy};
use crate::{
    model::{ConnectionSettings, Permit, Verb},
    words::shell_line,
    world::Connections,
};

/// Where programs are looked for, and what the command gets as PATH unless its `env` says otherwise.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin";

/// How much of a failed command's output is shown.
const SHOWN_LINES: usize = 15;

/// The verbs of a connection, sorted.
pub fn names(connection: &ConnectionSettings) -> Vec<String> {
    let built_in = built_in(connection).iter().map(|verb| (*verb).to_owned());
    connection.verbs.keys().cloned().chain(built_in).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What a verb does, for the reviewer: the command itself, or the request behind it.
pub fn says(connection: &ConnectionSettings, verb: &str) -> String {
    match connection.verbs.get(verb) {
        Some(command) => {
            let line = shell_line(&command.command);
            match &command.user {
                Some(user) => format!("`{line}` as {user}"),
                None => format!("`{line}`"),
            }
        }
        None if built_in(connection).contains(&verb) => caddy::says(connection, verb),
        None => "nothing: the connection has no such verb".to_owned(),
    }
}

/// Runs a verb. The error of a command holds the end of its output, which may hold secrets: redact it.
pub async fn run(permit: &Permit<VerbSubject>, connections: &Connections) -> Result<()> {
    let VerbSubject { connection, verb } = permit.subject();
    let connection = connections.settings(connection).map_err(anyhow::Error::new)?;
    match connection.verbs.get(verb) {
        Some(command) => run_command(command)
            .await
            .with_context(|| format!("`{verb}` of connection {}: {}", connection.name, says(connection, verb))),
        None if built_in(connection).contains(&verb.as_str()) => {
            caddy::run(permit, &connections.http(), connection).await.map_err(anyhow::Error::new)
        }
        None => bail!(
            "connection {} has no verb `{verb}`; add to the host file:\n  \
             [connection.{}.verbs]\n  {verb} = {{ command = [\"…\"] }}",
            connection.name,
            connection.name
        ),
    }
}

fn built_in(connection: &ConnectionSettings) -> &'static [&'static str] {
    if connection.kind == caddy::KIND { &caddy::VERBS } else { &[] }
}

async fn run_command(verb: &Verb) -> Result<()> {
    let (program, arguments) = verb.command.split_first().ok_or_else(|| anyhow!("its `command` is empty"))?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("PATH", PATH).envs(&verb.env).current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    if let Some(user) = &verb.user {
        // Supplementary groups are dropped by the standard library when root takes another uid.
        let ids = ids_of(user).await?;
        command.uid(ids.0).gid(ids.1);
    }
    let limit = Duration::from_secs(verb.timeout.into());
    let output = tokio::time::timeout(limit, command.output())
        .await
        .map_err(|_| anyhow!("still running after {} s, stopped", verb.timeout))?
        .with_context(|| format!("`{program}` can't be started"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stderr, output.stdout].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    bail!("{}\n{}", output.status, last_lines(&said))
}

/// User and primary group by name or number, from wherever this machine keeps its users.
async fn ids_of(user: &str) -> Result<(u32, u32)> {
    let asked = Command::new("getent").args(["passwd", "--", user]).env("PATH", PATH).stdin(Stdio::null()).output();
    let answer = tokio::time::timeout(Duration::from_secs(10), asked)
        .await
        .map_err(|_| anyhow!("getent does not answer who {user} is"))?
        .context("getent can't be started")?;
    let line = String::from_utf8_lossy(&answer.stdout).into_owned();
    let mut fields = line.trim_end().split(':').skip(2).map(str::parse::<u32>);
    match (fields.next(), fields.next()) {
        (Some(Ok(uid)), Some(Ok(gid))) => Ok((uid, gid)),
        _ => bail!("there is no user {user} on this machine"),
    }
}

fn last_lines(said: &str) -> String {
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let from = lines.len().saturating_sub(SHOWN_LINES);
    lines[from..].iter().map(|line| format!("  | {}", crate::words::printable(line))).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verb(command: &[&str]) -> Verb {
        let command = command.iter().map(|word| (*word).to_owned()).collect();
        Verb { command, user: None, env: [("GREETING".to_owned(), "hello".to_owned())].into(), timeout: 1 }
    }

    #[tokio::test]
    async fn a_command_gets_its_own_environment_and_no_shell() {
        run_command(&verb(&["sh", "-c", "test \"$GREETING\" = hello && test -z \"$HOME$CARGO\""])).await.unwrap();
        run_command(&verb(&["test", "$GREETING", "=", "$GREETING"])).await.unwrap();
    }

    #[tokio::test]
    async fn a_failed_command_shows_its_last_words() {
        let error = run_command(&verb(&["sh", "-c", "echo first; echo why >&2; exit 3"])).await.unwrap_err();
        assert_eq!(error.to_string(), "exit status: 3\n  | why\n  | first");
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_stopped() {
        let error = run_command(&verb(&["sleep", "60"])).await.unwrap_err();
        assert_eq!(error.to_string(), "still running after 1 s, stopped");
    }

    #[tokio::test]
    async fn users_are_known_by_name_and_number() {
        assert_eq!(ids_of("root").await.unwrap(), (0, 0));
        assert_eq!(ids_of("0").await.unwrap(), (0, 0));
        assert!(ids_of("nobody-of-that-name").await.is_err());
    }
}
