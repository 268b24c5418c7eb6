//! Conditions about a container's run: it stays up, it answers.
//!
//! Engines start a program that crashed again and say `running` in between, so a crash loop is seen by the number of
//! restarts and the time of the last start. That it goes round at all is reason enough to stop waiting.

pub mod answers;
pub mod stays_up;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    ContainerSubject,
    client::{Engine, Inspect},
};
use crate::{
    capability::{Acting, Condition, ConditionKind, Gate},
    model::{Denial, Failure},
};

/// What a line of an application's log means: a fact of its contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogMeaning {
    /// A line with these characters in it.
    pub contains: String,
    /// What it means, and what to do about it.
    pub means: String,
    /// Whether the line itself may be shown.
    pub line: LogLine,
}

/// Whether a line of a log may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLine {
    /// It may.
    Show,
    /// It holds a secret in a form that stackrun can't know.
    Hide,
}

impl Condition {
    /// The same, that says what a line of the log means when it does not hold (`containers.explained`). A condition that
    /// is about no container stays as it is.
    pub fn explained(mut self, meaning: LogMeaning) -> Self {
        match &mut self.kind {
            ConditionKind::ContainerStaysUp(kind) => kind.log.push(meaning),
            ConditionKind::ContainerAnswers(kind) => kind.log.push(meaning),
            _ => {}
        }
        self
    }
}

/// Restarts after which a container is in a crash loop.
const LOOP: i64 = 3;
/// A container that has been up for this long has left its crash loop.
const OUT_OF_THE_LOOP: Duration = Duration::from_secs(60);
/// Lines of the log that explain a failure.
const LAST_LINES: u32 = 12;

/// How a container's run looks at one moment.
enum Run {
    /// Not running now; in one sentence.
    Down(String),
    /// Waiting is pointless; in one sentence.
    Lost(String),
    /// Running for so long, restarted so many times since somebody started it.
    Up { container: Box<Inspect>, since: Duration },
}

async fn look(engine: &Engine, name: &str) -> Result<Run, Failure> {
    let Some(container) = engine.inspect(name).await? else {
        return Ok(Run::Lost(format!("there is no container `{name}`")));
    };
    let state = &container.state;
    let (restarts, code) = (container.restart_count, state.exit_code);
    let since = up_since(&state.started_at);
    let memory = if state.oom_killed { ": it used more memory than it may" } else { "" };
    let in_loop = restarts >= LOOP && (!state.running || since < OUT_OF_THE_LOOP);
    Ok(if in_loop {
        Run::Lost(format!("container `{name}` crashes again and again: {restarts} restarts{}{memory}", last_exit(code)))
    } else if state.running {
        Run::Up { container: Box::new(container), since }
    } else if state.restarting || state.is_between_starts() {
        Run::Down(format!("container `{name}` ended with exit code {code}{memory}, and is started again"))
    } else if state.status == "created" || state.status == "initialized" {
        Run::Down(format!("container `{name}` was not started"))
    } else {
        let why = if state.error.is_empty() { String::new() } else { format!(" ({})", state.error) };
        Run::Lost(format!("container `{name}` ended with exit code {code}{memory}{why}"))
    })
}

/// While its program runs again the engines say exit code 0.
fn last_exit(code: i64) -> String {
    if code == 0 { String::new() } else { format!(", the last with exit code {code}") }
}

/// How long ago the engine started it, by the clock of the machine that both run on.
fn up_since(started_at: &str) -> Duration {
    let started = OffsetDateTime::parse(started_at, &Rfc3339).unwrap_or_else(|_| OffsetDateTime::now_utc());
    Duration::try_from(OffsetDateTime::now_utc() - started).unwrap_or_default()
}

/// What was seen, with the last lines of the log and what the contract says that they mean.
async fn explained(acting: &Acting<'_>, engine: &Engine, name: &str, seen: String, meanings: &[LogMeaning]) -> String {
    let Ok(lines) = engine.last_lines(name, LAST_LINES).await else { return seen };
    let mut text = seen;
    let meant = |line: &str| meanings.iter().find(|meaning| line.contains(&meaning.contains));
    let mut means: Vec<&str> = Vec::new();
    for line in &lines {
        let meaning = meant(line);
        if let Some(meaning) = meaning
            && !means.contains(&meaning.means.as_str())
        {
            means.push(&meaning.means);
        }
        match meaning.map(|meaning| meaning.line) {
            Some(LogLine::Hide) => text.push_str("\n    | (a line that may hold a secret)"),
            _ => text.push_str(&format!("\n    | {}", acting.world.vault.redact(line))),
        }
    }
    for meaning in means {
        text.push_str(&format!("\n  {meaning}"));
    }
    text
}

fn permit(gate: &Gate, connection: &str, name: &str) -> Result<(), Denial> {
    gate.container(ContainerSubject { connection: connection.to_owned(), name: name.to_owned() }).map(|_| ())
}
