//! Finds the five components that `cargo xtask build` made, for `src/plugin/builtin.rs` to embed.
//!
//! They are looked for in `STACKRUN_PLUGINS`, else in `plugins/` of the target directory that this
//! build uses. `cargo check` and editors work without them; whatever makes code fails, with one line
//! that says what to do.

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

const KINDS: [&str; 5] = ["postgres", "container", "secret", "gateway", "oidc"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-env-changed=STACKRUN_PLUGINS");
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let host = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let plugins = plugins_dir(&out, host.parent().unwrap_or(&host));

    let mut table = String::new();
    let mut missing = None;
    for kind in KINDS {
        let file = plugins.join(kind).with_extension("wasm");
        // One that is not there counts as changed, so this runs again until it is.
        println!("cargo::rerun-if-changed={}", file.display());
        if !file.is_file() {
            missing = missing.or(Some(file.clone()));
        }
        writeln!(table, "    ({kind:?}, include_bytes!({:?})),", file.display().to_string())?;
    }

    let body = match missing {
        None => format!("&[\n{table}]"),
        Some(file) => {
            let message = format!("there is no {}: run `cargo xtask build`", file.display());
            println!("cargo::warning={message}");
            format!("const {{ panic!({message:?}) }}")
        }
    };
    // Generic, so that a missing plugin is an error only where code is made, not in `cargo check`.
    let source = format!(
        "#[allow(clippy::extra_unused_type_parameters)]\nfn table<T>() -> &'static [(&'static str, &'static [u8])] {{\n    {body}\n}}\n"
    );
    fs::write(out.join("builtin.rs"), source)?;
    Ok(())
}

fn plugins_dir(out: &Path, workspace: &Path) -> PathBuf {
    if let Some(dir) = env::var_os("STACKRUN_PLUGINS") {
        return workspace.join(dir);
    }
    // Cargo tells no build script where its target directory is; it is some folder above `OUT_DIR`.
    out.ancestors()
        .skip(1)
        .map(|folder| folder.join("plugins"))
        .find(|plugins| plugins.join("postgres.wasm").is_file())
        .unwrap_or_else(|| workspace.join("target/plugins"))
}
