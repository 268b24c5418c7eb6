//! Files of a lab before and after: what was made, changed or removed, and what it is now.

use std::{collections::BTreeMap, fs, os::unix::fs::MetadataExt, path::Path};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

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
/// How the names begin of what the stand-in writes by itself: its log beside its configuration, and files by which it
/// tries at each start whether it may write.
const OF_THE_APPLICATION: [&str; 2] = ["media_manager.log", ".media_manager"];
/// A larger file is told by its digest alone.
const LARGEST: u64 = 64 * 1024;

/// Whether nobody is asked what happens there.
pub fn is_busy(inner: &Path) -> bool {
    let name = inner.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    OF_THE_APPLICATION.iter().any(|own| name.starts_with(own))
        || BUSY.iter().any(|busy| inner.starts_with(busy))
        || is_stackruns_own(inner)
}

/// What stackrun keeps for itself in its store: the key by which it tells secrets apart, and the folders of secrets.
fn is_stackruns_own(inner: &Path) -> bool {
    let is_secret = inner.to_string_lossy().contains(".age");
    inner.starts_with("store") && !is_secret && inner.components().count() > 1
}

/// A file or folder at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// `file 640 0:0` and its content; `folder 755 0:0`.
    pub says: String,
    /// Which one it is, and when it was written last; of a folder the first alone, since its entries are told by
    /// themselves. Not when its owner was set last: an image does that at each start.
    written: (u64, i64, i64),
}

/// What was there at one moment, by its path.
#[derive(Debug, Clone, Default)]
pub struct Files(BTreeMap<String, State>);

impl Files {
    /// Looks at all of it.
    pub fn look(lab: &Path) -> Result<Self> {
        let mut found = BTreeMap::new();
        walk(lab, lab, &mut found)?;
        Ok(Self(found))
    }

    /// What is there, in words; none for nothing.
    pub fn says(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(|state| state.says.as_str())
    }

    /// What is in a folder, at any depth.
    pub fn below(&self, folder: &str) -> impl Iterator<Item = &str> {
        let inside = format!("{folder}/");
        self.0.keys().map(String::as_str).filter(move |path| path.starts_with(&inside))
    }

    /// Each path that is not as it was, rewritten with the same content included.
    pub fn changed_since<'f>(&'f self, before: &'f Self) -> impl Iterator<Item = &'f str> {
        let paths = self.0.keys().chain(before.0.keys().filter(|path| !self.0.contains_key(*path)));
        paths.filter(|path| self.0.get(*path) != before.0.get(*path)).map(String::as_str)
    }
}

/// A file as both sides say it.
pub fn file_says(mode: u32, owner: &str, content: &str) -> String {
    format!("file {mode:o} {owner}\n{content}")
}

/// A folder as both sides say it.
pub fn folder_says(mode: u32, owner: &str) -> String {
    format!("folder {mode:o} {owner}")
}

fn walk(root: &Path, folder: &Path, found: &mut BTreeMap<String, State>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("can't read {}", folder.display()))? {
        let path = entry?.path();
        let inner = path.strip_prefix(root).context("a folder's entry is not in it")?;
        let about = fs::symlink_metadata(&path).with_context(|| format!("can't look at {}", path.display()))?;
        if !is_busy(inner) {
            let (mode, owner) = (about.mode() & 0o7777, format!("{}:{}", about.uid(), about.gid()));
            let state = match (about.is_file(), about.is_dir()) {
                (true, _) => State {
                    says: file_says(mode, &owner, &content(&path, about.len())?),
                    written: (about.ino(), about.mtime(), about.mtime_nsec()),
                },
                (_, true) => State { says: folder_says(mode, &owner), written: (about.ino(), 0, 0) },
                _ => State { says: format!("something else {:o} {owner}", about.mode()), written: (about.ino(), 0, 0) },
            };
            found.insert(path.display().to_string(), state);
        }
        // The folders of the store are stackrun's own, the secrets in them are not.
        if about.is_dir() && (!is_busy(inner) || inner.starts_with("store")) {
            walk(root, &path, found)?;
        }
    }
    Ok(())
}

fn content(path: &Path, length: u64) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("can't read {}", path.display()))?;
    let digest = || format!("SHA-256 {}", hex::encode(Sha256::digest(&bytes)));
    Ok(match String::from_utf8(bytes.clone()) {
        // A preview shows four blanks for a tabulator.
        Ok(text) if length <= LARGEST => text.replace('\t', "    "),
        _ => digest(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_the_same_content_written_again_is_another_one() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let write = |name: &str| fs::write(folder.path().join(name), "a");
        write("same")?;
        write("written")?;
        write("replaced")?;
        let before = Files::look(folder.path())?;
        std::thread::sleep(std::time::Duration::from_millis(20));
        write("written")?;
        write("other")?;
        fs::rename(folder.path().join("other"), folder.path().join("replaced"))?;
        let after = Files::look(folder.path())?;
        let changed: Vec<&str> = after.changed_since(&before).filter_map(|path| path.rsplit('/').next()).collect();
        assert_eq!(changed, ["replaced", "written"]);
        Ok(())
    }
}
