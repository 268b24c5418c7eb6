//! Files of a lab before and after: what was made, changed or removed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::Effect;

/// Folders that servers, the applications, or stackrun's own state and these recorders write all the time.
const BUSY: &[&str] = &[
    "pg/data",
    "pg/log",
    "pg/run",
    "podman",
    "caddy/data",
    "caddy/run",
    "caddy/caddy.log",
    "idp/log",
    "idp/server.pid",
    "idp/state",
    "state",
    "data/recorders",
    "data/files-of-the-test",
];
/// What stackrun keeps for itself in its store: the key by which it tells secrets apart, and the folders of secrets.
fn is_stackruns_own(inner: &Path, is_folder: bool) -> bool {
    inner.starts_with("store") && (is_folder || inner.ends_with("fingerprint.key"))
}

/// The stand-in's own log, which it writes beside its configuration.
const OF_THE_APPLICATION: &str = "media_manager.log";

/// What was there at one moment: kind, mode and content of each path. Not the owner, which an image may change.
pub struct Files(BTreeMap<String, String>);

impl Files {
    /// Looks at all of it.
    pub fn look(lab: &Path) -> Result<Self> {
        let mut found = BTreeMap::new();
        walk(lab, lab, &mut found)?;
        Ok(Self(found))
    }

    /// Each path that is not as it was.
    pub fn changed_since(&self, before: &Self) -> Vec<Effect> {
        let paths = self.0.keys().chain(before.0.keys().filter(|path| !self.0.contains_key(*path)));
        paths.filter(|path| self.0.get(*path) != before.0.get(*path)).map(|path| Effect::File(path.clone())).collect()
    }
}

fn walk(root: &Path, folder: &Path, found: &mut BTreeMap<String, String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("can't read {}", folder.display()))? {
        let path = entry?.path();
        let inner = path.strip_prefix(root).context("a folder's entry is not in it")?;
        let own = path.file_name().is_some_and(|name| name == OF_THE_APPLICATION);
        if own || BUSY.iter().any(|busy| inner == Path::new(busy)) {
            continue;
        }
        let about = fs::symlink_metadata(&path).with_context(|| format!("can't look at {}", path.display()))?;
        let content = match about.is_file() {
            true => hex::encode(Sha256::digest(fs::read(&path)?)),
            false => String::new(),
        };
        if !is_stackruns_own(inner, about.is_dir()) {
            found.insert(path.display().to_string(), format!("{:o} {content}", about.mode()));
        }
        if about.is_dir() {
            walk(root, &path, found)?;
        }
    }
    Ok(())
}
