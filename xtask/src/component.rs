//! From a core module, as rustc leaves it, to a component.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use wit_component::ComponentEncoder;

/// Makes the module at `module` a component at `component`, and returns its size in bytes.
///
/// A component that is there with the same bytes is left as it is, so that what embeds it stays fresh.
pub fn make(module: &Path, component: &Path) -> Result<usize> {
    let bytes = fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    let (typed, _) = wit_component::metadata::decode(&bytes)
        .with_context(|| format!("{} is not a WebAssembly module", module.display()))?;
    if typed.is_none() {
        bail!("{} names no WIT world: does its crate call the SDK's `export!`?", module.display());
    }
    let encoded = ComponentEncoder::default()
        .validate(true)
        .module(&bytes)
        .and_then(|encoder| encoder.encode())
        .with_context(|| format!("{} cannot be made a component", module.display()))?;
    if !fs::read(component).is_ok_and(|old| old == encoded) {
        // Renamed into place: a reader never sees half of one.
        let aside = component.with_extension("wasm.new");
        fs::write(&aside, &encoded)
            .and_then(|()| fs::rename(&aside, component))
            .with_context(|| format!("cannot write {}", component.display()))?;
    }
    Ok(encoded.len())
}
