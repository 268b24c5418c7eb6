//! What state keeps of secrets: fingerprints, salted digests, and the places they were written to.

use anyhow::Result;
use rusqlite::{OptionalExtension, params};

use super::State;
use crate::model::{Making, value::Address};

/// Tells whether a stored secret is still the one that was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRecord {
    /// Keyed with the stack's fingerprint key.
    pub fingerprint: String,
    /// SHA-256 of the age file: while it is the same, the fingerprint is known without decrypting.
    pub file_digest: String,
}

/// A salted digest that is made anew only when its secret changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaltedRecord {
    /// Of the secret that it was made of.
    pub fingerprint: String,
    /// The digest itself.
    pub value: String,
}

/// What was written to a place, a file or a block in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceRecord {
    /// Keyed digest of what was wanted, with fingerprints in place of secrets.
    pub want: String,
    /// Keyed digest of the bytes that this came to.
    pub written: String,
}

impl State {
    /// The secret that the store had under this name, if a run has seen it.
    pub fn secret_record(&self, address: &Address, name: &str) -> Result<Option<SecretRecord>> {
        let sqlite = self.sqlite();
        let mut statement =
            sqlite.prepare_cached("select fingerprint, file_digest from secret where address = ? and name = ?")?;
        let record = statement.query_row(params![address.to_string(), name], |row| {
            Ok(SecretRecord { fingerprint: row.get(0)?, file_digest: row.get(1)? })
        });
        Ok(record.optional()?)
    }

    /// Remembers a secret of the store.
    pub fn set_secret_record(&self, address: &Address, name: &str, record: &SecretRecord) -> Result<()> {
        self.sqlite().prepare_cached("insert or replace into secret values (?, ?, ?, ?)")?.execute(params![
            address.to_string(),
            name,
            record.fingerprint,
            record.file_digest
        ])?;
        Ok(())
    }

    /// Forgets a secret: when its data was deleted on purpose.
    pub fn forget_secret(&self, address: &Address, name: &str) -> Result<()> {
        self.sqlite()
            .prepare_cached("delete from secret where address = ? and name = ?")?
            .execute(params![address.to_string(), name])?;
        Ok(())
    }

    /// The digest made last of a target in a form. Both are the caller's own stable names.
    pub fn digest_of(&self, target: &str, form: &str) -> Result<Option<SaltedRecord>> {
        let sqlite = self.sqlite();
        let mut statement =
            sqlite.prepare_cached("select fingerprint, value from salted where target = ? and form = ?")?;
        let record = statement
            .query_row(params![target, form], |row| Ok(SaltedRecord { fingerprint: row.get(0)?, value: row.get(1)? }));
        Ok(record.optional()?)
    }

    /// Remembers a digest.
    pub fn set_digest(&self, target: &str, form: &str, record: &SaltedRecord) -> Result<()> {
        self.sqlite().prepare_cached("insert or replace into salted values (?, ?, ?, ?)")?.execute(params![
            target,
            form,
            record.fingerprint,
            record.value
        ])?;
        Ok(())
    }

    /// What was written to a place last.
    pub fn place(&self, place: &str) -> Result<Option<PlaceRecord>> {
        let sqlite = self.sqlite();
        let mut statement = sqlite.prepare_cached("select want, written from place where place = ?")?;
        let record = statement.query_row([place], |row| Ok(PlaceRecord { want: row.get(0)?, written: row.get(1)? }));
        Ok(record.optional()?)
    }

    /// Remembers what was written to a place; none forgets it.
    pub fn set_place(&self, place: &str, record: Option<&PlaceRecord>) -> Result<()> {
        let sqlite = self.sqlite();
        match record {
            Some(record) => sqlite
                .prepare_cached("insert or replace into place values (?, ?, ?)")?
                .execute(params![place, record.want, record.written])?,
            None => sqlite.prepare_cached("delete from place where place = ?")?.execute([place])?,
        };
        Ok(())
    }

    /// A captured value that is no secret.
    pub fn captured(&self, address: &Address, name: &str) -> Result<Option<String>> {
        let sqlite = self.sqlite();
        let mut statement = sqlite.prepare_cached("select value from captured where address = ? and name = ?")?;
        Ok(statement.query_row(params![address.to_string(), name], |row| row.get(0)).optional()?)
    }

    /// Remembers a captured value that is no secret; none forgets it.
    pub fn set_captured(&self, address: &Address, name: &str, value: Option<&str>) -> Result<()> {
        let (sqlite, address) = (self.sqlite(), address.to_string());
        match value {
            Some(value) => sqlite
                .prepare_cached("insert or replace into captured values (?, ?, ?)")?
                .execute(params![address, name, value])?,
            None => sqlite
                .prepare_cached("delete from captured where address = ? and name = ?")?
                .execute(params![address, name])?,
        };
        Ok(())
    }

    /// Where the values come from that an instance made, as its last plan declared them: its undo may need them after
    /// it has left the spec.
    pub fn makings(&self, address: &Address) -> Result<Vec<Making>> {
        let sqlite = self.sqlite();
        let mut statement = sqlite.prepare_cached("select makings from making where address = ?")?;
        let json: Option<String> = statement.query_row([address.to_string()], |row| row.get(0)).optional()?;
        json.map_or(Ok(Vec::new()), |json| crate::world::state::parsed(&json))
    }

    /// Remembers them.
    pub fn set_makings(&self, address: &Address, makings: &[Making]) -> Result<()> {
        self.sqlite()
            .prepare_cached("insert or replace into making values (?, ?)")?
            .execute(params![address.to_string(), serde_json::to_string(makings)?])?;
        Ok(())
    }

    /// A fact of the run's own that has no table: remembered under a stable name.
    pub fn fact(&self, name: &str) -> Result<Option<String>> {
        let sqlite = self.sqlite();
        let mut statement = sqlite.prepare_cached("select value from fact where name = ?")?;
        Ok(statement.query_row([name], |row| row.get(0)).optional()?)
    }

    /// Remembers a fact; none forgets it.
    pub fn set_fact(&self, name: &str, value: Option<&str>) -> Result<()> {
        let sqlite = self.sqlite();
        match value {
            Some(value) => {
                sqlite.prepare_cached("insert or replace into fact values (?, ?)")?.execute(params![name, value])?
            }
            None => sqlite.prepare_cached("delete from fact where name = ?")?.execute([name])?,
        };
        Ok(())
    }
}
