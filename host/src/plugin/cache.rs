//! Native code of plugins, compiled once and kept, with each plugin's description beside it.
//!
//! Whoever can write here can run code as whoever runs stackrun. So the directory is 0700 and ours, every file in it is
//! ours and written by nobody else, and what is read is held against its digest. An entry that fails any of this is
//! removed, and compiled again from the component. Code never comes from anywhere else.
//!
//! An entry is two files: `KEY-CODE.native`, named by its own content, and `KEY.entry`, which names it, holds the
//! description, and begins with its own digest. The key is a digest of the component, of the engine's version and
//! settings, and of the form of the entry.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    hash::{Hash, Hasher},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use wasmtime::{Engine, component::Component};

use super::{
    Description,
    sweep::{note_use, sweep},
};
use crate::hex::hex;

/// Changes whenever entries are written in another form.
const FORM: &[u8] = b"stackrun plugin cache 2\0";

/// A directory of compiled plugins.
#[derive(Debug)]
pub struct Cache {
    directory: PathBuf,
}

/// Names an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(String);

#[derive(Serialize, Deserialize)]
struct Entry {
    code: String,
    description: Description,
}

impl Key {
    /// The key of a component, compiled by this engine; `component` is its SHA-256.
    pub fn new(engine: &Engine, component: &[u8; 32]) -> Self {
        let mut digest = DigestHasher(Sha256::new_with_prefix(FORM));
        engine.precompile_compatibility_hash().hash(&mut digest);
        digest.0.update(component);
        Self(hex(&digest.0.finalize()))
    }
}

impl Cache {
    /// Where compiled plugins are kept: `$STACKRUN_CACHE`, else `/var/cache/stackrun` for root, else
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

    /// The compiled plugin and its description, if they are there and nobody has touched them.
    pub fn load(&self, engine: &Engine, key: &Key) -> Option<(Component, Description)> {
        match self.try_load(engine, key) {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!("a compiled plugin is not used, and made again: {error:#}");
                self.remove(key);
                None
            }
        }
    }

    fn try_load(&self, engine: &Engine, key: &Key) -> Result<Option<(Component, Description)>> {
        let path = self.entry(key);
        let Some(bytes) = read(&path)? else { return Ok(None) };
        let (digest, body) = split_line(&bytes).with_context(|| format!("{} is damaged", path.display()))?;
        ensure!(digest == entry_digest(key, body).as_bytes(), "{} is damaged", path.display());
        let Entry { code, description } =
            serde_json::from_slice(body).with_context(|| format!("{} is damaged", path.display()))?;
        let path = self.code(key, &code);
        let found = digest_of(&path)?.with_context(|| format!("{} is gone", path.display()))?;
        ensure!(found == code, "{} is damaged", path.display());
        // SAFETY: the file has to hold what this engine's compiler made, and to stay as it is while it is mapped.
        // Its digest is the one that `store` wrote after compiling, in an entry named by the component, the engine's
        // version and its settings. The directory lets nobody in but the user who runs this, and so do both files;
        // `store` never changes a file in place, it renames new ones over them.
        #[allow(unsafe_code)]
        let component = unsafe { Component::deserialize_file(engine, &path) };
        let component =
            component.map_err(anyhow::Error::from).with_context(|| format!("can't use {}", path.display()))?;
        note_use(&path);
        note_use(&self.entry(key));
        Ok(Some((component, description)))
    }

    /// Keeps a compiled plugin.
    pub fn store(&self, key: &Key, component: &Component, description: &Description) -> Result<()> {
        let native = component.serialize().map_err(anyhow::Error::from)?;
        let code = hex(&Sha256::digest(&native));
        self.write(&self.code(key, &code), &native)?;
        let body = serde_json::to_vec(&Entry { code, description: description.clone() })?;
        let mut bytes = entry_digest(key, &body).into_bytes();
        bytes.push(b'\n');
        bytes.extend(body);
        self.write(&self.entry(key), &bytes)?;
        sweep(&self.directory);
        Ok(())
    }

    /// Written aside and renamed: nobody ever reads half of it.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let aside = self.directory.join(format!("new-{:016x}", rand::random::<u64>()));
        let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_data()?;
            fs::rename(&aside, path)
        });
        if written.is_err() {
            let _ = fs::remove_file(&aside);
        }
        written.with_context(|| format!("can't write {}", path.display()))
    }

    /// Removes an entry, and all code of its key.
    fn remove(&self, key: &Key) {
        let ours = |name: &std::ffi::OsStr| name.to_str().is_some_and(|name| name.starts_with(&key.0));
        let files = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        for file in files.filter(|file| ours(&file.file_name())) {
            if let Err(error) = fs::remove_file(file.path()) {
                tracing::warn!("can't remove {}: {error}", file.path().display());
            }
        }
    }

    fn entry(&self, key: &Key) -> PathBuf {
        self.directory.join(format!("{}.entry", key.0))
    }

    fn code(&self, key: &Key, code: &str) -> PathBuf {
        self.directory.join(format!("{}-{code}.native", key.0))
    }
}

/// A file that is ours alone; none when there is none.
fn open(path: &Path) -> Result<Option<File>> {
    let flags = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default();
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

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let Some(mut file) = open(path)? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).with_context(|| format!("can't read {}", path.display()))?;
    Ok(Some(bytes))
}

/// Piece by piece: code is a megabyte a plugin, and memory for all of it costs more than the digest.
fn digest_of(path: &Path) -> Result<Option<String>> {
    let Some(mut file) = open(path)? else { return Ok(None) };
    let mut digest = Sha256::new();
    io::copy(&mut file, &mut digest).with_context(|| format!("can't read {}", path.display()))?;
    Ok(Some(hex(&digest.finalize())))
}

fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

/// The key is in it: an entry moved to another name is a damaged one.
fn entry_digest(key: &Key, body: &[u8]) -> String {
    hex(&Sha256::new_with_prefix(&key.0).chain_update(body).finalize())
}

/// What is hashed goes into a cryptographic digest; 64 bits would be too few to name code by.
struct DigestHasher(Sha256);

impl Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        digest.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    }
}
