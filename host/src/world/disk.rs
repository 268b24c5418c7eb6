//! Files of this machine, reached through open directories: a name is looked up in a directory that is held open, so
//! that nobody can put another one in its place meanwhile.
//!
//! Files are written aside, synced, and renamed over the old ones; the directory is synced after. Whoever changes a
//! file locks its directory first: a lock on the file itself would be left behind by the rename.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::{AsFd, OwnedFd},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail};
use rustix::{
    fs::{AtFlags, FlockOperation, Mode, OFlags, RawMode},
    io::Errno,
};
use zeroize::Zeroizing;

/// Larger files are not read: nothing that is configured by hand comes near, and no plugin.
const MAXIMUM: u64 = 32 << 20;

/// How long somebody else's lock is waited for.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// User and group number of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs)]
pub struct Owner {
    pub uid: u32,
    pub gid: u32,
}

impl Owner {
    /// From names, or numbers as text.
    ///
    /// # Errors
    /// A name that this machine does not know.
    pub fn named(user: &str, group: &str) -> Result<Self> {
        let uid = match user.parse() {
            Ok(number) => number,
            Err(_) => nix::unistd::User::from_name(user)?
                .with_context(|| format!("this machine has no user `{user}`"))?
                .uid
                .as_raw(),
        };
        let gid = match group.parse() {
            Ok(number) => number,
            Err(_) => nix::unistd::Group::from_name(group)?
                .with_context(|| format!("this machine has no group `{group}`"))?
                .gid
                .as_raw(),
        };
        Ok(Self { uid, gid })
    }
}

/// A file as it was found.
pub struct Found {
    /// All of it; it may hold secrets.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Permission bits.
    pub mode: u32,
    /// Its owner.
    pub owner: Owner,
}

impl Found {
    /// The bytes as text. Not for what may hold a secret: this copy is not wiped.
    ///
    /// # Errors
    /// They are not UTF-8.
    pub fn into_text(self) -> Result<String> {
        String::from_utf8(self.bytes.to_vec()).map_err(|_| anyhow!("it is not UTF-8 text"))
    }
}

/// Reads a regular file in a directory; none when there is none. A symbolic link is not followed.
///
/// # Errors
/// Anything but a regular file, and one above [`MAXIMUM`], with words for a person.
pub fn read(directory: impl AsFd, name: &str) -> Result<Option<Found>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = match rustix::fs::openat(directory, name, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => bail!("it is a symbolic link, which is not followed"),
        Err(error) => return Err(io::Error::from(error).into()),
    };
    read_open(file).map(Some)
}

/// Reads a regular file that a person or the spec named; links are followed, for it is theirs. A pipe or a device in its
/// place is an error, and never waited for.
///
/// # Errors
/// There is none, and those of [`read`].
pub fn read_named(path: &Path) -> Result<Found> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    read_open(rustix::fs::open(path, flags, Mode::empty()).map_err(io::Error::from)?)
}

/// The text of such a file.
///
/// # Errors
/// Those of [`read_named`], and what is not UTF-8.
pub fn read_named_text(path: &Path) -> Result<String> {
    read_named(path)?.into_text()
}

/// Whether reading failed because nothing is there.
pub fn is_missing(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// Reads an open file.
pub(crate) fn read_open(file: OwnedFd) -> Result<Found> {
    let facts = rustix::fs::fstat(&file)?;
    if !rustix::fs::FileType::from_raw_mode(facts.st_mode as RawMode).is_file() {
        bail!("it is not a regular file");
    }
    let length = u64::try_from(facts.st_size).unwrap_or(u64::MAX).min(MAXIMUM + 1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(length).unwrap_or_default() + 1));
    // By what is read, for it may grow meanwhile.
    if length > MAXIMUM || File::from(file).take(MAXIMUM + 1).read_to_end(&mut bytes)? as u64 > MAXIMUM {
        bail!("it is larger than {} MiB", MAXIMUM >> 20);
    }
    Ok(Found { bytes, mode: facts.st_mode & 0o7777, owner: Owner { uid: facts.st_uid, gid: facts.st_gid } })
}

/// How the name of a file ends that is not written to its end yet; it begins with a dot, so that no service that reads
/// all files of a directory reads it: `*.caddy` matches no leading dot.
const UNFINISHED: &str = ".stackrun-unfinished";

