//! What the last runs left: things owned with their undo, edges, where secrets were written, the journal.
//!
//! One SQLite file for each stack, 0600, in the host file's `state` directory. It holds no secret: of each there is a
//! keyed fingerprint, and before-images in the journal are sealed to the store's recipients.

mod journal;
mod lock;
mod schema;
mod secrets;
mod things;

use std::{
    fs::OpenOptions,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result, bail};
use rusqlite::Connection;

pub use journal::{JournalEntry, Phase, Run, RunId};
pub use lock::{Lock, LockHeld};
pub use secrets::{PlaceRecord, SaltedRecord, SecretRecord};
pub use things::{InstanceRecord, OwnedRecord};

/// One stack's state. All functions are short transactions; any thread may call them.
#[derive(Debug)]
pub struct State {
    connection: Mutex<Connection>,
    path: PathBuf,
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
        crate::host_file::refuse_writable_by_others(directory, "state directory")?;
        let path = directory.join(format!("{stack}.state"));
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("the state file {} can't be opened", path.display()))?;
        crate::host_file::refuse_writable_by_others(&path, "state file")?;
        let connection = Connection::open(&path).map_err(|error| damaged(&path, &error))?;
        Self::prepare(connection, path)
    }

    /// A state that is gone when it is dropped: for tests, and for plans without a machine.
    pub fn in_memory() -> Result<Self> {
        Self::prepare(Connection::open_in_memory()?, PathBuf::from(":memory:"))
    }

    fn prepare(connection: Connection, path: PathBuf) -> Result<Self> {
        schema::prepare(&connection).map_err(|problem| match problem {
            schema::Problem::Newer { found, known } => anyhow::anyhow!(
                "the state file {} was written by a newer stackrun (version {found} of the format, this one knows {known})\n  \
                 upgrade stackrun, or use the one that wrote it",
                path.display()
            ),
            schema::Problem::Sqlite(error) => damaged(&path, &error),
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
            Err(error) => Err(damaged(&self.path, &error)),
        }
    }

    fn sqlite(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn damaged(path: &Path, why: &dyn std::fmt::Display) -> anyhow::Error {
    anyhow::anyhow!(
        "the state file {} can't be read: it is damaged, or no state of stackrun ({why})\n  \
         nothing was changed; put back a copy of it, or move it away: the next apply adopts what it finds",
        path.display()
    )
}

/// For values that this program itself wrote into the file.
fn parsed<T: serde::de::DeserializeOwned>(json: &str) -> Result<T> {
    match serde_json::from_str(json) {
        Ok(value) => Ok(value),
        Err(error) => bail!("the state file holds something that this stackrun did not write: {error}"),
    }
}
