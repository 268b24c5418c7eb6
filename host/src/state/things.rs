//! Things owned, how they are taken away, and in which order.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use rusqlite::params;

use crate::{
    draft::Owned,
    model::{Grants, Thing, value::Address},
    world::{
        State,
        state::{damaged, parsed, unusable},
    },
};

/// An instance as its last run left it: enough to undo it without its plugin and without the spec.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceRecord {
    /// Its address.
    pub address: Address,
    /// Name of the plugin that planned it.
    pub plugin: String,
    /// Its things, in the order in which they were made.
    pub owns: Vec<OwnedRecord>,
}

/// A thing that an instance owns.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnedRecord {
    /// The thing and its undo.
    pub owned: Owned,
    /// What its instance was granted when it was planned last; its undo is checked against this. A renamed thing may lie
    /// where its instance may no longer reach.
    pub grants: Grants,
    /// Whether the last proof or check of it held.
    pub proven: bool,
}

impl State {
    /// All instances, in the order in which they were applied last.
    pub fn instances(&self) -> Result<Vec<InstanceRecord>> {
        self.read_instances().map_err(|error| match error.downcast_ref::<rusqlite::Error>() {
            Some(sqlite) => unusable(&self.path, sqlite),
            None => damaged(&self.path, &error.root_cause()),
        })
    }

    fn read_instances(&self) -> Result<Vec<InstanceRecord>> {
        let sqlite = self.sqlite();
        let mut things: BTreeMap<String, Vec<OwnedRecord>> = BTreeMap::new();
        let mut statement = sqlite.prepare_cached(
            "select address, key, connection, kind, name, holds_data, adopted, proven, undo, undo_settle, grants \
             from thing order by address, position",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let thing = Thing { key: row.get(1)?, connection: row.get(2)?, kind: row.get(3)?, name: row.get(4)? };
            let owned = Owned {
                thing,
                holds_data: row.get(5)?,
                adopted: row.get(6)?,
                undo: parsed(row.get_ref(8)?.as_str()?)?,
                undo_settle: parsed(row.get_ref(9)?.as_str()?)?,
            };
            things.entry(row.get(0)?).or_default().push(OwnedRecord {
                owned,
                grants: parsed(row.get_ref(10)?.as_str()?)?,
                proven: row.get(7)?,
            });
        }
        let mut statement = sqlite.prepare_cached("select address, plugin from instance order by position")?;
        let mut rows = statement.query([])?;
        let mut instances = Vec::new();
        while let Some(row) = rows.next()? {
            let address: String = row.get(0)?;
            let owns = things.remove(&address).unwrap_or_default();
            instances.push(InstanceRecord {
                address: address.parse().map_err(anyhow::Error::msg)?,
                plugin: row.get(1)?,
                owns,
            });
        }
        Ok(instances)
    }

    /// Remembers an instance with all it owns; `position` is its place in the order of this run.
    pub fn set_instance(&self, record: &InstanceRecord, position: usize) -> Result<()> {
        let mut sqlite = self.sqlite();
        let transaction = sqlite.savepoint()?;
        let address = record.address.to_string();
        transaction.prepare_cached("delete from thing where address = ?")?.execute([&address])?;
        transaction.prepare_cached("insert or replace into instance values (?, ?, ?)")?.execute(params![
            address,
            record.plugin,
            i64::try_from(position)?
        ])?;
        for (position, OwnedRecord { owned, grants, proven }) in record.owns.iter().enumerate() {
            let thing = &owned.thing;
            transaction.prepare_cached("insert into thing values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")?.execute(
                params![
                    address,
                    thing.key,
                    thing.connection,
                    thing.kind,
                    thing.name,
                    owned.holds_data,
                    owned.adopted,
                    proven,
                    i64::try_from(position)?,
                    serde_json::to_string(&owned.undo)?,
                    serde_json::to_string(&owned.undo_settle)?,
                    serde_json::to_string(grants)?,
                    owned.is_shared()
                ],
            )?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Whether the last proof or check of a thing held.
    pub fn set_proven(&self, address: &Address, key: &str, proven: bool) -> Result<()> {
        self.sqlite().prepare_cached("update thing set proven = ? where address = ? and key = ?")?.execute(params![
            proven,
            address.to_string(),
            key
        ])?;
        Ok(())
    }

    /// Forgets a thing, and its instance with the last one. The name in the world says which: under its key, a thing
    /// that was renamed has a successor by now.
    pub fn forget_thing(&self, address: &Address, thing: &Thing) -> Result<()> {
        let (sqlite, address) = (self.sqlite(), address.to_string());
        sqlite
            .prepare_cached("delete from thing where address = ? and connection = ? and kind = ? and name = ?")?
            .execute(params![address, thing.connection, thing.kind, thing.name])?;
        sqlite
            .prepare_cached(
                "delete from instance where address = ?1 and not exists (select 1 from thing where address = ?1)",
            )?
            .execute([&address])?;
        Ok(())
    }

    /// Forgets things that a person no longer wants to be this stack's, all of them or none; the journal keeps which.
    pub fn forget(&self, address: &Address, forgotten: &[&OwnedRecord]) -> Result<()> {
        let things: Vec<&Thing> = forgotten.iter().map(|one| &one.owned.thing).collect();
        self.as_one(|| {
            let mut moves = forgotten.iter().flat_map(|one| &one.owned.undo);
            moves.try_for_each(|one| one.step.forget_written(address, self))?;
            let run = self.begin_run(&serde_json::json!({ "forget": address, "things": things }).to_string())?;
            things.iter().try_for_each(|thing| self.forget_thing(address, thing))?;
            self.end_run(run, "forgotten")
        })
    }

    /// Which instance came before which.
    pub fn edges(&self) -> Result<BTreeSet<(Address, Address)>> {
        let sqlite = self.sqlite();
        let mut statement = sqlite.prepare_cached("select before, after from edge")?;
        let mut rows = statement.query([])?;
        let mut edges = BTreeSet::new();
        while let Some(row) = rows.next()? {
            let end = |text: String| text.parse::<Address>().map_err(anyhow::Error::msg);
            edges.insert((end(row.get(0)?)?, end(row.get(1)?)?));
        }
        Ok(edges)
    }

    /// Remembers them, in place of all earlier ones.
    pub fn set_edges(&self, edges: &BTreeSet<(Address, Address)>) -> Result<()> {
        let mut sqlite = self.sqlite();
        let transaction = sqlite.savepoint()?;
        transaction.execute("delete from edge", [])?;
        for (before, after) in edges {
            transaction
                .prepare_cached("insert into edge values (?, ?)")?
                .execute(params![before.to_string(), after.to_string()])?;
        }
        transaction.commit()?;
        Ok(())
    }
}
