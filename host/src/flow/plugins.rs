//! Plugins of a run: the built-in ones that the spec needs, and those that the host file names. Loaded side by side.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use anyhow::Context;

use super::cores::on_all_cores;
use crate::{
    exit::{Ended, Exit},
    hex::hex,
    model::{GrantLines, HostFile, PluginIdentity, PluginSettings},
    plugin::{Plugin, Runtime, builtin},
    world::trusted,
};

/// A plugin that is ready to be called.
pub struct LoadedPlugin {
    /// The kind that it is for; in the host file, the name of its table.
    pub name: String,
    /// The plugin.
    pub plugin: Plugin,
    /// SHA-256 of the component.
    pub digest: String,
    /// What it brings, and what the host file grants.
    pub grants: Vec<GrantLines>,
}

impl LoadedPlugin {
    /// Which build of it this is.
    pub fn identity(&self) -> PluginIdentity {
        let description = self.plugin.description();
        let mut capabilities = description.capabilities.clone();
        capabilities.sort();
        PluginIdentity { version: description.version.clone(), digest: self.digest.clone(), capabilities }
    }
}

/// By kind.
pub struct Plugins {
    by_kind: BTreeMap<String, Arc<LoadedPlugin>>,
}

impl Plugins {
    /// Loads what these kinds need. A kind that nobody handles is left out; the spec's check says so.
    pub fn load(runtime: &Runtime, kinds: &[&str], host_file: Option<&HostFile>) -> Result<Self, Ended> {
        let mut by_kind = BTreeMap::new();
        let of_nobody =
            |(name, settings): &(&String, &PluginSettings)| settings.path.is_none() && builtin::of(name).is_none();
        if let Some((name, _)) = host_file.and_then(|host_file| host_file.plugins.iter().find(of_nobody)) {
            let message =
                format!("[plugin.{name}] of the host file has no `path`, and no plugin of that name is built in");
            return Err(Ended::new(Exit::Invalid, message));
        }
        let loaded = on_all_cores(kinds, |kind| load_one(runtime, kind, host_file));
        for (kind, plugin) in kinds.iter().zip(loaded) {
            if let Some(plugin) = plugin? {
                by_kind.insert((*kind).to_owned(), Arc::new(plugin));
            }
        }
        Ok(Self { by_kind })
    }

    /// The plugin of a kind.
    pub fn of(&self, kind: &str) -> Option<&Arc<LoadedPlugin>> {
        self.by_kind.get(kind)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<LoadedPlugin>> {
        self.by_kind.values()
    }
}

fn load_one(runtime: &Runtime, kind: &str, host_file: Option<&HostFile>) -> Result<Option<LoadedPlugin>, Ended> {
    let settings = host_file.and_then(|host_file| host_file.plugins.get(kind));
    let path = settings.and_then(|settings| settings.path.as_deref());
    let mut grants = Vec::new();
    let plugin = match (path, builtin::of(kind)) {
        (Some(path), _) => runtime.load(kind, &read(kind, path, host_file)?),
        (None, Some(builtin)) => {
            grants.push(toml::from_str(builtin.grants).context("the grants of a built-in plugin")?);
            runtime.load_builtin(builtin)
        }
        (None, None) => return Ok(None),
    };
    grants.extend(settings.map(|settings| settings.grants.clone()));
    let plugin = plugin.map_err(|fault| Ended::new(Exit::Plugin, fault.to_string()))?;
    if plugin.description().kind != kind {
        let message = format!(
            "plugin `{kind}` handles the kind `{}`: its table in the host file must be [plugin.{0}]",
            plugin.description().kind
        );
        return Err(Ended::new(Exit::Invalid, message));
    }
    let digest = hex(&plugin.digest());
    Ok(Some(LoadedPlugin { name: kind.to_owned(), plugin, digest, grants }))
}

fn read(kind: &str, path: &Path, host_file: Option<&HostFile>) -> Result<Vec<u8>, Ended> {
    trusted::read(path, "plugin").map(|found| found.bytes.to_vec()).map_err(|error| {
        let named_by = host_file.map(|host_file| format!(" of {}", host_file.path.display())).unwrap_or_default();
        let message = format!("{error:#}\n  it is named by `path` in [plugin.{kind}]{named_by}");
        Ended::new(Exit::Invalid, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::front::host;

    fn loaded(settings: &str) -> Result<Plugins, Ended> {
        let store = "[store]\nidentity = \"/i\"\nrecipients = [\"age1a\", \"age1b\"]\n";
        let host_file = host(&format!("{store}{settings}"));
        let cache = tempfile::tempdir().unwrap();
        let runtime = Runtime::new(&cache.path().join("cache")).unwrap();
        Plugins::load(&runtime, &["secret"], Some(&host_file))
    }

    #[test]
    fn a_component_of_the_host_file_gets_nothing_of_a_built_in_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.wasm");
        std::fs::write(&path, builtin::of("secret").unwrap().bytes).unwrap();
        let more = "[plugin.secret.grants]\nfiles.read = [\"/srv/x\"]\n";
        let by_others = loaded(&format!("[plugin.secret]\npath = {path:?}\n{more}")).unwrap();
        let grants = &by_others.of("secret").unwrap().grants;
        assert_eq!(grants.len(), 1);
        assert_eq!(grants[0].files.read, ["/srv/x"]);
        assert!(grants[0].files.write.is_empty(), "the built-in one may write below folders");

        let built_in = loaded(more).unwrap();
        let grants = &built_in.of("secret").unwrap().grants;
        assert_eq!(Vec::from_iter(grants.iter().flat_map(|one| &one.files.write)), ["{folders.write}/"]);
        assert_eq!(grants[1].files.read, ["/srv/x"]);
    }

    #[test]
    fn a_plugin_without_a_component_is_a_built_in_one() {
        let ended = loaded("[plugin.unheard-of.grants]\nfiles.read = [\"/srv/x\"]\n").err().unwrap();
        assert_eq!(ended.exit, Exit::Invalid);
        assert!(ended.message.contains("[plugin.unheard-of]"), "{ended}");
    }
}
