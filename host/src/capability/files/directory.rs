//! Making directories, and removing them when nothing is in them.

use std::{ffi::OsStr, os::fd::OwnedFd, path::Path};

use anyhow::{Context, anyhow};
use rustix::{
    fs::{AtFlags, Gid, Mode, RawMode, Uid},
    io::Errno,
};
use serde::{Deserialize, Serialize};

use super::{Within, below, failure, parent, root};
use crate::{
    capability::{Acting, Destroys, Facts, Gate, Preview, PreviewLine, Repeat, Sign, StepFailure, StepKind, WrittenBy},
    model::Denial,
    world::disk::Owner,
};

/// `files.make-directory`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct DirectoryMake {
    pub path: String,
    pub mode: u32,
    pub owner: Option<String>,
    pub group: Option<String>,
}

/// `files.remove-directory-if-empty`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryRemoveIfEmpty {
    /// Absolute.
    pub path: String,
}

/// A directory that was there before.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct DirectoryFound {
    mode: u32,
    owner: Owner,
}

impl DirectoryMake {
    /// One line for plan, progress and errors.
    pub fn headline(&self) -> String {
        let owner = match (&self.owner, &self.group) {
            (None, None) => String::new(),
            (owner, group) => {
                format!(", {}:{}", owner.as_deref().unwrap_or("root"), group.as_deref().unwrap_or("root"))
            }
        };
        format!("make directory {} ({:04o}{owner})", self.path, self.mode)
    }

    fn wanted_owner(&self) -> Result<Option<Owner>, StepFailure> {
        if self.owner.is_none() && self.group.is_none() {
            return Ok(None);
        }
        let owner = Owner::named(self.owner.as_deref().unwrap_or("0"), self.group.as_deref().unwrap_or("0"));
        Ok(Some(owner.with_context(|| self.path.clone())?))
    }
}

impl DirectoryRemoveIfEmpty {
    /// One line for plan, progress and errors.
    pub fn headline(&self) -> String {
        format!("remove directory {} if it is empty", self.path)
    }
}

/// The paths from the grant's root down to the directory, outermost first.
fn ancestors(within: &Within<String>) -> Vec<std::path::PathBuf> {
    let mut all: Vec<_> = within
        .relative
        .ancestors()
        .filter(|path| !path.as_os_str().is_empty() && *path != std::path::Path::new("."))
        .map(Into::into)
        .collect();
    all.reverse();
    all
}

fn open_root(within: &Within<String>) -> Result<OwnedFd, StepFailure> {
    root(within)?.ok_or_else(|| {
        // Not made: it may be where a disk is mounted that is missing now.
        anyhow!("{} can't be made: there is no directory {}; make it, or mount it", within.path, within.root.display())
            .into()
    })
}

impl StepKind for DirectoryMake {
    /// What was missing, outermost first.
    type Before = Vec<String>;

    fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        gate.directory_make(self.path.clone(), self.mode).map(drop)
    }

    /// Folders above it that are missing are made as well, and shown.
    async fn preview(&self, acting: &Acting<'_>) -> Preview {
        let missing = self.before(acting).await.unwrap_or_default();
        let root = acting.gate.directory_make(self.path.clone(), self.mode).map(|permit| permit.subject().root.clone());
        let above = missing.iter().filter_map(|path| Some(root.as_ref().ok()?.join(path).display().to_string()));
        let made = above.filter(|path| *path != self.path);
        let line = |text| PreviewLine { sign: Sign::Added, text };
        Preview { headline: self.headline(), lines: made.map(line).collect() }
    }

    async fn before(&self, acting: &Acting<'_>) -> Result<Vec<String>, StepFailure> {
        let permit = acting.gate.directory_make(self.path.clone(), self.mode)?;
        let within = permit.subject();
        let root = open_root(within)?;
        let mut missing = Vec::new();
        for path in ancestors(within) {
            match below(&root, &path) {
                Ok(_) => {}
                Err(Errno::NOTDIR) => {
                    let there = within.root.join(&path);
                    return Err(anyhow!("{} can't be made: {} is no directory", within.path, there.display()).into());
                }
                Err(Errno::NOENT) => missing.extend(path.to_str().map(str::to_owned)),
                Err(error) => return Err(failure(within, error).into()),
            }
        }
        Ok(missing)
    }

    async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let permit = acting.gate.directory_make(self.path.clone(), self.mode)?;
        let within = permit.subject();
        let owner = self.wanted_owner()?;
        let root = open_root(within)?;
        for path in ancestors(within) {
            let (above, name) = above(&root, &path).map_err(|error| failure(within, error))?;
            match rustix::fs::mkdirat(&above, name, Mode::RWXU) {
                Ok(()) => {
                    let made = below(&above, Path::new(name)).map_err(|error| failure(within, error))?;
                    set_up(&made, self.mode, owner).with_context(|| within.path.clone())?;
                }
                // Somebody's already: its mode and owner stay.
                Err(Errno::EXIST) => {
                    below(&above, Path::new(name)).map_err(|error| failure(within, error))?;
                }
                Err(error) => return Err(failure(within, error).into()),
            }
        }
        Ok(())
    }

    async fn revert(&self, before: &Vec<String>, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let permit = acting.gate.directory_make(self.path.clone(), self.mode)?;
        let root = open_root(permit.subject())?;
        for path in before.iter().rev() {
            // One that is no longer empty is somebody's by now.
            if let Ok((above, name)) = above(&root, Path::new(path)) {
                rustix::fs::unlinkat(&above, name, AtFlags::REMOVEDIR).ok();
            }
        }
        Ok(())
    }

    fn repeat(&self) -> Repeat {
        Repeat::Repeatable
    }

    async fn is_done(&self, acting: &Acting<'_>) -> Result<bool, StepFailure> {
        Ok(self.before(acting).await?.is_empty())
    }

    fn facts(&self) -> Facts<'_> {
        Facts::at(&self.path, WrittenBy::Stackrun, Destroys::Nothing)
    }
}

