//! Finds the components of the built-in plugins that `cargo xtask build` made, for `src/plugin/builtin.rs` to embed, and names the build,
//! for `src/cache` to tell its entries by.
//!
//! They are looked for in `STACKRUN_PLUGINS`, else in `plugins/` of the target directory that this
//! build uses. `cargo check` and editors work without them; whatever makes code fails, with one line
//! that says what to do.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-env-changed=STACKRUN_PLUGINS");
    println!("cargo::rerun-if-changed=build.rs");
    // Where a further plugin is listed.
    println!("cargo::rerun-if-changed=../Cargo.toml");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let host = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let workspace = host.parent().unwrap_or(&host);
    let kinds = kinds(&workspace.join("plugins"))?;
    let plugins = plugins_dir(&out, workspace, &kinds);

    println!("cargo::rustc-env=STACKRUN_BUILD={}", build_id(&host, &kinds)?);

    let mut table = String::new();
    let mut missing = None;
    for (kind, grants) in &kinds {
        let file = plugins.join(kind).with_extension("wasm");
        // One that is not there counts as changed, so this runs again until it is.
        println!("cargo::rerun-if-changed={}", file.display());
        if !file.is_file() {
            missing = missing.or(Some(file.clone()));
        }
        // A plan names each plugin by its digest: made here, it costs no run anything.
        let digest: [u8; 32] = fs::read(&file).map(|bytes| Sha256::digest(bytes).into()).unwrap_or_default();
        writeln!(
            table,
            "    Builtin {{ kind: {kind:?}, bytes: include_bytes!({:?}), digest: {digest:?}, grants: include_str!({:?}) }},",
            file.display().to_string(),
            grants.display().to_string()
        )?;
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
        "#[allow(clippy::extra_unused_type_parameters)]\nfn table<T>() -> &'static [Builtin] {{\n    {body}\n}}\n"
    );
    fs::write(out.join("builtin.rs"), source)?;
    Ok(())
}

/// The built-in plugins: the folders that bring grants, each of which is named like the kind that it handles.
fn kinds(plugins: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    let mut kinds = BTreeMap::new();
    for entry in fs::read_dir(plugins)? {
        let entry = entry?;
        let grants = entry.path().join("grants.toml");
        if grants.is_file() {
            kinds.insert(entry.file_name().to_string_lossy().into_owned(), grants);
        }
    }
    Ok(kinds)
}

/// A digest of the sources and of the versions of the libraries: what one build has worked out is nothing to another.
fn build_id(host: &Path, kinds: &BTreeMap<String, PathBuf>) -> io::Result<String> {
    let workspace = host.parent().unwrap_or(host);
    let mut files = Vec::new();
    let places = [host.join("src"), workspace.join("wit"), workspace.join("contracts"), workspace.join("Cargo.lock")];
    for place in places.iter().chain(kinds.values()) {
        println!("cargo::rerun-if-changed={}", place.display());
        files_below(place, &mut files)?;
    }
    files.sort();
    let mut digest = Sha256::new();
    for file in files {
        let bytes = fs::read(&file)?;
        let name = file.strip_prefix(workspace).unwrap_or(&file).display().to_string();
        digest.update(format!("{} {name} {}\n", name.len(), bytes.len()));
        digest.update(bytes);
    }
    Ok(format!("{:x}", digest.finalize()))
}

fn files_below(place: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if place.is_dir() {
        for entry in fs::read_dir(place)? {
            files_below(&entry?.path(), files)?;
        }
    } else if place.is_file() {
        files.push(place.to_owned());
    }
    Ok(())
}

fn plugins_dir(out: &Path, workspace: &Path, kinds: &BTreeMap<String, PathBuf>) -> PathBuf {
    if let Some(dir) = env::var_os("STACKRUN_PLUGINS") {
        return workspace.join(dir);
    }
    // Cargo tells no build script where its target directory is; it is some folder above `OUT_DIR`.
    out.ancestors()
        .skip(1)
        .map(|folder| folder.join("plugins"))
        .find(|plugins| kinds.keys().all(|kind| plugins.join(kind).with_extension("wasm").is_file()))
        .unwrap_or_else(|| workspace.join("target/plugins"))
}
