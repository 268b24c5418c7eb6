//! The store: one age file a secret, `STORE/STACK/kind.name/NAME.age`, in directories of mode 0700.
//!
//! A secret that is replaced stays beside its successor as `NAME.age.prev`, so that what the old one was written into
//! can still be recognised and kept out of messages. Nothing here overwrites a file that it could not read.

use std::{
    collections::HashMap,
    fs::DirBuilder,
    io,
    os::{fd::OwnedFd, unix::fs::DirBuilderExt},
    path::PathBuf,
    sync::Mutex,
};

use anyhow::{Context, Result, bail};
use rustix::fs::{Access, AtFlags};

use super::{
    fingerprint::{FingerprintKey, KEY_LENGTH},
    generate::random,
    lock,
};
use crate::{
    model::value::Address,
    world::{disk, trusted},
};

/// What it is called in messages.
const WHAT: &str = "secret store";
const KEY_FILE: &str = "fingerprint.key";

/// The directory of one stack.
#[derive(Debug)]
pub(crate) struct Store {
    root: PathBuf,
    stack: PathBuf,
    /// One key for the run, also while the store has none.
    unwritten_key: Mutex<Option<[u8; KEY_LENGTH]>>,
    /// Files of this run: each is asked for by everything that its secret goes into.
    seen: Mutex<HashMap<Entry, Option<Vec<u8>>>>,
}

/// An age file as it lies in the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) instance: Address,
    pub(crate) name: String,
    /// The value before the last replacement.
    pub(crate) previous: bool,
}

/// A secret that is being changed: whatever became of that, its files are looked at again.
struct Changing<'a> {
    store: &'a Store,
    entry: &'a Entry,
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        let mut seen = lock(&self.store.seen);
        for previous in [true, false] {
            seen.remove(&Entry { previous, ..self.entry.clone() });
        }
    }
}

impl Entry {
    pub(crate) fn new(instance: &Address, name: &str) -> Self {
        Self { instance: instance.clone(), name: name.to_owned(), previous: false }
    }

    fn file(&self) -> String {
        format!("{}.age{}", self.name, if self.previous { ".prev" } else { "" })
    }
}

impl Store {
    /// Looks at the directories that are there, makes none.
    pub(crate) fn open(root: PathBuf, stack: &str) -> Result<Self> {
        check_name(stack)?;
        let stack = root.join(stack);
        for directory in [&root, &stack] {
            trusted::directory(directory, WHAT)?;
        }
        Ok(Self { root, stack, unwritten_key: Mutex::default(), seen: Mutex::default() })
    }

    /// An error where nothing could be made in the store, as far as can be told without making anything.
    pub(crate) fn refuse_unwritable(&self) -> Result<()> {
        let Some(there) = self.stack.ancestors().find(|path| path.exists()) else { return Ok(()) };
        rustix::fs::accessat(rustix::fs::CWD, there, Access::WRITE_OK, AtFlags::EACCESS)
            .with_context(|| format!("the store {} can't be written", there.display()))
    }

    /// Where the file of an entry lies, for messages.
    pub(crate) fn path(&self, entry: &Entry) -> PathBuf {
        self.stack.join(entry.instance.to_string()).join(entry.file())
    }

    /// The encrypted file as this run saw it first, or wrote it last; none when there is none.
    pub(crate) fn read(&self, entry: &Entry) -> Result<Option<Vec<u8>>> {
        if let Some(seen) = lock(&self.seen).get(entry) {
            return Ok(seen.clone());
        }
        let found = self.look(entry)?;
        lock(&self.seen).insert(entry.clone(), found.clone());
        Ok(found)
    }

    fn look(&self, entry: &Entry) -> Result<Option<Vec<u8>>> {
        let Some(directory) = self.directory(&entry.instance, Missing::IsFine)? else { return Ok(None) };
        check_name(&entry.name)?;
        let shown = self.path(entry);
        let Some(found) = disk::read(&directory, &entry.file())
            .with_context(|| format!("the secret file {} can't be read", shown.display()))?
        else {
            return Ok(None);
        };
        if found.mode & 0o022 != 0 {
            let shown = shown.display();
            bail!("the secret file {shown} can be written by others (mode {:04o})\n  chmod 0600 {shown}", found.mode);
        }
        Ok(Some(found.bytes.to_vec()))
    }

    /// Keeps an encrypted file unless there is one; says whether it did.
    pub(crate) fn create(&self, entry: &Entry, sealed: &[u8]) -> Result<bool> {
        check_name(&entry.name)?;
        let Some(directory) = self.directory(&entry.instance, Missing::IsMade)? else { return Ok(false) };
        let _changing = Changing { store: self, entry };
        disk::lock(&directory)?.create(&entry.file(), sealed, 0o600).with_context(|| self.not_written(entry))
    }

