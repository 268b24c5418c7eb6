//! Removing a directory with all that is in it: data that the user gave up by name.

use std::{
    ffi::CStr,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, bail};
use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, RawMode, ResolveFlags},
    io::Errno,
};
use serde::{Deserialize, Serialize};

use super::{below, failure, names_in, parent};
use crate::{
    capability::{Acting, Destroys, Facts, Gate, Preview, PreviewLine, Repeat, Sign, StepFailure, StepKind, WrittenBy},
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

    /// The directory that holds it, its name in there, and itself; none when there is no such directory.
    fn place(&self, gate: &Gate) -> Result<Option<(OwnedFd, String, OwnedFd)>, StepFailure> {
        let permit = gate.path_change(self.path.to_owned())?;
        let Some((directory, name)) = parent(permit.subject())? else { return Ok(None) };
        match below(&directory, Path::new(&name)) {
            Ok(itself) => Ok(Some((directory, name, itself))),
            Err(Errno::NOTDIR | Errno::LOOP) => Err(anyhow!("{} is no directory: it is left alone", self.path).into()),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(failure(permit.subject(), error).into()),
        }
    }

    fn entries(&self, gate: &Gate) -> Vec<String> {
        let Ok(Some((_, _, itself))) = self.place(gate) else { return Vec::new() };
        let names = names_in(&itself).unwrap_or_default();
        names.iter().map(|name| name.to_string_lossy().into_owned()).collect()
    }
}

/// Directories inside one another: each is held open while those in it are removed.
const DEEPEST: usize = 400;

/// A directory that is removed, and how far that has come.
struct Removal {
    at: PathBuf,
    removed: u64,
}

impl Removal {
    fn new(path: &str) -> Self {
        Self { at: path.into(), removed: 0 }
    }

    /// An error where something could not be removed, as far as that can be told before anything is.
    fn look(&mut self, directory: &OwnedFd, depth: usize) -> anyhow::Result<()> {
        if depth > DEEPEST {
            bail!("{}: more than {DEEPEST} directories lie inside one another", self.shown());
        }
        for name in names_in(directory).with_context(|| self.shown())? {
            self.at.push(&*name.to_string_lossy());
            if let Some(inner) = self.open(directory, &name)? {
                self.look(&inner, depth + 1)?;
            }
            self.at.pop();
        }
        Ok(())
    }

    /// Removes all that is in a directory. Each entry is looked at again: something may have been mounted there since.
    fn empty(&mut self, directory: &OwnedFd, depth: usize) -> anyhow::Result<()> {
        if depth > DEEPEST {
            bail!("{}: more than {DEEPEST} directories lie inside one another", self.shown());
        }
        for name in names_in(directory).with_context(|| self.shown())? {
            self.at.push(&*name.to_string_lossy());
            let inner = self.open(directory, &name)?;
            if let Some(inner) = &inner {
                self.empty(inner, depth + 1)?;
            }
            self.unlink(directory, &name, if inner.is_some() { AtFlags::REMOVEDIR } else { AtFlags::empty() })?;
            self.at.pop();
        }
        Ok(())
    }

    fn unlink(&mut self, directory: &OwnedFd, name: &CStr, flags: AtFlags) -> anyhow::Result<()> {
        match rustix::fs::unlinkat(directory, name, flags) {
            Ok(()) => self.removed += 1,
            Err(Errno::NOENT) => {}
            Err(error) => return Err(error).with_context(|| self.shown()),
        }
        Ok(())
    }

    /// The directory of that name; none where the name is that of something else. What is mounted there is another disk,
    /// or another machine's: it was not named.
    fn open(&self, directory: &OwnedFd, name: &CStr) -> anyhow::Result<Option<OwnedFd>> {
        let inside = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let found = match rustix::fs::openat2(directory, name, flags, Mode::empty(), inside) {
            Ok(found) => found,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::XDEV) => {
                bail!("something is mounted at {}, and what it holds is not this directory's: unmount it", self.shown())
            }
            Err(error) => return Err(error).with_context(|| self.shown()),
        };
        match FileType::from_raw_mode(rustix::fs::fstat(&found)?.st_mode as RawMode) {
            FileType::Directory => below(&found, Path::new(".")).map(Some).with_context(|| self.shown()),
            _ => Ok(None),
        }
    }

    fn shown(&self) -> String {
        printable(&self.at.to_string_lossy())
    }
}