impl StepKind for DirectoryRemoveIfEmpty {
    type Before = Option<DirectoryFound>;

    fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        gate.path_change(self.path.to_owned()).map(drop)
    }

    async fn preview(&self, _acting: &Acting<'_>) -> Preview {
        Preview { headline: self.headline(), lines: Vec::new() }
    }

    async fn before(&self, acting: &Acting<'_>) -> Result<Option<DirectoryFound>, StepFailure> {
        let permit = acting.gate.path_change(self.path.to_owned())?;
        let Some((directory, name)) = parent(permit.subject())? else { return Ok(None) };
        let Ok(facts) = rustix::fs::statat(&directory, &name, AtFlags::SYMLINK_NOFOLLOW) else { return Ok(None) };
        let owner = Owner { uid: facts.st_uid, gid: facts.st_gid };
        let found = DirectoryFound { mode: facts.st_mode & 0o7777, owner };
        Ok(rustix::fs::FileType::from_raw_mode(facts.st_mode).is_dir().then_some(found))
    }

    async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let permit = acting.gate.path_change(self.path.to_owned())?;
        let within = permit.subject();
        let Some((directory, name)) = parent(within)? else { return Ok(()) };
        match rustix::fs::unlinkat(&directory, &name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTEMPTY | rustix::io::Errno::EXIST) => Ok(()),
            Err(error) => Err(failure(within, error).into()),
        }
    }

    async fn revert(&self, before: &Option<DirectoryFound>, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let Some(found) = before else { return Ok(()) };
        let permit = acting.gate.path_change(self.path.to_owned())?;
        let Some((directory, name)) = parent(permit.subject())? else { return Ok(()) };
        if rustix::fs::mkdirat(&directory, &name, Mode::RWXU).is_ok() {
            let made = below(&directory, Path::new(&name)).map_err(anyhow::Error::new)?;
            set_up(&made, found.mode, Some(found.owner)).with_context(|| self.path.to_owned())?;
        }
        Ok(())
    }

    fn repeat(&self) -> Repeat {
        Repeat::Repeatable
    }

    async fn is_done(&self, _acting: &Acting<'_>) -> Result<bool, StepFailure> {
        // One that is not empty stays: trying again tells no more.
        Ok(true)
    }

    fn facts(&self) -> Facts<'_> {
        Facts::at(&self.path, WrittenBy::Stackrun, Destroys::Nothing)
    }
}

/// The directory that a path's last name lies in, and that name.
fn above<'a>(root: &OwnedFd, path: &'a Path) -> rustix::io::Result<(OwnedFd, &'a OsStr)> {
    let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((below(root, above)?, path.file_name().ok_or(Errno::INVAL)?))
}

fn set_up(directory: &OwnedFd, mode: u32, owner: Option<Owner>) -> anyhow::Result<()> {
    if let Some(owner) = owner {
        rustix::fs::fchown(directory, Some(Uid::from_raw(owner.uid)), Some(Gid::from_raw(owner.gid)))?;
    }
    rustix::fs::fchmod(directory, Mode::from_raw_mode(mode as RawMode))?;
    Ok(())
}
