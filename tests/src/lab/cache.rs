//! What takes long to make and is the same for every lab: kept in one folder, under names that hold a digest
//! of everything that went into it, shared by all labs and checkouts.
//!
//! The folder is `$STACKRUN_LAB_CACHE`, else `/var/cache/stackrun-lab`: not below a home folder, since the
//! lab's servers run as users of their own and must be able to read there.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha256};

use super::mounts;

/// Entries that no lab has used for this long are removed when a new one is made.
const KEPT_UNUSED: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The cache's folder.
#[must_use]
pub fn root() -> PathBuf {
    let folder = std::env::var_os("STACKRUN_LAB_CACHE").map_or_else(|| "/var/cache/stackrun-lab".into(), PathBuf::from);
    std::path::absolute(&folder).unwrap_or(folder)
}

/// Holds a lock of the cache until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock(#[allow(dead_code, reason = "held for its lock")] File);

/// Waits for the lock of that name.
///
/// # Errors
/// When the cache's folder can't be written.
pub(crate) fn lock(name: &str) -> Result<Lock> {
    let folder = root();
    fs::create_dir_all(&folder).with_context(|| format!("can't make the lab's cache {}", folder.display()))?;
    let path = folder.join(format!("{name}.lock"));
    let file = File::create(&path).with_context(|| format!("can't open {}", path.display()))?;
    flock(&file, FlockOperation::LockExclusive).with_context(|| format!("can't lock {}", path.display()))?;
    Ok(Lock(file))
}

/// The folder of an entry; `build` fills it when it isn't complete yet. One process builds, others wait for it.
///
/// # Errors
/// `build`'s own; what it left is then removed.
pub(crate) fn entry(name: &str, build: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let folder = root().join(name);
    let complete = marker(&folder);
    let _turn = lock(name)?;
    if !complete.exists() {
        remove(&folder)?;
        fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
        if let Err(error) = build(&folder) {
            let _ = remove(&folder);
            return Err(error);
        }
        prune(name);
    }
    // The marker's age is the time since the last use.
    fs::write(&complete, "").with_context(|| format!("can't write {}", complete.display()))?;
    Ok(folder)
}

fn marker(folder: &Path) -> PathBuf {
    folder.with_extension("complete")
}

fn remove(folder: &Path) -> Result<()> {
    // An interrupted import leaves its image store mounted.
    mounts::unmount_below(folder)?;
    match fs::remove_dir_all(folder) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("can't remove {}", folder.display())),
    }
}

/// Removes entries that are older versions of `name` and long unused. What can't be removed now will be later.
fn prune(name: &str) {
    let Some((what, _)) = name.rsplit_once('-') else { return };
    let Ok(entries) = fs::read_dir(root()) else { return };
    for marker in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let stem = marker.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let same = stem != name && stem.rsplit_once('-').is_some_and(|(other, _)| other == what);
        let used = fs::metadata(&marker).and_then(|data| data.modified()).unwrap_or_else(|_| SystemTime::now());
        let old = used.elapsed().is_ok_and(|age| age > KEPT_UNUSED);
        if same && old && marker.extension().is_some_and(|extension| extension == "complete") {
            let _ = fs::remove_file(&marker);
            let _ = remove(&marker.with_extension(""));
        }
    }
}

/// Collects what an entry is made from.
pub(crate) struct Key(Sha256);

impl Key {
    /// A key for that sort of entry.
    pub(crate) fn new(sort: &str) -> Self {
        Self(Sha256::new()).text(sort)
    }

    /// Adds a word or a list of words.
    pub(crate) fn text(mut self, text: &str) -> Self {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text);
        self
    }

    /// Adds every file below `folder`: names, contents and whether they can be run. What tools leave behind doesn't count.
    ///
    /// # Errors
    /// When something there can't be read.
    pub(crate) fn tree(mut self, folder: &Path) -> Result<Self> {
        for path in files_below(folder)? {
            use std::os::unix::fs::PermissionsExt;
            let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
            let body = fs::read(&path).with_context(|| format!("can't read {}", path.display()))?;
            let mode =
                fs::metadata(&path).with_context(|| format!("can't look at {}", path.display()))?.permissions().mode();
            self = self.text(&name).text(if mode & 0o111 == 0 { "" } else { "x" });
            self.0.update((body.len() as u64).to_le_bytes());
            self.0.update(&body);
        }
        Ok(self)
    }

    /// The digest, short enough for a folder's name.
    pub(crate) fn finish(self) -> String {
        hex::encode(&self.0.finalize()[..8])
    }
}

/// Folders that come from running things in a checkout, never from the checkout itself.
const NOT_SOURCE: &[&str] = &["node_modules", "__pycache__", ".venv", ".pytest_cache"];

/// The source files below `folder`, in order of their names.
///
/// # Errors
/// When a folder can't be read.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("can't read {}", folder.display()))?;
        for entry in entries {
            let path = entry.with_context(|| format!("can't read {}", folder.display()))?.path();
            if !path.is_dir() {
                files.push(path);
            } else if !path.file_name().is_some_and(|name| NOT_SOURCE.iter().any(|not| name == *not)) {
                folders.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Copies the source files below `from` to `to`, with their modes.
///
/// # Errors
/// When one can't be read or written.
pub(crate) fn copy_source(from: &Path, to: &Path) -> Result<()> {
    for file in files_below(from)? {
        let target = to.join(file.strip_prefix(from).unwrap_or(&file));
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).with_context(|| format!("can't make {}", parent.display()))?;
        }
        // Never written through a hard link to something else.
        let _ = fs::remove_file(&target);
        fs::copy(&file, &target).with_context(|| format!("can't copy {} to {}", file.display(), target.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_follows_names_contents_and_modes() -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir()?;
        let key = || -> Result<String> { Ok(Key::new("test").tree(folder.path())?.finish()) };
        fs::write(folder.path().join("a"), "1")?;
        let first = key()?;
        assert_eq!(first, key()?);
        fs::write(folder.path().join("a"), "2")?;
        let second = key()?;
        assert_ne!(first, second);
        fs::set_permissions(folder.path().join("a"), fs::Permissions::from_mode(0o755))?;
        assert_ne!(second, key()?);
        fs::create_dir(folder.path().join("node_modules"))?;
        fs::write(folder.path().join("a"), "1")?;
        fs::set_permissions(folder.path().join("a"), fs::Permissions::from_mode(0o644))?;
        fs::write(folder.path().join("node_modules/b"), "not source")?;
        assert_eq!(first, key()?);
        Ok(())
    }
}
