//! Files and directories that decide what stackrun does: nobody else may write them, nor any folder on the way.
//!
//! A path is walked from `/`, name by name, each looked up in the folder that is held open; links are followed by this
//! walk itself, so that the folder of each is looked at too. Whoever could write one of these folders could put another
//! file in place. A file is read from the very descriptor that was looked at.

use std::{
    collections::VecDeque,
    ffi::{OsStr, OsString},
    io,
    os::{fd::OwnedFd, unix::ffi::OsStringExt},
    path::{Component, Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use rustix::{
    fs::{FileType, Mode, OFlags, RawMode, Stat},
    io::Errno,
};

use super::disk::{self, Found};

/// As many links as the kernel follows.
const MOST_LINKS: usize = 40;

/// Reads a regular file that only root and we can write. `what` names it in messages.
///
/// # Errors
/// There is none, it is no regular file, or others could write it or put another one in its place.
pub fn read(path: &Path, what: &str) -> Result<Found> {
    read_of(path, what, None)
}

/// The same, where the file may also belong to one more user.
///
/// # Errors
/// Those of [`read`].
pub fn read_of(path: &Path, what: &str, also: Option<u32>) -> Result<Found> {
    let walk = Walk::new(path, what, also);
    disk::read_open(walk.open()?).with_context(|| walk.unreadable())
}

/// Opens such a file without reading it.
///
/// # Errors
/// Those of [`read`].
pub fn open(path: &Path, what: &str) -> Result<OwnedFd> {
    Walk::new(path, what, None).open()
}

/// Opens a directory that only root and we can write; none when there is none.
///
/// # Errors
/// It is no directory, or others could write it or put another one in its place.
pub fn directory(path: &Path, what: &str) -> Result<Option<OwnedFd>> {
    match Walk::new(path, what, None).to_the_end(FileType::Directory) {
        Ok((directory, _)) => Ok(Some(directory)),
        Err(error) if error.downcast_ref() == Some(&Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where on a path something stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Way,
    End,
}

struct Walk<'a> {
    path: &'a Path,
    what: &'a str,
    us: u32,
    also: Option<u32>,
}

impl<'a> Walk<'a> {
    fn new(path: &'a Path, what: &'a str, also: Option<u32>) -> Self {
        Self { path, what, us: rustix::process::geteuid().as_raw(), also }
    }

    fn open(&self) -> Result<OwnedFd> {
        let (folder, name) = self.to_the_end(FileType::RegularFile)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&folder, name, flags, Mode::empty()).with_context(|| self.unreadable())?;
        self.check(&rustix::fs::fstat(&file)?, self.path, Place::End)?;
        Ok(file)
    }

    fn unreadable(&self) -> String {
        format!("the {} {} can't be read", self.what, self.path.display())
    }

    /// The folder that the file lies in and its name there; of a directory, itself and `.`.
    fn to_the_end(&self, kind: FileType) -> Result<(OwnedFd, OsString)> {
        let unreadable = || self.unreadable();
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let root = || rustix::fs::open("/", flags, Mode::empty()).with_context(unreadable);
        let (mut here, mut at) = (root()?, PathBuf::from("/"));
        self.check(&rustix::fs::fstat(&here)?, &at, Place::Way)?;
        let mut rest: VecDeque<OsString> = names(&std::path::absolute(self.path)?);
        let mut links = 0;
        while let Some(name) = rest.pop_front() {
            let found = rustix::fs::openat(&here, &name, flags, Mode::empty()).with_context(unreadable)?;
            let facts = rustix::fs::fstat(&found)?;
            let there = if name == ".." { at.parent().unwrap_or(&at).to_owned() } else { at.join(&name) };
            match FileType::from_raw_mode(facts.st_mode as RawMode) {
                FileType::Symlink => {
                    self.check(&facts, &there, Place::Way)?;
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(io::Error::from(Errno::LOOP)).with_context(unreadable);
                    }
                    let target = rustix::fs::readlinkat(&found, "", Vec::new()).with_context(unreadable)?;
                    let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
                    if target.is_absolute() {
                        (here, at) = (root()?, PathBuf::from("/"));
                    }
                    rest = names(&target).into_iter().chain(rest).collect();
                }
                FileType::Directory => {
                    self.check(&facts, &there, Place::Way)?;
                    (here, at) = (found, there);
                }
                other if rest.is_empty() && other == kind => return Ok((here, name)),
                _ if rest.is_empty() && kind == FileType::RegularFile => {
                    bail!("{}: it is not a regular file", unreadable());
                }
                _ => bail!("{}: {} is not a directory", unreadable(), there.display()),
            }
        }
        match kind {
            FileType::Directory => {
                self.check(&rustix::fs::fstat(&here)?, self.path, Place::End)?;
                Ok((here, OsStr::new(".").to_owned()))
            }
            _ => bail!("{}: it is a directory", unreadable()),
        }
    }

    /// Whether nobody else decides what stands here.
    fn check(&self, facts: &Stat, at: &Path, place: Place) -> Result<()> {
        let (mode, owner, shown) = (facts.st_mode & 0o7777, facts.st_uid, at.display());
        let what = match place {
            Place::End => format!("the {} {shown}", self.what),
            Place::Way => format!("{shown}, on the way to the {} {},", self.what, self.path.display()),
        };
        // In a sticky folder, such as /tmp, everybody may make entries, and nobody takes those of others away. The mode of
        // a link says nothing.
        let shared = mode & 0o1000 != 0 || FileType::from_raw_mode(facts.st_mode as RawMode) == FileType::Symlink;
        if mode & 0o022 != 0 && !(place == Place::Way && shared) {
            bail!(
                "{what} can be written by others (mode {mode:04o}): whoever writes it decides what stackrun does as you\n  \
                 chmod go-w {shown}"
            );
        }
        if owner != 0 && owner != self.us && Some(owner) != self.also {
            let us = self.us;
            bail!("{what} belongs to user {owner}, neither root nor you ({us})\n  chown {us} {shown}");
        }
        Ok(())
    }
}

/// The names of a path, outermost first; `/` and `.` are left out.
fn names(path: &Path) -> VecDeque<OsString> {
    let named = |part: &Component<'_>| matches!(part, Component::Normal(_) | Component::ParentDir);
    path.components().filter(named).map(|part| part.as_os_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{PermissionsExt, chown, symlink},
    };

    use super::*;

    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            let place = Self(tempfile::tempdir().unwrap());
            for folder in ["a", "a/b", "c"] {
                fs::create_dir(place.at(folder)).unwrap();
            }
            fs::write(place.at("a/b/file"), "content").unwrap();
            place
        }

        fn at(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn mode(&self, name: &str, mode: u32) {
            fs::set_permissions(self.at(name), fs::Permissions::from_mode(mode)).unwrap();
        }

        fn refused(&self, name: &str) -> String {
            read(&self.at(name), "host file").err().map(|error| format!("{error:#}")).unwrap_or_default()
        }
    }

    #[test]
    fn every_folder_on_the_way_is_looked_at() {
        let place = Place::new();
        assert_eq!(place.refused("a/b/file"), "");
        for folder in ["a", "a/b"] {
            for mode in [0o777, 0o775] {
                place.mode(folder, mode);
                let told = place.refused("a/b/file");
                assert!(
                    told.contains("can be written by others") && told.contains("on the way to"),
                    "{mode:o}: {told}"
                );
                assert!(told.contains(&format!("chmod go-w {}", place.at(folder).display())), "{told}");
            }
            place.mode(folder, 0o1777);
            assert_eq!(place.refused("a/b/file"), "", "nobody renames what is ours in a sticky folder");
            place.mode(folder, 0o755);
            chown(place.at(folder), Some(1000), None).unwrap();
            assert!(place.refused("a/b/file").contains("belongs to user 1000"));
            chown(place.at(folder), Some(0), None).unwrap();
        }
        place.mode("a/b/file", 0o664);
        assert!(place.refused("a/b/file").contains("file can be written by others (mode 0664)"));
        let directory = |name: &str| directory(&place.at(name), "store").map(|found| found.is_some());
        assert!(directory("a/b").unwrap() && !directory("a/none").unwrap());
        place.mode("a", 0o777);
        assert!(directory("a/b").is_err());
        place.mode("a", 0o755);
        place.mode("a/b", 0o1777);
        assert!(directory("a/b").is_err(), "the directory itself holds what is ours: nobody else makes entries there");
    }

    #[test]
    fn the_folder_of_each_link_is_looked_at_and_who_owns_it() {
        let place = Place::new();
        symlink("../a/b", place.at("c/relative")).unwrap();
        symlink(place.at("a"), place.at("c/absolute")).unwrap();
        symlink("absolute/b/file", place.at("c/file")).unwrap();
        symlink("loop", place.at("c/loop")).unwrap();
        for way in ["c/relative/file", "c/absolute/b/file", "c/file", "c/../c/relative/../b/file"] {
            assert_eq!(place.refused(way), "", "{way}");
            place.mode("c", 0o777);
            assert!(place.refused(way).contains("can be written by others"), "{way}");
            place.mode("c", 0o755);
            place.mode("a", 0o777);
            assert!(place.refused(way).contains("can be written by others"), "{way}");
            place.mode("a", 0o755);
        }
        place.mode("c", 0o1777);
        std::os::unix::fs::lchown(place.at("c/file"), Some(1000), None).unwrap();
        assert!(place.refused("c/file").contains("belongs to user 1000"), "{}", place.refused("c/file"));
        assert!(place.refused("c/loop").contains("symbolic links"), "{}", place.refused("c/loop"));
    }

    #[test]
    fn only_a_regular_file_is_opened() {
        let place = Place::new();
        rustix::fs::mknodat(rustix::fs::CWD, place.at("a/pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            place.at("a/zero"),
            FileType::CharacterDevice,
            Mode::RUSR,
            rustix::fs::makedev(1, 5),
        )
        .unwrap();
        for other in ["a/pipe", "a/zero"] {
            assert!(place.refused(other).ends_with("it is not a regular file"), "{}", place.refused(other));
        }
        assert!(place.refused("a/b").ends_with("it is a directory"), "{}", place.refused("a/b"));
        assert!(place.refused("a/pipe/x").contains("pipe is not a directory"), "{}", place.refused("a/pipe/x"));
        assert!(place.refused("a/none").contains("No such file"), "{}", place.refused("a/none"));
        assert!(directory(&place.at("a/pipe"), "store").is_err());
    }
}
