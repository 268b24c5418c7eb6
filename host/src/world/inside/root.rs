//! Files of a container, read from outside. Every symbolic link in them is the container's and may lead anywhere: the
//! kernel resolves paths with the container's root as `/`.

use std::{fs::File, io::Read, os::fd::OwnedFd};

use anyhow::{Context, Result, bail};
use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags};

/// The root directory of a container.
#[derive(Debug)]
pub struct Root(OwnedFd);

impl Root {
    /// Of the container that this process runs in.
    pub fn of(pid: u32) -> Result<Self> {
        let path = format!("/proc/{pid}/root");
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::openat(CWD, &path, flags, Mode::empty());
        Ok(Self(root.with_context(|| format!("{path} can't be opened: is the container running?"))?))
    }

    /// The content of a regular file, up to `limit` bytes; none when there is no such file.
    pub fn read(&self, path: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        // NONBLOCK: a container may have put a pipe there.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        let file = match rustix::fs::openat2(&self.0, path, flags, Mode::empty(), resolve) {
            Ok(file) => file,
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => return Ok(None),
            Err(error) => bail!("{path} of the container can't be opened: {error}"),
        };
        if FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode) != FileType::RegularFile {
            bail!("{path} of the container is no regular file");
        }
        let mut content = Vec::new();
        File::from(file).take(limit + 1).read_to_end(&mut content)?;
        if content.len() as u64 > limit {
            bail!("{path} of the container is larger than {limit} bytes");
        }
        Ok(Some(content))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn root(directory: &std::path::Path) -> Root {
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        Root(rustix::fs::openat(CWD, directory, flags, Mode::empty()).unwrap())
    }

    #[test]
    fn a_link_out_of_the_container_stays_in_it() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "host's").unwrap();
        let inside = tempfile::tempdir().unwrap();
        std::fs::create_dir(inside.path().join("etc")).unwrap();
        symlink(outside.path().join("secret"), inside.path().join("etc/hosts")).unwrap();
        symlink("../../../../../../../../etc/passwd", inside.path().join("etc/resolv.conf")).unwrap();
        let root = root(inside.path());
        assert_eq!(root.read("/etc/hosts", 100).unwrap(), None);
        assert_eq!(root.read("/etc/resolv.conf", 100_000).unwrap(), None);
        std::fs::write(inside.path().join("etc/passwd"), "container's").unwrap();
        assert_eq!(root.read("/etc/resolv.conf", 100).unwrap().unwrap(), b"container's");
        assert!(root.read("/etc/resolv.conf", 3).is_err(), "longer than the limit");
    }

    #[test]
    fn a_pipe_is_no_file() {
        let inside = tempfile::tempdir().unwrap();
        let pipe = inside.path().join("hosts");
        rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR, 0).unwrap();
        assert!(root(inside.path()).read("/hosts", 100).is_err());
    }
}
