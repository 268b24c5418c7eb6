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

use crate::world::vault::random_suffix;

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

/// Puts a file in place of whatever has the name: whole or not at all, whenever the machine stops.
pub fn replace(directory: impl AsFd, name: &str, bytes: &[u8], mode: u32, owner: Option<Owner>) -> io::Result<()> {
    let directory = reopened(directory)?;
    let aside = write_aside(&directory, name, bytes, mode, owner)?;
    if let Err(error) = rustix::fs::renameat(&directory, &aside, &directory, name) {
        rustix::fs::unlinkat(&directory, &aside, AtFlags::empty()).ok();
        return Err(error.into());
    }
    Ok(rustix::fs::fsync(&directory)?)
}

/// Makes a file unless the name is taken; says whether it did.
pub fn create(directory: impl AsFd, name: &str, bytes: &[u8], mode: u32) -> io::Result<bool> {
    let directory = reopened(directory)?;
    let aside = write_aside(&directory, name, bytes, mode, None)?;
    // A link fails where a rename would overwrite.
    let linked = rustix::fs::linkat(&directory, &aside, &directory, name, AtFlags::empty());
    rustix::fs::unlinkat(&directory, &aside, AtFlags::empty())?;
    match linked {
        Ok(()) => rustix::fs::fsync(&directory).map(|()| true).map_err(Into::into),
        Err(Errno::EXIST) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Removes a file; nothing when there is none.
pub fn remove(directory: impl AsFd, name: &str) -> io::Result<()> {
    let directory = reopened(directory)?;
    match rustix::fs::unlinkat(&directory, name, AtFlags::empty()) {
        Ok(()) => Ok(rustix::fs::fsync(&directory)?),
        Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn write_aside(directory: &OwnedFd, name: &str, bytes: &[u8], mode: u32, owner: Option<Owner>) -> io::Result<String> {
    // Hidden, so that no service that reads all files of a directory reads it: `*.caddy` matches no leading dot.
    let short: String = name.chars().take(80).collect();
    let aside = format!(".{short}.stackrun-{}", random_suffix());
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(directory, &aside, flags, Mode::RUSR | Mode::WUSR)?;
    let written = (|| {
        let mut file = File::from(file);
        file.write_all(bytes)?;
        if let Some(owner) = owner {
            let (uid, gid) = (rustix::fs::Uid::from_raw(owner.uid), rustix::fs::Gid::from_raw(owner.gid));
            rustix::fs::fchown(&file, Some(uid), Some(gid))?;
        }
        // After the owner: changing it clears set-id bits.
        rustix::fs::fchmod(&file, Mode::from_raw_mode(mode as RawMode))?;
        file.sync_all()
    })();
    match written {
        Ok(()) => Ok(aside),
        Err(error) => {
            rustix::fs::unlinkat(directory, &aside, AtFlags::empty()).ok();
            Err(error)
        }
    }
}

/// Held while files of a directory are changed; other runs of stackrun wait.
pub struct DirectoryLock {
    _directory: OwnedFd,
}

/// Locks a directory.
///
/// # Errors
/// When somebody else holds it for longer than ten seconds.
pub fn lock(directory: impl AsFd) -> Result<DirectoryLock> {
    let directory = reopened(directory)?;
    let start = Instant::now();
    loop {
        match rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(DirectoryLock { _directory: directory }),
            Err(Errno::WOULDBLOCK) if start.elapsed() < LOCK_WAIT => std::thread::sleep(Duration::from_millis(20)),
            Err(Errno::WOULDBLOCK) => {
                bail!("another program holds the lock of the directory; try again when it is done")
            }
            Err(error) => return Err(io::Error::from(error).into()),
        }
    }
}

/// A descriptor of the same directory that can be synced and locked, which a path descriptor can't.
fn reopened(directory: impl AsFd) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(directory, ".", flags, Mode::empty())?)
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
        replace(&open, "x", b"new", 0o640, Some(Owner { uid: 0, gid: 12 })).unwrap();
        let facts = std::fs::metadata(path.path().join("x")).unwrap();
        assert_eq!((facts.mode() & 0o7777, facts.gid()), (0o640, 12));
        assert_eq!(&**read(&open, "x").unwrap().unwrap().bytes, b"new");
        assert_eq!(std::fs::read_dir(path.path()).unwrap().count(), 1);
    }

    #[test]
    fn creating_never_overwrites() {
        let (path, open) = directory();
        assert!(create(&open, "x", b"one", 0o600).unwrap());
        assert!(!create(&open, "x", b"two", 0o600).unwrap());
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
        replace(&open, "link", b"mine", 0o600, None).unwrap();
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
}
