//! Plugins of a run: the built-in ones that the spec needs, and those that the host file names. Loaded side by side.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use anyhow::Context;

use super::cores::on_all_cores;
use crate::{
    exit::{Ended, Exit},
    hex::hex,
    model::{GrantLines, HostFile},
    plugin::{Plugin, Runtime, builtin},
    world::refuse_writable_by_others,
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

/// By kind.
pub struct Plugins {
    by_kind: BTreeMap<String, Arc<LoadedPlugin>>,
}

impl Plugins {
    /// Loads what these kinds need. A kind that nobody handles is left out; the spec's check says so.
    pub fn load(runtime: &Runtime, kinds: &[&str], host_file: Option<&HostFile>) -> Result<Self, Ended> {
        let mut by_kind = BTreeMap::new();
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
        (None, None) if settings.is_some() => {
            let message = format!(
                "[plugin.{kind}] of the host file names no component, and no plugin of that name is built in: give its \
                 `path`"
            );
            return Err(Ended::new(Exit::Invalid, message));
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
    let bytes = refuse_writable_by_others(path, "plugin")
        .and_then(|()| std::fs::read(path).with_context(|| format!("the plugin {} can't be read", path.display())));
    bytes.map_err(|error| {
        let named_by = host_file.map(|host_file| format!(" of {}", host_file.path.display())).unwrap_or_default();
        let message = format!("{error:#}\n  it is named by `path` in [plugin.{kind}]{named_by}");
        Ended::new(Exit::Invalid, message)
    })
}
