//! Removing a directory with all that is in it: data that the user gave up by name.

use anyhow::anyhow;
use cap_std::fs::Dir;
use serde::{Deserialize, Serialize};

use super::{failure, parent};
use crate::{
    capability::{
        Acting, Destroys, Facts, Gate, Preview, PreviewLine, Repeat, Settles, Sign, StepFailure, StepKind, WrittenBy,
    },
    model::Denial,
    words::printable,
};

/// `files.remove-directory`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryRemove {
    /// Absolute.
    pub path: String,
}

/// Entries that a preview names.
const SHOWN: usize = 10;

impl DirectoryRemove {
    /// One line for plan, progress and errors.
    pub fn headline(&self) -> String {
        format!("remove directory {} with all that is in it", self.path)
    }

    /// The directory that holds it, and its name in there; none when there is no such directory.
    fn place(&self, gate: &Gate) -> Result<Option<(Dir, String)>, StepFailure> {
        let permit = gate.path_change(self.path.to_owned())?;
        let Some((directory, name)) = parent(permit.subject())? else { return Ok(None) };
        match directory.symlink_metadata(&name) {
            Ok(facts) if facts.is_dir() => Ok(Some((directory, name))),
            Ok(_) => Err(anyhow!("{} is no directory: it is left alone", self.path).into()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failure(permit.subject(), error).into()),
        }
    }

    fn entries(&self, gate: &Gate) -> Vec<String> {
        let Ok(Some((directory, name))) = self.place(gate) else { return Vec::new() };
        let entries = directory.read_dir(name).into_iter().flatten().filter_map(Result::ok);
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// What is mounted in there is another disk, or another machine's: it was not named. Looked at before anything is removed.
fn refuse_mounts(path: &str) -> Result<(), StepFailure> {
    let folder = std::fs::canonicalize(path).map_err(|error| anyhow!("{path}: {error}"))?;
    let table = std::fs::read_to_string("/proc/self/mountinfo")
        .map_err(|error| anyhow!("what is mounted below {path} can't be told (/proc/self/mountinfo: {error})"))?;
    // proc(5): the fifth field, with blanks and backslashes in octal.
    let points = table.lines().filter_map(|line| line.split(' ').nth(4));
    let points = points.map(|point| point.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\"));
    match points.into_iter().find(|point| std::path::Path::new(point).starts_with(&folder)) {
        None => Ok(()),
        Some(point) => Err(anyhow!(
            "{path} is not removed: {} is mounted there, and what it holds is not this directory's\n  unmount it first",
            printable(&point)
        )
        .into()),
    }
}

impl StepKind for DirectoryRemove {
    type Before = ();

    fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        gate.path_change(self.path.to_owned()).map(drop)
    }

    async fn preview(&self, acting: &Acting<'_>) -> Preview {
        let names = self.entries(acting.gate);
        let line = |text: String| PreviewLine { sign: Sign::Removed, text };
        let mut lines: Vec<PreviewLine> = names.iter().take(SHOWN).map(|name| line(printable(name))).collect();
        if let Some(more) = names.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            lines.push(line(format!("and {more} more")));
        }
        Preview { headline: self.headline(), lines }
    }

    async fn before(&self, _: &Acting<'_>) -> Result<(), StepFailure> {
        Ok(())
    }

    async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let Some((directory, name)) = self.place(acting.gate)? else { return Ok(()) };
        refuse_mounts(&self.path)?;
        // Entries are opened without following links, so that nothing outside is reached.
        directory.remove_dir_all(name).map_err(|error| anyhow!("{}: {error}", self.path).into())
    }

    /// What it held is gone.
    async fn revert(&self, (): &(), _: &Acting<'_>) -> Result<(), StepFailure> {
        Ok(())
    }

    fn repeat(&self) -> Repeat {
        Repeat::Repeatable
    }

    async fn is_done(&self, acting: &Acting<'_>) -> Result<bool, StepFailure> {
        Ok(self.place(acting.gate)?.is_none())
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            fills: Vec::new(),
            place: None,
            makes: Vec::new(),
            path: Some(&self.path),
            written_by: WrittenBy::Stackrun,
            destroys: Destroys::Data,
            settles: Settles::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_a_mount_in_it_is_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display().to_string();
        let inner = folder.path().join("a disk");
        std::fs::create_dir(&inner).unwrap();
        assert!(refuse_mounts(&path).is_ok());
        let mount = |program: &str, arguments: &[&str]| {
            std::process::Command::new(program).args(arguments).arg(&inner).status().unwrap().success()
        };
        assert!(mount("mount", &["-t", "tmpfs", "none"]), "these tests run as root");
        let refused = refuse_mounts(&path).map_err(|failure| failure.to_string());
        let outside = refuse_mounts("/proc/self").map_err(|failure| failure.to_string());
        assert!(mount("umount", &[]));
        assert!(refused.as_ref().is_err_and(|why| why.contains("a disk is mounted there")), "{refused:?}");
        assert!(outside.is_ok(), "{outside:?}");
    }
}
