//! What the last runs left: things owned with their undo, edges, where secrets were written, the journal.
//!
//! One SQLite file for each stack, 0600, in the host file's `state` directory. It holds no secret: of each there is a
//! keyed fingerprint, and before-images in the journal are sealed to the store's recipients.

mod lock;
mod schema;
mod secrets;

use std::{
    fs::OpenOptions,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result, bail};
use rusqlite::Connection;

pub use lock::{Lock, LockHeld};
pub use secrets::{PlaceRecord, SaltedRecord, SecretRecord};

use crate::world::trusted;

/// What a state file's name ends in, after the stack's.
const SUFFIX: &str = ".state";

/// Where the state of a stack lies.
pub(crate) fn state_file(directory: &Path, stack: &str) -> PathBuf {
    directory.join(format!("{stack}{SUFFIX}"))
}

/// One stack's state. All functions are short transactions; any thread may call them.
#[derive(Debug)]
pub struct State {
    connection: Mutex<Connection>,
    pub(crate) path: PathBuf,
}

impl State {
    /// Opens the state of a stack, and makes an empty one where there is none.
    ///
    /// # Errors
    /// A directory or file that others can write, a file that is no SQLite database or is damaged, a state written by a
    /// newer stackrun.
    pub fn open(directory: &Path, stack: &str) -> Result<Self> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .with_context(|| format!("the state directory {} can't be made", directory.display()))?;
        trusted::directory(directory, "state directory")?;
        let path = state_file(directory, stack);
        Self::make_first(&path)?;
        // Opened by its path after that: nobody else could put another one there.
        refuse_empty(&path)?;
        let connection = Connection::open(&path).map_err(|error| unusable(&path, &error))?;
        Self::prepare(connection, path)
    }

    /// Names of all stacks that have a state in a directory.
    pub fn stacks(directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        let name = |path: PathBuf| Some(path.to_str()?.strip_suffix(SUFFIX)?.rsplit('/').next()?.to_owned());
        let mut stacks: Vec<String> = entries.filter_map(|entry| name(entry.path())).collect();
        stacks.sort();
        stacks
    }

    /// Makes the file with its tables under another name, unless it is there: under its own it is never empty, so that one
    /// that is has lost what it held.
    fn make_first(path: &Path) -> Result<()> {
        if path.exists() {
            return Ok(());
        }
        let aside = path.with_added_extension("new");
        // Left by a run that was killed while it made it: nothing is in it yet.
        let _ = std::fs::remove_file(&aside);
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&aside)
            .with_context(|| format!("the state file {} can't be made", aside.display()))?;
        let connection = Connection::open(&aside).map_err(|error| unusable(&aside, &error))?;
        drop(Self::prepare(connection, aside.clone())?);
        match rustix::fs::renameat_with(
            rustix::fs::CWD,
            &aside,
            rustix::fs::CWD,
            path,
            rustix::fs::RenameFlags::NOREPLACE,
        ) {
            // Another run was faster.
            Ok(()) | Err(rustix::io::Errno::EXIST) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("the state file {} can't be made", path.display())),
        }
    }

    /// A state that is gone when it is dropped: for tests, and for plans without a machine.
    pub fn in_memory() -> Result<Self> {
        Self::prepare(Connection::open_in_memory()?, PathBuf::from(":memory:"))
    }

    fn prepare(mut connection: Connection, path: PathBuf) -> Result<Self> {
        schema::prepare(&mut connection).map_err(|problem| match problem {
            schema::Problem::Newer { found, known } => anyhow::anyhow!(
                "the state file {} was written by a newer stackrun (version {found} of the format, this one knows {known})\n  \
                 upgrade stackrun, or use the one that wrote it",
                path.display()
            ),
            schema::Problem::Sqlite(error) => unusable(&path, &error),
        })?;
        Ok(Self { connection: Mutex::new(connection), path })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Looks through the whole file, before anything is changed in the name of what it says.
    ///
    /// # Errors
    /// It is damaged.
    pub fn refuse_damaged(&self) -> Result<()> {
        let verdict = self.sqlite().query_row("pragma quick_check(1)", [], |row| row.get::<_, String>(0));
        match verdict {
            Ok(verdict) if verdict == "ok" => Ok(()),
            Ok(verdict) => Err(damaged(&self.path, &verdict.lines().last().unwrap_or_default())),
            Err(error) => Err(unusable(&self.path, &error)),
        }
    }

    /// Carries out several writes as one: all of them are on the disk when it returns, or none. For work of one thread while
    /// no other writes.
    ///
    /// # Errors
    /// Those of the work; the file can't be written.
    pub fn as_one<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.sqlite().execute_batch("begin immediate")?;
        let done = work();
        let sqlite = self.sqlite();
        let done = done.and_then(|value| Ok(sqlite.execute_batch("commit").map(|()| value)?));
        if done.is_err() && !sqlite.is_autocommit() {
            sqlite.execute_batch("rollback")?;
        }
        done
    }

    /// An error of a run; where SQLite has said no, with the name of the file and what to do.
    pub fn explained(&self, error: anyhow::Error) -> anyhow::Error {
        match error.downcast_ref::<rusqlite::Error>() {
            Some(sqlite) => unusable(&self.path, sqlite),
            None => error,
        }
    }

    pub(crate) fn sqlite(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file of no bytes was cut off: this program never leaves one.
fn refuse_empty(path: &Path) -> Result<()> {
    if rustix::fs::fstat(trusted::open(path, "state file")?)?.st_size > 0 {
        return Ok(());
    }
    bail!(
        "the state file {} is empty, and stackrun never leaves one so: it was cut off, as by a full disk or a restore that \
         went wrong\n  nothing was changed; put back a copy of it: without it, nobody knows what this stack owns",
        path.display()
    )
}

/// What SQLite says of a file: only one that is damaged may be moved away; a full disk or a lock says nothing against it.
pub(crate) fn unusable(path: &Path, error: &rusqlite::Error) -> anyhow::Error {
    use rusqlite::ErrorCode::{DatabaseCorrupt, DiskFull, NotADatabase};
    match error.sqlite_error_code() {
        Some(DatabaseCorrupt | NotADatabase) => damaged(path, error),
        Some(DiskFull) => anyhow::anyhow!(
            "the state file {} can't be written: the disk that it lies on is full\n  nothing more was done; make room, and \
             run the same again",
            path.display()
        ),
        _ => anyhow::anyhow!(
            "the state file {} can't be used: {error}\n  nothing more was done; the file itself may be whole: leave it where \
             it is",
            path.display()
        ),
    }
}

pub(crate) fn damaged(path: &Path, why: &dyn std::fmt::Display) -> anyhow::Error {
    anyhow::anyhow!(
        "the state file {} can't be read: it is damaged, or no state of stackrun ({why})\n  \
         nothing was changed; put back a copy of it, or move it away: the next apply adopts what it finds",
        path.display()
    )
}

/// For values that this program itself wrote into the file.
pub(crate) fn parsed<T: serde::de::DeserializeOwned>(json: &str) -> Result<T> {
    match serde_json::from_str(json) {
        Ok(value) => Ok(value),
        Err(error) => bail!("the state file holds something that this stackrun did not write: {error}"),
    }
}
