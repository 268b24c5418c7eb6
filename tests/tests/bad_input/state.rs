//! The state file: damaged, from a newer stackrun, or held by another run.

use std::{
    fs,
    net::TcpListener,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use stackrun_tests::stack::Stack;

use crate::{
    DONE, ERROR, LOCKED,
    machine::{Machine, path, told},
};

const COMMANDS: [(&str, &[&str]); 5] =
    [("plan", &[]), ("apply", &["--yes"]), ("status", &[]), ("verify", &[]), ("destroy", &["--yes"])];

pub fn files(machine: &Machine<'_>) -> Result<()> {
    let stack = machine.stack_on("state", &[])?;
    stack.quietly("status", &[], DONE)?;
    let file = machine.lab.dir.join("bad/state/state/mediamanager.state");
    let good = fs::read(&file).context("a first look has made a state")?;
    let refused = |bytes: &[u8], says: &[&str]| -> Result<()> {
        fs::write(&file, bytes)?;
        for (command, more) in COMMANDS {
            told(&stack.quietly(command, more, ERROR)?, says).context(command)?;
            ensure!(fs::read(&file)? == bytes, "{command} changed the state");
        }
        Ok(())
    };
    let damaged = ["mediamanager.state can't be read", "nothing was changed", "put back a copy of it, or move it away"];
    refused(b"no state of anybody's", &damaged).context("something else")?;
    refused(&good[..good.len() / 2], &damaged).context("cut off")?;
    refused(b"", &["mediamanager.state is empty", "nothing was changed", "put back a copy of it"]).context("empty")?;
    // The version that SQLite keeps for its users stands at byte 60.
    let mut newer = good.clone();
    newer.get_mut(60..64).context("a header")?.copy_from_slice(&99_u32.to_be_bytes());
    refused(&newer, &["was written by a newer stackrun (version 99", "upgrade stackrun"]).context("newer")?;
    // Only pages that a plan does not read: found before anything is changed in its name.
    let mut torn = good.clone();
    let last = good.len() - 4096;
    torn.get_mut(last..).context("more than a page")?.fill(0xa5);
    fs::write(&file, &torn)?;
    told(&stack.quietly("apply", &["--yes"], ERROR)?, &damaged).context("torn")?;
    fs::write(&file, &good)?;
    stack.quietly("plan", &[], DONE).map(drop)
}

/// Whoever comes second is told who was first, and does not wait.
pub fn locked_by_another_run(machine: &Machine<'_>) -> Result<()> {
    let stack = machine.stack_on("locked", &[])?;
    let (mut first, _silent) = holding(machine)?;
    let outcome = second(&stack, first.id());
    first.kill()?;
    first.wait()?;
    outcome?;
    // The lock ends with its holder.
    stack.quietly("destroy", &["--yes"], DONE).map(drop)
}

fn second(stack: &Stack, first: u32) -> Result<()> {
    let process = format!("(process {first})");
    for (command, more) in [("apply", &["--yes"][..]), ("destroy", &["--yes"])] {
        let ended = stack.quietly(command, more, LOCKED)?;
        told(
            &ended,
            &["another run of stackrun holds the lock of stack `mediamanager`", &process, "wait for it to end"],
        )?;
    }
    // Who only looks is not kept waiting.
    stack.quietly("plan", &[], DONE).map(drop)
}

/// An apply with the same state that has taken the lock, and waits for a server that says nothing.
fn holding(machine: &Machine<'_>) -> Result<(Child, TcpListener)> {
    let lab = machine.lab;
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let password = machine.write("bad/password-for-the-silent", "password")?;
    let socket = format!("socket   = \"{}\"", path(&lab.postgres.socket)?);
    let server = silent.local_addr()?;
    let url = format!("url = \"postgresql://postgres@{server}/postgres\"\npassword_file = \"{}\"", path(&password)?);
    let waiting = machine.stack_on("holding", &[(&socket, &url), ("login_as = \"postgres\"", "")])?;
    let text = fs::read_to_string(&waiting.host)?.replace("bad/holding/state", "bad/locked/state");
    fs::write(&waiting.host, text)?;
    let mut first = waiting.command("apply", &["--yes"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let lock = fs::canonicalize(lab.dir.join("bad/locked"))?.join("state/mediamanager.lock");
    let until = Instant::now() + Duration::from_secs(60);
    while fs::read_to_string(&lock).unwrap_or_default() != first.id().to_string() {
        if let Some(status) = first.try_wait()? {
            bail!("the first run ended with {status} and did not wait");
        }
        ensure!(Instant::now() < until, "the first run does not take the lock");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok((first, silent))
}
