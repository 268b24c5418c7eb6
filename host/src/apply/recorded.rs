//! What state will say of an instance.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::{
    draft::Owned,
    plan::InstancePlan,
    state::{InstanceRecord, OwnedRecord},
    world::World,
};

/// What state will say of an instance, as its actions are done one by one.
pub struct Recorded<'a> {
    instance: &'a InstancePlan,
    /// Things that state knew and this plan still has, and those done in this run.
    record: InstanceRecord,
    /// What the file has: it is written only when that differs.
    stored: Option<InstanceRecord>,
    position: usize,
}

impl<'a> Recorded<'a> {
    /// As the run finds it; `before` is what state has.
    pub fn new(instance: &'a InstancePlan, before: Option<&InstanceRecord>, position: usize) -> Self {
        let owns = before.map(|record| record.owns.clone()).unwrap_or_default();
        let record = InstanceRecord { address: instance.address.clone(), plugin: instance.plugin.clone(), owns };
        Self { instance, record, stored: before.cloned(), position }
    }

    /// The thing of an action that was carried out.
    pub fn keep(&mut self, world: &World, key: &str) -> Result<()> {
        let Some(owned) = self.instance.planned.owns.iter().find(|owned| owned.thing.key == key) else { return Ok(()) };
        self.set(owned, true);
        self.store(world)
    }

    fn store(&mut self, world: &World) -> Result<()> {
        if self.stored.as_ref() != Some(&self.record) {
            world.state.set_instance(&self.record, self.position)?;
            self.stored = Some(self.record.clone());
        }
        Ok(())
    }

    /// All things that the plan lists, once no action is left; a thing without an action keeps what its proof said.
    pub fn keep_all(&mut self, world: &World) -> Result<()> {
        let proven: BTreeSet<String> =
            self.record.owns.iter().filter(|one| one.proven).map(|one| one.owned.thing.key.clone()).collect();
        let known: BTreeSet<String> = self.record.owns.iter().map(|one| one.owned.thing.key.clone()).collect();
        for owned in &self.instance.planned.owns {
            let key = &owned.thing.key;
            self.set(owned, proven.contains(key) || !known.contains(key));
        }
        // Another program writes them by now: they are no longer this stack's to take away.
        self.record.owns.retain(|one| !self.instance.theirs.contains(&one.owned.thing));
        self.store(world)
    }

    /// A thing of the same name in the world replaces the record; one of the same key under another name is still to
    /// be removed, and moves aside.
    fn set(&mut self, owned: &Owned, proven: bool) {
        let same = |one: &OwnedRecord| {
            let (a, b) = (&one.owned.thing, &owned.thing);
            (&a.connection, &a.kind, &a.name) == (&b.connection, &b.kind, &b.name)
        };
        let mut record = OwnedRecord { owned: owned.clone(), grants: self.instance.grants.clone(), proven };
        // Only the run that adopts a thing can tell that it was somebody else's; it stays so, and undo leaves it there.
        record.owned.adopted |= self.record.owns.iter().any(|one| same(one) && one.owned.adopted);
        if record.owned.adopted {
            record.owned.undo.clear();
            record.owned.undo_settle.clear();
        }
        match self.record.owns.iter_mut().find(|one| same(one)) {
            Some(place) => *place = record,
            None => {
                for one in self.record.owns.iter_mut().filter(|one| one.owned.thing.key == owned.thing.key) {
                    one.owned.thing.key = format!("{}@{}", one.owned.thing.key, one.owned.thing.name);
                }
                self.record.owns.push(record);
            }
        }
    }
}