    /// Keeps an encrypted file in place of the one that is there, which becomes the previous one.
    pub(crate) fn replace(&self, entry: &Entry, sealed: &[u8]) -> Result<()> {
        check_name(&entry.name)?;
        let Some(directory) = self.directory(&entry.instance, Missing::IsMade)? else { return Ok(()) };
        let locked = disk::lock(&directory)?;
        let _changing = Changing { store: self, entry };
        if let Some(old) = self.look(entry)? {
            let previous = Entry { previous: true, ..entry.clone() };
            locked.replace(&previous.file(), &old, 0o600, None).with_context(|| self.not_written(entry))?;
        }
        locked.replace(&entry.file(), sealed, 0o600, None).with_context(|| self.not_written(entry))
    }

    /// Removes a secret with its previous value.
    pub(crate) fn remove(&self, entry: &Entry) -> Result<()> {
        check_name(&entry.name)?;
        let Some(directory) = self.directory(&entry.instance, Missing::IsFine)? else { return Ok(()) };
        let _changing = Changing { store: self, entry };
        let locked = disk::lock(&directory)?;
        for previous in [true, false] {
            locked.remove(&Entry { previous, ..entry.clone() }.file())?;
        }
        // Only when it was the last one.
        std::fs::remove_dir(self.stack.join(entry.instance.to_string())).ok();
        Ok(())
    }

    /// All secrets of the stack, previous ones included, sorted.
    pub(crate) fn entries(&self) -> Result<Vec<Entry>> {
        let mut found = Vec::new();
        for instance in names_in(&self.stack)? {
            let Ok(address) = instance.parse::<Address>() else { continue };
            for file in names_in(&self.stack.join(&instance))? {
                let (file, previous) = match file.strip_suffix(".prev") {
                    Some(file) => (file, true),
                    None => (file.as_str(), false),
                };
                if let Some(name) = file.strip_suffix(".age").filter(|name| check_name(name).is_ok()) {
                    found.push(Entry { instance: address.clone(), name: name.to_owned(), previous });
                }
            }
        }
        found.sort();
        Ok(found)
    }

    /// The stack's fingerprint key. While the store has none, one for this run alone.
    pub(crate) fn fingerprint_key(&self) -> Result<FingerprintKey> {
        if let Some(key) = self.written_key()? {
            return Ok(key);
        }
        let mut unwritten = self.unwritten_key.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(FingerprintKey::new(*unwritten.get_or_insert_with(new_key)))
    }

    /// Makes the stack's directory and writes the key of this run, unless there is one.
    pub(crate) fn establish(&self) -> Result<()> {
        let key = self.fingerprint_key()?;
        make_directory(&self.root)?;
        let directory = make_directory(&self.stack)?;
        disk::lock(&directory)?
            .create(KEY_FILE, key.bytes(), 0o600)
            .with_context(|| format!("the fingerprint key in {} can't be written", self.stack.display()))?;
        Ok(())
    }

    fn written_key(&self) -> Result<Option<FingerprintKey>> {
        let Some(directory) = trusted::directory(&self.stack, WHAT)? else { return Ok(None) };
        let shown = self.stack.join(KEY_FILE);
        let shown = shown.display();
        let Some(found) =
            disk::read(&directory, KEY_FILE).with_context(|| format!("the fingerprint key {shown} can't be read"))?
        else {
            return Ok(None);
        };
        if found.mode & 0o077 != 0 {
            bail!("the fingerprint key {shown} is open to others (mode {:04o})\n  chmod 0600 {shown}", found.mode);
        }
        match <[u8; KEY_LENGTH]>::try_from(found.bytes.as_slice()) {
            Ok(key) => Ok(Some(FingerprintKey::new(key))),
            Err(_) => bail!(
                "the fingerprint key {shown} is damaged: it has {} bytes, not {KEY_LENGTH}\n  put back a copy of it",
                found.bytes.len()
            ),
        }
    }

    fn directory(&self, instance: &Address, missing: Missing) -> Result<Option<OwnedFd>> {
        check_name(instance.kind())?;
        check_name(instance.name())?;
        let path = self.stack.join(instance.to_string());
        if missing == Missing::IsMade {
            self.establish()?;
            return make_directory(&path).map(Some);
        }
        trusted::directory(&path, WHAT)
    }

    fn not_written(&self, entry: &Entry) -> String {
        format!("the secret file {} can't be written", self.path(entry).display())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    IsFine,
    IsMade,
}

fn new_key() -> [u8; KEY_LENGTH] {
    let mut key = [0; KEY_LENGTH];
    key.copy_from_slice(&random(KEY_LENGTH));
    key
}

fn make_directory(path: &std::path::Path) -> Result<OwnedFd> {
    let not_made = || format!("the store directory {} can't be made", path.display());
    DirBuilder::new().recursive(true).mode(0o700).create(path).with_context(not_made)?;
    trusted::directory(path, WHAT)?.with_context(not_made)
}

/// Names become file names: a plugin chose them.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if name.is_empty() || name.len() > 100 || name.starts_with('.') || !name.chars().all(plain) {
        bail!("`{name}` can't be the name of a secret: 1 to 100 of A-Z, a-z, 0-9, `_`, `-` and `.`, no dot first");
    }
    Ok(())
}

fn names_in(directory: &std::path::Path) -> Result<Vec<String>> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error).with_context(|| format!("the store {} can't be read", directory.display())),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string().ok());
    }
    Ok(names)
}
