//! A configuration file of a PostgreSQL server on this machine: replaced as a whole, owner and mode kept, one run at a
//! time.

use std::{
    io::Write,
    os::fd::{AsFd, OwnedFd},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use cap_std::{
    ambient_authority,
    fs::{Dir, MetadataExt, OpenOptions, OpenOptionsExt},
};
use rustix::{
    fs::{AtFlags, FlockOperation, Gid, Mode, OFlags, Uid},
    io::Errno,
};

use super::hba::ServerFile;

/// The file.
#[derive(Debug)]
pub struct ConfigHere {
    directory: Dir,
    name: String,
    shown: String,
}

/// Another run writes for milliseconds.
const LOCK_LIMIT: Duration = Duration::from_secs(10);
const LOCK_PAUSE: Duration = Duration::from_millis(20);

impl ConfigHere {
    /// Finds the server's file on this machine. The server may be in a container or on another machine: then a file of that
    /// name here is another one, and is left alone.
    pub fn open(file: &ServerFile) -> Result<Self> {
        let shown = file.path.display().to_string();
        let elsewhere = || elsewhere(&file.path);
        // The path is the server's own configuration, symbolic links in it are the operator's.
        let real = std::fs::canonicalize(&file.path).with_context(elsewhere)?;
        let (Some(parent), Some(name)) = (real.parent(), real.file_name().and_then(|name| name.to_str())) else {
            bail!(elsewhere());
        };
        let directory = Dir::open_ambient_dir(parent, ambient_authority())
            .with_context(|| format!("{} can't be opened", parent.display()))?;
        let here = Self { directory, name: name.to_owned(), shown: shown.clone() };
        here.writable()?;
        if here.read()? != file.bytes {
            bail!(elsewhere());
        }
        Ok(here)
    }

    /// Whether the file can be replaced: a generated one often lies on a read-only file system.
    fn writable(&self) -> Result<()> {
        let check = |path: &Path| {
            rustix::fs::accessat(self.directory.as_fd(), path, rustix::fs::Access::WRITE_OK, AtFlags::EACCESS)
        };
        match check(Path::new(&self.name)).and_then(|()| check(Path::new("."))) {
            Ok(()) => Ok(()),
            Err(error) => {
                let generated = match error {
                    Errno::ROFS => "; something else seems to generate it: give the connection `write = \"print\"`",
                    _ => "",
                };
                bail!("{} can't be written ({error}){generated}", self.shown)
            }
        }
    }

    /// The bytes as they are now.
    pub fn read(&self) -> Result<Vec<u8>> {
        self.directory.read(&self.name).with_context(|| format!("{} can't be read", self.shown))
    }

    /// Writes aside, syncs, renames. Owner and mode stay.
    pub fn replace(&self, content: &[u8]) -> Result<()> {
        self.replace_quietly(content).with_context(|| format!("{} can't be written", self.shown))
    }

    fn replace_quietly(&self, content: &[u8]) -> Result<()> {
        let old = self.directory.symlink_metadata(&self.name)?;
        let aside = format!(".{}.stackrun", self.name);
        // Left by a run that was killed.
        match self.directory.remove_file(&aside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        let mut file = self.directory.open_with(&aside, OpenOptions::new().write(true).create_new(true).mode(0o600))?;
        file.write_all(content)?;
        rustix::fs::fchown(&file, Some(Uid::from_raw(old.uid())), Some(Gid::from_raw(old.gid())))?;
        rustix::fs::fchmod(&file, Mode::from_raw_mode(old.mode() & 0o7777))?;
        file.sync_all()?;
        self.directory.rename(&aside, &self.directory, &self.name)?;
        rustix::fs::fsync(opened(&self.directory)?)?;
        Ok(())
    }
}

/// Keeps other runs from writing in the directory of a file, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _directory: OwnedFd,
}

impl Lock {
    /// Waits until no other run writes there.
    pub async fn beside(file: &ServerFile) -> Result<Self> {
        let shown = file.path.display();
        let real = std::fs::canonicalize(&file.path).with_context(|| elsewhere(&file.path))?;
        let parent = real.parent().with_context(|| elsewhere(&file.path))?;
        let directory = opened(&Dir::open_ambient_dir(parent, ambient_authority())?)
            .with_context(|| format!("{} can't be opened", parent.display()))?;
        let until = Instant::now() + LOCK_LIMIT;
        loop {
            match rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self { _directory: directory }),
                Err(Errno::WOULDBLOCK) if Instant::now() < until => tokio::time::sleep(LOCK_PAUSE).await,
                Err(Errno::WOULDBLOCK) => bail!("another run has been writing beside {shown} for a while"),
                Err(error) => bail!("the directory of {shown} can't be locked: {error}"),
            }
        }
    }
}

/// A `Dir` is opened for paths only, and can be neither locked nor synced.
fn opened(directory: &Dir) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(directory, ".", flags, Mode::empty())?)
}

fn elsewhere(path: &Path) -> String {
    format!(
        "{} of the server is no file of this machine: give the connection `write = \"print\"`, or the instance `hba = \
         \"leave\"`, and put the lines in place there",
        path.display()
    )
}
