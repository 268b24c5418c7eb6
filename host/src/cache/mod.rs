//! The directory of what a run has worked out and the next one need not work out again: native code of plugins, and what
//! the front end made of files that are the same.
//!
//! Whoever can write here can run code as whoever runs stackrun. So the directory is 0700 and ours, every file in it is
//! ours and written by nobody else, and what is read is held against its digest. An entry that fails any of this is
//! removed, and made again. Everything here can be removed at any time.
//!
//! An entry is a file `KEY.entry`: a line with a digest of key and body, then the body. The key of code is a digest of all
//! that it was made of; what was found out of a file is kept at a key for its place, with such a digest. Digests here are
//! BLAKE3: native code is megabytes, and every run reads all of it.

mod key;
mod sweep;

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub use key::{Key, KeyMaker, Slot};
use rustix::fs::OFlags;

use crate::world::trusted;

/// The directory. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Cache {
    directory: PathBuf,
}

impl Cache {
    /// Where it is unless somebody says otherwise: `$STACKRUN_CACHE`, else `/var/cache/stackrun` for root, else
    /// `$XDG_CACHE_HOME/stackrun` or `~/.cache/stackrun`. Who has no home gets a directory for temporary files; one that
    /// somebody else has put there is refused like any other.
    pub fn default_directory() -> PathBuf {
        let me = rustix::process::geteuid();
        let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let of_user =
            || Some(absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?.join("stackrun"));
        let of_root = || me.is_root().then(|| PathBuf::from("/var/cache/stackrun"));
        absolute("STACKRUN_CACHE")
            .or_else(of_root)
            .or_else(of_user)
            .unwrap_or_else(|| std::env::temp_dir().join(format!("stackrun-{}", me.as_raw())))
    }

    /// Makes the directory if it is not there.
    ///
    /// # Errors
    /// It can't be made, or somebody else could write there.
    pub fn open(directory: &Path) -> Result<Self> {
        let place = directory.display();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .with_context(|| format!("can't make the directory for compiled plugins, {place}"))?;
        trusted::directory(directory, "directory for compiled plugins")?;
        let facts = fs::symlink_metadata(directory).with_context(|| format!("can't look at {place}"))?;
        let me = rustix::process::geteuid().as_raw();
        ensure!(facts.is_dir(), "{place} is for compiled plugins, and is no directory; remove it");
        ensure!(
            facts.uid() == me,
            "{place} holds compiled plugins and belongs to user {}, not to {me} who runs this: code from there is not \
             run. Remove it, or set STACKRUN_CACHE to another directory",
            facts.uid()
        );
        ensure!(
            facts.mode() & 0o077 == 0,
            "{place} holds compiled plugins and is open to others (mode {:04o}): code from there is not run. Remove it; \
             it is made again with mode 0700",
            facts.mode() & 0o7777
        );
        Ok(Self { directory: directory.to_owned() })
    }

    /// What was kept, if it was made of the same; none when nothing was, or when it can't be used.
    pub fn recall<T: DeserializeOwned>(&self, slot: &Slot) -> Option<T> {
        match self.entry::<Kept<T>>(&slot.place) {
            Ok(found) => found.filter(|kept| kept.made_of == slot.made_of.to_string()).map(|kept| kept.value),
            Err(error) => {
                tracing::debug!("what the last run found out is not used, and found out again: {error:#}");
                self.remove(&slot.place);
                None
            }
        }
    }

    /// Keeps a value, instead of what is there: a file that is edited leaves one entry and not one for each edit. What
    /// can't be kept is worked out again, and no more than that.
    pub fn keep<T: Serialize>(&self, slot: &Slot, value: &T) {
        if let Err(error) = self.store_entry(&slot.place, &Kept { made_of: slot.made_of.to_string(), value }) {
            tracing::debug!("not kept for the next run: {error:#}");
        }
    }

    /// The value of an entry that nobody has touched; none when there is none.
    pub(crate) fn entry<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>> {
        let path = self.entry_path(key);
        let Some(mut file) = open(&path)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).with_context(|| format!("can't read {}", path.display()))?;
        let damaged = || format!("{} is damaged", path.display());
        let (digest, body) = split_line(&bytes).with_context(damaged)?;
        ensure!(digest == entry_digest(key, body).as_bytes(), damaged());
        let value = serde_json::from_slice(body).with_context(damaged)?;
        sweep::note_use(&path);
        Ok(Some(value))
    }

    pub(crate) fn store_entry<T: Serialize>(&self, key: &Key, value: &T) -> Result<()> {
        let body = serde_json::to_vec(value)?;
        let mut bytes = entry_digest(key, &body).into_bytes();
        bytes.push(b'\n');
        bytes.extend(body);
        self.write(&self.entry_path(key), &bytes)?;
        sweep::sweep(&self.directory);
        Ok(())
    }

    /// A file beside an entry, named by its own content.
    pub(crate) fn beside(&self, key: &Key, digest: &str, kind: &str) -> PathBuf {
        self.directory.join(format!("{key}-{digest}.{kind}"))
    }

    /// Written aside and renamed: nobody ever reads half of it, unless the machine itself has failed; that its digest tells.
    pub(crate) fn write(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let aside = self.directory.join(format!("new-{:016x}", rand::random::<u64>()));
        let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside).and_then(|mut file| {
            file.write_all(bytes)?;
            fs::rename(&aside, path)
        });
        if written.is_err() {
            let _ = fs::remove_file(&aside);
        }
        written.with_context(|| format!("can't write {}", path.display()))
    }

    /// Removes an entry, and all files beside it.
    pub(crate) fn remove(&self, key: &Key) {
        let prefix = key.to_string();
        let ours = |name: &std::ffi::OsStr| name.to_str().is_some_and(|name| name.starts_with(&prefix));
        let files = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        for file in files.filter(|file| ours(&file.file_name())) {
            if let Err(error) = fs::remove_file(file.path()) {
                tracing::warn!("can't remove {}: {error}", file.path().display());
            }
        }
    }

    fn entry_path(&self, key: &Key) -> PathBuf {
        self.directory.join(format!("{key}.entry"))
    }
}

#[derive(Serialize, Deserialize)]
struct Kept<T> {
    made_of: String,
    value: T,
}

/// A digest of a file that is ours alone; none when there is none. Piece by piece: code is a megabyte a plugin, and
/// memory for all of it costs more than the digest.
pub(crate) fn digest_of(path: &Path) -> Result<Option<String>> {
    let Some(file) = open(path)? else { return Ok(None) };
    let mut digest = blake3::Hasher::new();
    digest.update_reader(file).with_context(|| format!("can't read {}", path.display()))?;
    sweep::note_use(path);
    Ok(Some(digest.finalize().to_hex().to_string()))
}

/// A file that is ours alone; none when there is none.
fn open(path: &Path) -> Result<Option<File>> {
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or_default();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("can't open {}", path.display())),
    };
    let facts = file.metadata()?;
    let is_ours = facts.is_file() && facts.uid() == rustix::process::geteuid().as_raw() && facts.mode() & 0o022 == 0;
    if !is_ours {
        bail!("{} could have been written by others", path.display());
    }
    Ok(Some(file))
}

fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

/// The key is in it: an entry moved to another name is a damaged one.
fn entry_digest(key: &Key, body: &[u8]) -> String {
    blake3::Hasher::new().update(key.to_string().as_bytes()).update(body).finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests;
