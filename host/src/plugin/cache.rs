//! Native code of plugins, compiled once and kept, with each plugin's description beside it. Code never comes from
//! anywhere but the compiler and from there.
//!
//! It is two files of the cache: the code, named by its own content, and the entry, which names it and holds the
//! description. The key is made of the component and of the engine's version and settings.

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use wasmtime::{Engine, component::Component};

use crate::{
    cache::{Cache, Key, KeyMaker, digest_of},
    model::Description,
};

#[derive(Serialize, Deserialize)]
struct Entry {
    code: String,
    description: Description,
}

/// The key of a component, compiled by this engine; `component` is its SHA-256.
pub fn key(engine: &Engine, component: &[u8; 32]) -> Key {
    KeyMaker::of("plugin").and_hash(&engine.precompile_compatibility_hash()).and(component).finish()
}

/// The compiled plugin and its description, if they are there and nobody has touched them.
pub fn load(cache: &Cache, engine: &Engine, key: &Key) -> Option<(Component, Description)> {
    match try_load(cache, engine, key) {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!("a compiled plugin is not used, and made again: {error:#}");
            cache.remove(key);
            None
        }
    }
}

fn try_load(cache: &Cache, engine: &Engine, key: &Key) -> Result<Option<(Component, Description)>> {
    let Some(Entry { code, description }) = cache.entry(key)? else { return Ok(None) };
    let path = cache.beside(key, &code, "native");
    let found = digest_of(&path)?.with_context(|| format!("{} is gone", path.display()))?;
    ensure!(found == code, "{} is damaged", path.display());
    // SAFETY: the file has to hold what this engine's compiler made, and to stay as it is while it is mapped.
    // Its digest is the one that `store` wrote after compiling, in an entry named by the component, the engine's
    // version and its settings. The directory lets nobody in but the user who runs this, and so do both files;
    // a file there is never changed in place, new ones are renamed over it.
    #[allow(unsafe_code)]
    let component = unsafe { Component::deserialize_file(engine, &path) };
    let component = component.map_err(anyhow::Error::from).with_context(|| format!("can't use {}", path.display()))?;
    Ok(Some((component, description)))
}

/// Keeps a compiled plugin.
pub fn store(cache: &Cache, key: &Key, component: &Component, description: &Description) -> Result<()> {
    let native = component.serialize().map_err(anyhow::Error::from)?;
    let code = blake3::hash(&native).to_hex().to_string();
    cache.write(&cache.beside(key, &code, "native"), &native)?;
    cache.store_entry(key, &Entry { code, description: description.clone() })
}
