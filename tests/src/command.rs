//! Running other programs, with errors that say which one, how it ended and what it wrote last.

use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

/// How much of a program's output goes into an error: enough for a reason, not a whole log.
const TAIL_LINES: usize = 15;

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
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
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
    fn a_failure_names_the_command_its_end_and_its_last_words() {
        let error = run(Command::new("sh").args(["-c", "echo early; echo 'no such port' >&2; exit 3"]));
        let message = error.err().map(|error| format!("{error:#}")).unwrap_or_default();
        assert!(message.contains("exit 3"), "{message}");
        assert!(message.contains("exit status: 3"), "{message}");
        assert!(message.ends_with("no such port"), "{message}");
    }
}
