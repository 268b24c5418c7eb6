//! The plugins of the last run.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::{
    model::PluginIdentity,
    world::{State, state::parsed},
};

impl State {
    /// Each plugin of the last run whose actions were all done, by its name.
    pub fn plugins(&self) -> Result<BTreeMap<String, PluginIdentity>> {
        let sqlite = self.sqlite();
        let mut statement = sqlite.prepare_cached("select name, identity from plugin")?;
        let mut rows = statement.query([])?;
        let mut plugins = BTreeMap::new();
        while let Some(row) = rows.next()? {
            plugins.insert(row.get(0)?, parsed(row.get_ref(1)?.as_str()?)?);
        }
        Ok(plugins)
    }

    /// Remembers the plugins of a run. Of one that it did not have, what an earlier run said stays.
    pub fn set_plugins(&self, plugins: &BTreeMap<String, PluginIdentity>) -> Result<()> {
        let known = self.plugins()?;
        for (name, identity) in plugins.iter().filter(|(name, identity)| known.get(*name) != Some(identity)) {
            let identity = serde_json::to_string(identity)?;
            self.sqlite().prepare_cached("insert or replace into plugin values (?, ?)")?.execute([name, &identity])?;
        }
        Ok(())
    }
}
