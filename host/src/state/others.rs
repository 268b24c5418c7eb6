//! What the other stacks of this machine own, as their states say: nothing is changed there.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};
use rusqlite::{Connection, OpenFlags};

use crate::{
    model::{Thing, value::Address},
    world::{State, state::state_file, trusted},
};

/// Another stack.
#[derive(Debug)]
pub struct OtherStack {
    /// Its name.
    pub name: String,
    /// What it owns; or why that can't be told.
    pub owns: Result<Vec<OthersThing>>,
}

/// A thing of another stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OthersThing {
    /// The instance that owns it.
    pub address: Address,
    /// The thing.
    pub thing: Thing,
    /// A directory without data, that goes only when nothing is left in it: several stacks may have it.
    pub only_when_empty: bool,
}

/// All stacks that have a state in this directory, but this one.
pub fn other_stacks(directory: &Path, stack: &str) -> Vec<OtherStack> {
    let others = State::stacks(directory).into_iter().filter(|name| name != stack);
    others.map(|name| OtherStack { owns: owned(&state_file(directory, &name)), name }).collect()
}

fn owned(path: &Path) -> Result<Vec<OthersThing>> {
    trusted::open(path, "state file")?;
    let sqlite = look_at(path)?;
    sqlite.busy_timeout(Duration::from_millis(500))?;
    let mut statement =
        sqlite.prepare("select address, key, connection, kind, name, shared and not holds_data from thing")?;
    let mut rows = statement.query([])?;
    let mut things = Vec::new();
    while let Some(row) = rows.next()? {
        let thing = Thing { key: row.get(1)?, connection: row.get(2)?, kind: row.get(3)?, name: row.get(4)? };
        let address = row.get::<_, String>(0)?.parse().map_err(anyhow::Error::msg)?;
        things.push(OthersThing { address, thing, only_when_empty: row.get(5)? });
    }
    Ok(things)
}

/// A file that nobody has open is opened as one that does not change: otherwise SQLite would leave files beside it.
fn look_at(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let at_rest = !Path::new(&log).exists();
    let mut url = url::Url::from_file_path(path).ok().context("it has no absolute path")?;
    url.set_query(at_rest.then_some("immutable=1"));
    Ok(Connection::open_with_flags(url.as_str(), flags)?)
}