/// Removes a directory: all of it, or nothing where it can be told in time that something is in the way.
fn remove(path: &str, directory: &OwnedFd, name: &str, itself: &OwnedFd) -> anyhow::Result<()> {
    let name = std::ffi::CString::new(name)?;
    let mut removal = Removal::new(path);
    // Looked at from outside: it may be a mount itself.
    removal
        .open(directory, &name)
        .and_then(|_| removal.look(itself, 0))
        .with_context(|| format!("{path} is not removed"))?;
    let mut removal = Removal::new(path);
    let removed = removal.empty(itself, 0).and_then(|()| removal.unlink(directory, &name, AtFlags::REMOVEDIR));
    removed.with_context(|| match removal.removed {
        0 => format!("{path} is not removed"),
        lost => {
            format!("{path} is removed in part: {lost} of the files and directories in it are gone, the rest is there")
        }
    })
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
        let Some((directory, name, itself)) = self.place(acting.gate)? else { return Ok(()) };
        Ok(remove(&self.path, &directory, &name, &itself)?)
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
        Facts::at(&self.path, WrittenBy::Stackrun, Destroys::Data)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        process::{Command, ExitStatus},
    };

    use super::*;

    struct Tree {
        folder: tempfile::TempDir,
    }

    impl Tree {
        /// `x/a/file`, `x/b/disk/`, `x/b/plain`, and a link in it that leads to `kept/`.
        fn new() -> Self {
            let tree = Self { folder: tempfile::tempdir().unwrap() };
            for folder in ["x/a", "x/b/disk", "kept"] {
                fs::create_dir_all(tree.at(folder)).unwrap();
            }
            for file in ["x/a/file", "x/b/plain", "kept/file"] {
                fs::write(tree.at(file), file).unwrap();
            }
            std::os::unix::fs::symlink("../../kept", tree.at("x/a/link")).unwrap();
            tree
        }

        fn at(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn open(&self, name: &str) -> OwnedFd {
            fs::File::open(self.at(name)).unwrap().into()
        }

        fn removed(&self) -> Result<(), String> {
            let path = self.at("x").display().to_string();
            remove(&path, &self.open("."), "x", &self.open("x")).map_err(|error| format!("{error:#}"))
        }

        fn mounted<T>(&self, arguments: &[&str], at: &str, then: impl FnOnce() -> T) -> T {
            let run = |program: &str, arguments: &[&str]| -> ExitStatus {
                Command::new(program).args(arguments).arg(self.at(at)).status().unwrap()
            };
            assert!(run("mount", arguments).success(), "these tests run as root");
            let done = then();
            assert!(run("umount", &["-l"]).success());
            done
        }
    }

    #[test]
    fn a_folder_is_removed_and_what_a_link_in_it_leads_to_is_not() {
        let tree = Tree::new();
        tree.removed().unwrap();
        assert!(!tree.at("x").exists() && tree.at("kept/file").exists());
    }

    #[test]
    fn a_folder_with_a_mount_in_it_is_not_removed() {
        let tree = Tree::new();
        let kept = tree.at("kept").display().to_string();
        let plain = tree.at("kept/file").display().to_string();
        // Another disk, a folder and a file of the same one, and the folder itself.
        let mounts: [(&[&str], &str); 4] = [
            (&["-t", "tmpfs", "none"], "x/b/disk"),
            (&["--bind", &kept], "x/b/disk"),
            (&["--bind", &plain], "x/b/plain"),
            (&["--bind", &kept], "x"),
        ];
        for (arguments, at) in mounts {
            let refused = tree.mounted(arguments, at, || tree.removed()).unwrap_err();
            assert!(refused.contains("is not removed: something is mounted at"), "{at}: {refused}");
            assert!(refused.contains(&tree.at(at).display().to_string()), "{at}: {refused}");
            assert!(tree.at("x/a/file").exists() && tree.at("kept/file").exists(), "{at}");
        }
    }

    #[test]
    fn a_mount_that_appears_meanwhile_is_not_crossed_and_what_is_lost_is_said() {
        let tree = Tree::new();
        let kept = tree.at("kept").display().to_string();
        let mut removal = Removal::new(&tree.at("x").display().to_string());
        let refused = tree.mounted(&["--bind", &kept], "x/b/disk", || removal.empty(&tree.open("x"), 0)).unwrap_err();
        assert!(format!("{refused:#}").contains("something is mounted at"), "{refused:#}");
        assert_eq!(removal.removed, 3, "a/file, a/link and a");
        assert!(tree.at("kept/file").exists() && tree.at("x/b/plain").exists() && !tree.at("x/a").exists());
    }

    #[test]
    fn a_folder_nested_without_an_end_is_refused_and_not_run_into() {
        let tree = Tree::new();
        let mut inner = tree.open("x/b");
        for _ in 0..DEEPEST + 5 {
            rustix::fs::mkdirat(&inner, "d", Mode::RWXU).unwrap();
            inner = below(&inner, Path::new("d")).unwrap();
        }
        assert!(tree.removed().unwrap_err().contains("lie inside one another"));
        assert!(tree.at("x/a/file").exists());
        assert!(Command::new("rm").arg("-rf").arg(tree.at("x")).status().unwrap().success());
    }
}
