//! Tables of the state file, and their version.

use rusqlite::Connection;

/// Raised with every change of the tables; a file with a higher one is refused.
const VERSION: i64 = 1;

const TABLES: &str = "
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

/// Makes the tables in a new file; looks at the version of an old one.
pub fn prepare(connection: &Connection) -> Result<(), Problem> {
    let found: i64 = connection.query_row("pragma user_version", [], |row| row.get(0))?;
    match found {
        0 => {
            // The journal promises that an intent is on the disk before its step begins: full synchronisation.
            connection.execute_batch("pragma journal_mode = wal; pragma synchronous = full;")?;
            connection.execute_batch(&format!("begin immediate; {TABLES} pragma user_version = {VERSION}; commit;"))?;
        }
        VERSION => connection.execute_batch("pragma synchronous = full;")?,
        found => return Err(Problem::Newer { found, known: VERSION }),
    }
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}