/// A directory that this run alone writes, of all runs of stackrun, until it is dropped.
#[derive(Debug)]
pub struct Locked {
    directory: OwnedFd,
}

/// Locks a directory, and takes away what a killed run has left in it unfinished.
///
/// # Errors
/// When somebody else holds it for longer than ten seconds.
pub fn lock(directory: impl AsFd) -> Result<Locked> {
    // A descriptor of the same directory that can be synced and locked, which a path descriptor can't.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::openat(directory, ".", flags, Mode::empty()).map_err(io::Error::from)?;
    let start = Instant::now();
    loop {
        match rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => break,
            Err(Errno::WOULDBLOCK) if start.elapsed() < LOCK_WAIT => std::thread::sleep(Duration::from_millis(20)),
            Err(Errno::WOULDBLOCK) => {
                bail!("another program holds the lock of the directory; try again when it is done")
            }
            Err(error) => return Err(io::Error::from(error).into()),
        }
    }
    let locked = Locked { directory };
    locked.sweep()?;
    Ok(locked)
}

impl Locked {
    /// Puts a file in place of whatever has the name: whole or not at all, whenever the machine stops. Another name of the
    /// old file (a hard link) keeps the old content.
    pub fn replace(&self, name: &str, bytes: &[u8], mode: u32, owner: Option<Owner>) -> io::Result<()> {
        let unfinished = self.write(name, bytes, mode, owner)?;
        let renamed = rustix::fs::renameat(&self.directory, &unfinished, &self.directory, name);
        if renamed.is_err() {
            rustix::fs::unlinkat(&self.directory, &unfinished, AtFlags::empty()).ok();
        }
        Ok(renamed.and_then(|()| rustix::fs::fsync(&self.directory))?)
    }

