//! The lab's long-running programs: started so that they outlive the program that starts them, found again by
//! a file with their process id, and never mistaken for another process that got the same id.

use std::fs::{self, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use crate::command::{show, tail};

const PAUSE: Duration = Duration::from_millis(40);

/// Starts the command in a process group of its own, with everything that it says added to `log`.
///
/// # Errors
/// When the log can't be opened or the program can't be started.
pub(crate) fn spawn(command: &mut Command, log: &Path, pid_file: &Path) -> Result<Child> {
    let shown = show(command);
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("can't open {}", log.display()))?;
    let same = file.try_clone().with_context(|| format!("can't open {}", log.display()))?;
    let child = command
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(same)
        .process_group(0)
        .spawn()
        .with_context(|| format!("can't start `{shown}`"))?;
    fs::write(pid_file, child.id().to_string()).with_context(|| format!("can't write {}", pid_file.display()))?;
    Ok(child)
}

/// Waits until `probe` succeeds.
///
/// # Errors
/// When the time is up, or `child` has ended: what was waited for, the last failure of the probe and the end of the log.
pub(crate) fn wait(
    what: &str,
    limit: Duration,
    log: &Path,
    mut child: Option<&mut Child>,
    mut probe: impl FnMut() -> Result<()>,
) -> Result<()> {
    let end = Instant::now() + limit;
    loop {
        let Err(error) = probe() else { return Ok(()) };
        let ended = match child.as_mut() {
            Some(child) => child.try_wait().context("can't look after a child")?,
            None => None,
        };
        if let Some(status) = ended {
            bail!("{what} stopped while starting ({status}); the end of {}:\n{}", log.display(), log_tail(log));
        }
        if Instant::now() > end {
            bail!(
                "{what} does not answer after {} s: {error:#}\nThe end of {}:\n{}",
                limit.as_secs(),
                log.display(),
                log_tail(log)
            );
        }
        std::thread::sleep(PAUSE);
    }
}

/// The last lines of a log, for a message.
pub(crate) fn log_tail(log: &Path) -> String {
    fs::read(log).map_or_else(|_| "(no log)".to_owned(), |bytes| tail(&String::from_utf8_lossy(&bytes)))
}

/// The process that `pid_file` names, if it runs and its command line names `mark` (a path of this lab).
pub(crate) fn running(pid_file: &Path, mark: &Path) -> Option<Pid> {
    let pid: i32 = fs::read_to_string(pid_file).ok()?.trim().parse().ok()?;
    // PostgreSQL writes a negative number while its data is being made.
    let pid = Pid::from_raw(pid.max(0))?;
    (alive(pid) && mentions(pid, mark)).then_some(pid)
}

/// Ends the process that `pid_file` names: asks, and insists after `grace`. Nothing to do when it doesn't run.
///
/// # Errors
/// When it is still there after that.
pub(crate) fn stop(pid_file: &Path, mark: &Path, grace: Duration) -> Result<()> {
    if let Some(pid) = running(pid_file, mark) {
        end(pid, grace)?;
    }
    match fs::remove_file(pid_file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("can't remove {}", pid_file.display()))
        }
        _ => Ok(()),
    }
}

/// Ends every process whose program has one of these names and whose command line names a path below `mark`.
///
/// # Errors
/// When one is still there after that.
pub(crate) fn kill_all(names: &[&str], mark: &Path) -> Result<()> {
    for pid in all_mentioning(mark)? {
        if names.contains(&name(pid).as_str()) {
            end(pid, Duration::ZERO)?;
        }
    }
    Ok(())
}

/// Every living process, this one apart, whose command line names a path below `folder`.
///
/// # Errors
/// When the machine's processes can't be listed.
pub(crate) fn all_mentioning(folder: &Path) -> Result<Vec<Pid>> {
    let entries = fs::read_dir("/proc").context("can't list processes")?;
    let ids =
        entries.filter_map(Result::ok).filter_map(|entry| entry.file_name().to_string_lossy().parse::<i32>().ok());
    let own = rustix::process::getpid();
    Ok(ids.filter_map(Pid::from_raw).filter(|pid| *pid != own && alive(*pid) && mentions(*pid, folder)).collect())
}

/// The name of a process's program, as the kernel keeps it.
pub(crate) fn name(pid: Pid) -> String {
    fs::read_to_string(format!("/proc/{}/comm", pid.as_raw_nonzero())).unwrap_or_default().trim().to_owned()
}

fn end(pid: Pid, grace: Duration) -> Result<()> {
    for (signal, limit) in [(Signal::TERM, grace), (Signal::KILL, Duration::from_secs(5))] {
        if limit.is_zero() {
            continue;
        }
        let _ = kill_process(pid, signal);
        let end = Instant::now() + limit;
        while Instant::now() < end {
            // A child of this very process stays as a zombie until it is waited for.
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
            if !alive(pid) {
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
    }
    bail!("process {} does not end", pid.as_raw_nonzero())
}

/// Whether the process exists and has not ended: a zombie has.
fn alive(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    // The program's name is in brackets and may hold anything; the state follows the last of them.
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().next());
    state.is_some_and(|state| state != "Z" && state != "X")
}

fn mentions(pid: Pid, path: &Path) -> bool {
    let words = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
    let words = String::from_utf8_lossy(&words);
    let path = path.to_string_lossy();
    words.match_indices(path.as_ref()).any(|(at, _)| {
        // `/lab/1` must not be found in `/lab/12`.
        matches!(words[at + path.len()..].chars().next(), None | Some('\0' | '/' | ' ' | ':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_found_by_its_path_and_ended() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let (log, pid_file) = (folder.path().join("log"), folder.path().join("pid"));
        let script = format!("while :; do sleep 1; done # {}/x", folder.path().display());
        spawn(Command::new("sh").args(["-c", &script]), &log, &pid_file)?;
        // For a moment a program that was just started has no command line to be seen.
        wait("the program", Duration::from_secs(5), &log, None, || {
            running(&pid_file, folder.path()).map(drop).context("it is not seen")
        })?;
        assert!(running(&pid_file, folder.path()).is_some());
        assert!(running(&pid_file, &folder.path().with_extension("other")).is_none());
        let shorter = folder.path().to_string_lossy();
        assert!(
            running(&pid_file, Path::new(&shorter[..shorter.len() - 1])).is_none(),
            "a path's beginning is not that path"
        );
        stop(&pid_file, folder.path(), Duration::from_secs(2))?;
        assert!(all_mentioning(folder.path())?.is_empty());
        assert!(!pid_file.exists());
        Ok(())
    }

    #[test]
    fn a_program_that_ends_at_once_is_told_with_its_last_words() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let log = folder.path().join("log");
        let mut child =
            spawn(Command::new("sh").args(["-c", "echo port taken; exit 7"]), &log, &folder.path().join("pid"))?;
        let error = wait("the server", Duration::from_secs(5), &log, Some(&mut child), || bail!("not yet"));
        let message = error.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(message.contains("exit status: 7") && message.contains("port taken"), "{message}");
        Ok(())
    }
}
