//! Running other programs, with errors that say which one, how it ended and what it wrote last.

use std::io;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How much of a program's output goes into an error: enough for a reason, not a whole log.
const TAIL_LINES: usize = 15;

/// How long a script may be busy.
const BUSY_FOR: Duration = Duration::from_secs(10);

/// Runs the command with no input and returns what it wrote to its standard output.
///
/// # Errors
/// When it can't be started, or ends with anything but success; the last lines that it wrote are in the message.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let output = finish(command.stdin(Stdio::null()))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether the command could be started and succeeded; what it writes is thrown away.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn finish(command: &mut Command) -> Result<Output> {
    let shown = show(command);
    let child = started(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
        .with_context(|| format!("can't start `{shown}`"))?;
    let output = child.wait_with_output().with_context(|| format!("can't wait for `{shown}`"))?;
    if !output.status.success() {
        let mut said = String::from_utf8_lossy(&output.stderr).into_owned();
        if said.trim().is_empty() {
            said = String::from_utf8_lossy(&output.stdout).into_owned();
        }
        bail!("`{shown}` failed ({}):\n{}", output.status, tail(&said));
    }
    Ok(output)
}

/// Starts it. A script that has just been written is busy for as long as a child that another thread forked meanwhile has
/// not begun its own program: until then it holds the file open for writing.
fn started(command: &mut Command) -> io::Result<Child> {
    let begun = Instant::now();
    loop {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && begun.elapsed() < BUSY_FOR => {
                std::thread::sleep(Duration::from_millis(5));
            }
            outcome => return outcome,
        }
    }
}

/// The command as a person would type it, for messages.
pub(crate) fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The last lines of a program's words.
pub(crate) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_is_still_open_for_writing_is_waited_for() -> Result<()> {
        use std::{fs::File, os::unix::fs::PermissionsExt};
        let folder = tempfile::tempdir()?;
        let script = folder.path().join("script");
        std::fs::write(&script, "#!/bin/sh\necho ran\n")?;
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))?;
        let open = File::options().append(true).open(&script)?;
        let closes = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            drop(open);
        });
        assert_eq!(run(&mut Command::new(&script))?, "ran\n");
        closes.join().map_err(|_| anyhow::anyhow!("the thread panicked"))
    }

    #[test]
    fn a_failure_names_the_command_its_end_and_its_last_words() {
        let error = run(Command::new("sh").args(["-c", "echo early; echo 'no such port' >&2; exit 3"]));
        let message = error.err().map(|error| format!("{error:#}")).unwrap_or_default();
        assert!(message.contains("exit 3"), "{message}");
        assert!(message.contains("exit status: 3"), "{message}");
        assert!(message.ends_with("no such port"), "{message}");
    }
}