    /// Makes a file unless the name is taken; says whether it did.
    pub fn create(&self, name: &str, bytes: &[u8], mode: u32) -> io::Result<bool> {
        let unfinished = self.write(name, bytes, mode, None)?;
        // A link fails where a rename would overwrite.
        let linked = rustix::fs::linkat(&self.directory, &unfinished, &self.directory, name, AtFlags::empty());
        rustix::fs::unlinkat(&self.directory, &unfinished, AtFlags::empty())?;
        match linked {
            Ok(()) => rustix::fs::fsync(&self.directory).map(|()| true).map_err(Into::into),
            Err(Errno::EXIST) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes a file; nothing when there is none.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.directory, name, AtFlags::empty()) {
            Ok(()) => Ok(rustix::fs::fsync(&self.directory)?),
            Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn write(&self, name: &str, bytes: &[u8], mode: u32, owner: Option<Owner>) -> io::Result<String> {
        let short: String = name.chars().take(50).collect();
        let unfinished = format!(".{short}{UNFINISHED}");
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::openat(&self.directory, &unfinished, flags, Mode::RUSR | Mode::WUSR)?);
        let written = (|| {
            file.write_all(bytes)?;
            if let Some(owner) = owner {
                let (uid, gid) = (rustix::fs::Uid::from_raw(owner.uid), rustix::fs::Gid::from_raw(owner.gid));
                rustix::fs::fchown(&file, Some(uid), Some(gid))?;
            }
            // After the owner: changing it clears set-id bits.
            rustix::fs::fchmod(&file, Mode::from_raw_mode(mode as RawMode))?;
            file.sync_all()
        })();
        if written.is_err() {
            rustix::fs::unlinkat(&self.directory, &unfinished, AtFlags::empty()).ok();
        }
        written.map(|()| unfinished)
    }

    /// Under the lock, whatever is unfinished was left by a run that was killed.
    fn sweep(&self) -> io::Result<()> {
        for entry in rustix::fs::Dir::read_from(&self.directory)? {
            let entry = entry?;
            let name = entry.file_name();
            if name.to_bytes().starts_with(b".") && name.to_bytes().ends_with(UNFINISHED.as_bytes()) {
                // Whoever else may write here could put a folder there: what can't be swept is no reason not to write.
                rustix::fs::unlinkat(&self.directory, name, AtFlags::empty()).ok();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    fn directory() -> (tempfile::TempDir, File) {
        let directory = tempfile::tempdir().unwrap();
        let open = File::open(directory.path()).unwrap();
        (directory, open)
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_is_left_aside() {
        let (path, open) = directory();
        std::fs::write(path.path().join("x"), "old").unwrap();
        lock(&open).unwrap().replace("x", b"new", 0o640, Some(Owner { uid: 0, gid: 12 })).unwrap();
        let facts = std::fs::metadata(path.path().join("x")).unwrap();
        assert_eq!((facts.mode() & 0o7777, facts.gid()), (0o640, 12));
        assert_eq!(&**read(&open, "x").unwrap().unwrap().bytes, b"new");
        assert_eq!(std::fs::read_dir(path.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_in_the_place_of_what_is_swept_keeps_nobody_from_writing() {
        let (path, open) = directory();
        std::fs::create_dir(path.path().join(format!(".y{UNFINISHED}"))).unwrap();
        lock(&open).unwrap().replace("x", b"new", 0o600, None).unwrap();
        assert_eq!(std::fs::read(path.path().join("x")).unwrap(), b"new");
    }

    #[test]
    fn creating_never_overwrites() {
        let (path, open) = directory();
        let locked = lock(&open).unwrap();
        assert!(locked.create("x", b"one", 0o600).unwrap());
        assert!(!locked.create("x", b"two", 0o600).unwrap());
        assert_eq!(std::fs::read(path.path().join("x")).unwrap(), b"one");
        assert_eq!(std::fs::read_dir(path.path()).unwrap().count(), 1);
    }

    #[test]
    fn links_and_other_kinds_are_not_read() {
        let (path, open) = directory();
        symlink("/etc/passwd", path.path().join("link")).unwrap();
        std::fs::create_dir(path.path().join("dir")).unwrap();
        assert!(read(&open, "link").err().unwrap().to_string().contains("symbolic link"));
        assert!(read(&open, "dir").err().unwrap().to_string().contains("not a regular file"));
        assert!(read(&open, "nothing").unwrap().is_none());
        lock(&open).unwrap().replace("link", b"mine", 0o600, None).unwrap();
        assert!(std::fs::symlink_metadata(path.path().join("link")).unwrap().is_file());
        assert_eq!(std::fs::metadata("/etc/passwd").unwrap().permissions().mode() & 0o777, 0o644);
    }

    #[test]
    fn a_locked_directory_is_waited_for() {
        let (_path, open) = directory();
        let held = lock(&open).unwrap();
        let waits = std::thread::spawn({
            let open = open.try_clone().unwrap();
            move || {
                let start = Instant::now();
                lock(&open).map(|_| start.elapsed())
            }
        });
        std::thread::sleep(Duration::from_millis(100));
        drop(held);
        assert!(waits.join().unwrap().unwrap() >= Duration::from_millis(50));
    }

    #[test]
    fn what_a_killed_run_left_unfinished_is_gone_after_the_next() {
        let (path, open) = directory();
        let names = |kept: &[&str]| {
            let mut names: Vec<String> = std::fs::read_dir(path.path())
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            assert_eq!(names, kept);
        };
        // Killed after writing and before the rename: of this file, and of one that nobody writes any more.
        let killed = lock(&open).unwrap();
        for name in ["x", "former"] {
            killed.write(name, b"a secret", 0o644, None).unwrap();
        }
        drop(killed);
        names(&[".former.stackrun-unfinished", ".x.stackrun-unfinished"]);
        std::fs::write(path.path().join("stackrun-unfinished"), "somebody's").unwrap();
        lock(&open).unwrap().replace("x", b"new", 0o600, None).unwrap();
        names(&["stackrun-unfinished", "x"]);
    }

    #[test]
    fn another_name_of_a_file_keeps_what_it_held() {
        let (path, open) = directory();
        let at = |name: &str| path.path().join(name);
        std::fs::write(at("theirs"), "theirs").unwrap();
        std::fs::set_permissions(at("theirs"), PermissionsExt::from_mode(0o644)).unwrap();
        std::fs::hard_link(at("theirs"), at("x")).unwrap();
        lock(&open).unwrap().replace("x", b"a secret", 0o600, Some(Owner { uid: 0, gid: 12 })).unwrap();
        assert_eq!(std::fs::read(at("theirs")).unwrap(), b"theirs");
        let facts = std::fs::metadata(at("theirs")).unwrap();
        assert_eq!((facts.mode() & 0o777, facts.gid(), facts.nlink()), (0o644, 0, 1));
    }
}
