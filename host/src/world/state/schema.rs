//! Tables of the state file, and their version.

use rusqlite::{Connection, Transaction, params};
use serde_json::{Value, json};

/// What leads from each version of the tables to the next; a new file goes the whole way. None is ever changed again, and
/// `versions/` has a state of each version.
const MIGRATIONS: &[fn(&Transaction<'_>) -> rusqlite::Result<()>] =
    &[|file| file.execute_batch(FIRST_TABLES), plugins_and_things_of_the_journal];

const FIRST_TABLES: &str = "
create table instance (
    address text primary key, plugin text not null, position integer not null
) strict;
create table thing (
    address text not null, key text not null, connection text not null, kind text not null, name text not null,
    holds_data integer not null, adopted integer not null, proven integer not null, position integer not null,
    undo text not null, undo_settle text not null, grants text not null, shared integer not null,
    primary key (address, key)
) strict;
create unique index thing_in_the_world on thing (connection, kind, name) where not shared;
create table edge (before text not null, after text not null, primary key (before, after)) strict;
create table making (address text primary key, makings text not null) strict;
create table secret (
    address text not null, name text not null, fingerprint text not null, file_digest text not null,
    primary key (address, name)
) strict;
create table salted (
    target text not null, form text not null, fingerprint text not null, value text not null, primary key (target, form)
) strict;
create table place (place text primary key, want text not null, written text not null) strict;
create table captured (
    address text not null, name text not null, value text not null, primary key (address, name)
) strict;
create table fact (name text primary key, value text not null) strict;
create table run (id integer primary key, plan text not null, status text not null) strict;
create table journal (
    run integer not null, seq integer not null, entry text not null, before blob, phase text not null,
    primary key (run, seq)
) strict;
";

/// Why a file can't be used.
pub enum Problem {
    /// A newer stackrun wrote it.
    Newer {
        /// Its version.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// SQLite says no.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        Problem::Sqlite(error)
    }
}

/// Brings the tables of a file to the version that this program knows.
pub fn prepare(connection: &mut Connection) -> Result<(), Problem> {
    // The journal promises that an intent is on the disk before its step begins: full synchronisation.
    connection.execute_batch("pragma synchronous = full;")?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let found = version(connection)?;
    if found > known {
        return Err(Problem::Newer { found, known });
    }
    if found == 0 {
        connection.execute_batch("pragma journal_mode = wal;")?;
    }
    if found < known {
        let file = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        // Another run may have been faster.
        let done = usize::try_from(version(&file)?).unwrap_or_default();
        MIGRATIONS.iter().skip(done).try_for_each(|migrate| migrate(&file))?;
        file.pragma_update(None, "user_version", known)?;
        file.commit()?;
    }
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("pragma user_version", [], |row| row.get(0))
}

/// Version 2: the plugins of the last run, and in the journal of a killed run what happens to which thing. Version 1 had the
/// thing's key alone, which a removal may share with the successor of what it removes.
fn plugins_and_things_of_the_journal(file: &Transaction<'_>) -> rusqlite::Result<()> {
    file.execute_batch("create table plugin (name text primary key, identity text not null) strict;")?;
    let killed = "select run, seq, entry, plan from journal join run on run.id = run where status = 'running'";
    let mut journal = file.prepare(killed)?;
    let mut rows = journal.query([])?;
    while let Some(row) = rows.next()? {
        let (run, seq): (i64, i64) = (row.get(0)?, row.get(1)?);
        let read = |json: String| serde_json::from_str(&json).unwrap_or(Value::Null);
        let (mut entry, plan): (Value, Value) = (read(row.get(2)?), read(row.get(3)?));
        if let Some((thing, change)) = changed(&plan, &entry) {
            entry["thing"] = thing;
            entry["change"] = change;
            let entry = entry.to_string();
            file.execute("update journal set entry = ? where run = ? and seq = ?", params![entry, run, seq])?;
        }
    }
    Ok(())
}

/// The thing that an entry of version 1 means, and what happens to it.
fn changed(plan: &Value, entry: &Value) -> Option<(Value, Value)> {
    let (address, key) = (&entry["address"], &entry["thing"]);
    let of_instance = |instance: &&Value| &instance["address"] == address;
    let has_key = |owned: &&Value| &owned["thing"]["key"] == key;
    let instance = plan["instances"].as_array()?.iter().find(of_instance);
    let acts = |instance: &Value| {
        let action = instance["planned"]["actions"].as_array()?.iter().find(|action| &action["thing"] == key)?;
        let owned = instance["planned"]["owns"].as_array()?.iter().find(has_key)?;
        Some((owned["thing"].clone(), action["change"].clone()))
    };
    let removes = || {
        let removals = plan["removals"].as_array()?.iter().filter(of_instance);
        let owned = removals.map(|removal| &removal["owned"]).find(has_key)?;
        Some((owned["thing"].clone(), json!("remove")))
    };
    instance.and_then(acts).or_else(removes)
}
