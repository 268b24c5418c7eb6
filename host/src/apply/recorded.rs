//! What state will say of an instance.

use anyhow::Result;

use crate::{
    draft::Owned,
    model::Thing,
    plan::{InstancePlan, identity},
    state::{InstanceRecord, OwnedRecord},
    world::World,
};

/// What state will say of an instance, as its actions are done one by one.
pub struct Recorded<'a> {
    instance: &'a InstancePlan,
    /// Things that state knew and this plan still has, and those done in this run.
    record: InstanceRecord,
    /// Whether the file has something else, or nothing yet: it is written only then.
    differs: bool,
    position: usize,
}

impl<'a> Recorded<'a> {
    /// As the run finds it; `before` is what state has.
    pub fn new(instance: &'a InstancePlan, before: Option<InstanceRecord>, position: usize) -> Self {
        let differs = before.as_ref().is_none_or(|before| before.plugin != instance.plugin);
        let owns = before.map(|record| record.owns).unwrap_or_default();
        let record = InstanceRecord { address: instance.address.clone(), plugin: instance.plugin.clone(), owns };
        Self { instance, record, differs, position }
    }

    /// The thing of an action that was carried out.
    pub fn keep(&mut self, world: &World, key: &str) -> Result<()> {
        let Some(owned) = self.instance.planned.owns.iter().find(|owned| owned.thing.key == key) else { return Ok(()) };
        self.set(owned, true);
        self.store(world)
    }

    fn store(&mut self, world: &World) -> Result<()> {
        if std::mem::take(&mut self.differs) {
            world.state.set_instance(&self.record, self.position)?;
        }
        Ok(())
    }

    /// All things that the plan lists, once no action is left; a thing without an action keeps what its proof said.
    pub fn keep_all(&mut self, world: &World) -> Result<()> {
        for owned in &self.instance.planned.owns {
            let known = self.record.owns.iter().find(|one| one.owned.thing.key == owned.thing.key);
            self.set(owned, known.is_none_or(|one| one.proven));
        }
        // Another program writes them by now: they are no longer this stack's to take away.
        let before = self.record.owns.len();
        self.record.owns.retain(|one| !self.instance.theirs.contains(&one.owned.thing));
        self.differs |= self.record.owns.len() != before;
        self.store(world)
    }

    /// A thing of the same name in the world replaces the record; one of the same key under another name is still to
    /// be removed, and moves aside.
    fn set(&mut self, owned: &Owned, proven: bool) {
        let mut record = OwnedRecord { owned: owned.clone(), grants: self.instance.grants.clone(), proven };
        let known = self.record.owns.iter_mut().find(|one| identity(&one.owned.thing) == identity(&owned.thing));
        // Only the run that adopts a thing can tell that it was somebody else's; it stays so, and undo leaves it there.
        record.owned.adopted |= known.as_ref().is_some_and(|one| one.owned.adopted);
        if record.owned.adopted {
            record.owned.undo.clear();
            record.owned.undo_settle.clear();
        }
        if known.is_some_and(|known| *known == record) {
            return;
        }
        self.record.owns.retain(|one| identity(&one.owned.thing) != identity(&owned.thing));
        for one in self.record.owns.iter_mut().filter(|one| one.owned.thing.key == owned.thing.key) {
            let Thing { key, connection, name, .. } = &one.owned.thing;
            one.owned.thing.key = format!("{key}@{connection}/{name}");
        }
        self.record.owns.push(record);
        self.differs = true;
    }
}
