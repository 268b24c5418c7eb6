//! One run at a time for each stack.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use anyhow::{Context, Result, bail};
use rustix::fs::{FlockOperation, OFlags, flock};

/// Held while a run may change the world; the kernel lets it go with the process.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Another run holds the lock.
#[derive(Debug, thiserror::Error)]
#[error("another run of stackrun holds the lock of stack `{stack}`{holder}\n  wait for it to end; the lock is {path}")]
pub struct LockHeld {
    stack: String,
    holder: String,
    path: String,
}

impl Lock {
    /// Takes the lock of a stack, or says at once who holds it ([`LockHeld`]).
    pub fn take(directory: &Path, stack: &str) -> Result<Self> {
        let path = directory.join(format!("{stack}.lock"));
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32)
            .open(&path)
            .with_context(|| format!("the lock file {} can't be opened", path.display()))?;
        if !file.metadata()?.is_file() {
            bail!("the lock file {} is not a regular file: remove it", path.display());
        }
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut holder = String::new();
            file.read_to_string(&mut holder)?;
            let holder = match holder.trim() {
                "" => String::new(),
                process => format!(" (process {process})"),
            };
            return Err(LockHeld { stack: stack.to_owned(), holder, path: path.display().to_string() }.into());
        }
        file.set_len(0)?;
        file.rewind()?;
        write!(file, "{}", std::process::id())?;
        Ok(Self { _file: file })
    }
}
