//! Where things are in the workspace, and which of its packages are guests; as cargo itself tells it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::process;

/// Crates of first-party plugins are named with it; it is left out of the component's file name.
const PREFIX: &str = "stackrun-plugin-";

/// The workspace that this xtask belongs to.
#[derive(Deserialize)]
pub struct Workspace {
    /// The folder of the workspace's `Cargo.toml`.
    #[serde(rename = "workspace_root")]
    pub root: PathBuf,
    /// Where cargo puts what it builds; follows `CARGO_TARGET_DIR` and cargo's configuration.
    #[serde(rename = "target_directory")]
    pub target: PathBuf,
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    metadata: Option<Metadata>,
    targets: Vec<Target>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Metadata {
    stackrun: Option<Marks>,
}

#[derive(Deserialize)]
struct Marks {
    #[serde(default)]
    guest: bool,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    crate_types: Vec<String>,
}

#[derive(Deserialize)]
struct Dependency {
    path: Option<PathBuf>,
}

/// A package that becomes a component: one with `[package.metadata.stackrun] guest = true`.
pub struct Guest {
    /// The package's name, as cargo's `-p` takes it.
    pub package: String,
    /// The file name, without extension, of the component.
    pub name: String,
    /// The file that cargo leaves in the target directory.
    pub module: String,
}

impl Workspace {
    /// Asks cargo; no network is used.
    pub fn load() -> Result<Self> {
        // `CARGO_MANIFEST_DIR` is set by `cargo run`, so that it works from any folder of the checkout.
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .context("CARGO_MANIFEST_DIR is not set: start this program as `cargo xtask`")?;
        let mut metadata = Command::new(process::cargo());
        metadata.args(["metadata", "--no-deps", "--format-version", "1"]).current_dir(manifest);
        let json = process::output(&mut metadata)?;
        serde_json::from_str(&json).context("`cargo metadata` gave something unexpected")
    }

    /// Where components go. `host/build.rs` looks in the same places.
    pub fn plugins_dir(&self) -> PathBuf {
        match std::env::var_os("STACKRUN_PLUGINS") {
            Some(dir) => self.root.join(dir),
            None => self.target.join("plugins"),
        }
    }

    /// All guests, in the order of their names.
    pub fn guests(&self) -> Result<Vec<Guest>> {
        let mut guests = Vec::new();
        for package in self.guest_packages() {
            let Some(library) =
                package.targets.iter().find(|target| target.crate_types.iter().any(|kind| kind == "cdylib"))
            else {
                bail!(
                    "{} is marked as a guest but makes no module: add `[lib] crate-type = [\"cdylib\"]` to {}",
                    package.name,
                    package.manifest_path.display()
                );
            };
            guests.push(Guest {
                package: package.name.clone(),
                name: package.name.strip_prefix(PREFIX).unwrap_or(&package.name).to_owned(),
                module: format!("{}.wasm", library.name.replace('-', "_")),
            });
        }
        guests.sort_by(|a, b| a.name.cmp(&b.name));
        for pair in guests.windows(2) {
            if let [a, b] = pair
                && a.name == b.name
            {
                bail!("{} and {} would both become {}.wasm", a.package, b.package, a.name);
            }
        }
        Ok(guests)
    }

    /// The folders of the workspace whose files decide what the guests become.
    pub fn guest_sources(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::from([self.root.join("wit")]);
        let mut todo: Vec<&Package> = self.guest_packages().collect();
        while let Some(package) = todo.pop() {
            if found.insert(package.folder().to_owned()) {
                let paths = package.dependencies.iter().filter_map(|dep| dep.path.as_deref());
                todo.extend(paths.filter_map(|path| self.package_in(path)));
            }
        }
        found
    }

    fn guest_packages(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| {
            let marks = package.metadata.as_ref().and_then(|m| m.stackrun.as_ref());
            marks.is_some_and(|marks| marks.guest)
        })
    }

    fn package_in(&self, folder: &Path) -> Option<&Package> {
        self.packages.iter().find(|package| package.folder() == folder)
    }
}

impl Package {
    fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(Path::new("."))
    }
}
