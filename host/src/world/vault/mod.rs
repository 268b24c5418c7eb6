//! Secrets: kept in a store of age files, known to everyone else by name only, filled in at the last moment.
//!
//! What is asked most often needs no decryption: state keeps each secret's keyed fingerprint beside the digest of its
//! age file, so that a plan without changes opens nothing.

mod external;
mod fingerprint;
mod fits;
mod forms;
mod generate;
mod keys;
mod learned;
mod opened;
mod redact;
mod spelled;
mod store;
#[cfg(test)]
mod tests;
mod watch;

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use anyhow::{Context, Result, bail};
use zeroize::Zeroizing;

pub use fits::{Alphabet, Fitness};
pub use learned::Learned;
pub use opened::too_short;
pub use redact::SHORTEST;

use super::{
    State,
    state::{SaltedRecord, SecretRecord},
    vault::{
        fingerprint::{FingerprintKey, Of},
        keys::Keys,
        opened::{Opened, other},
        store::{Entry, Store},
        watch::Watch,
    },
};
use crate::{
    document::{Refused, encode_text},
    model::{
        Failure, Generator, HostFile, Making, Permit, Presence,
        value::{Address, Form, Target, Text},
    },
};

/// The store, the fingerprints, and what has been decrypted in this run. Any thread may use it.
#[derive(Debug)]
pub struct Vault {
    host_file: Arc<HostFile>,
    state: Arc<State>,
    keys: Keys,
    store: Store,
    fingerprints: FingerprintKey,
    makings: RwLock<HashMap<Target, Making>>,
    opened: Mutex<HashMap<Target, Arc<Opened>>>,
    /// Opened or computed since the last [`Vault::remember`].
    fresh: Mutex<Vec<Target>>,
    salted: Mutex<HashMap<Target, SaltedRecord>>,
    /// Sources whose value the plan under way replaces.
    outdated: Mutex<HashSet<Target>>,
    watch: Watch,
    learned: Arc<Learned>,
}

impl Vault {
    /// Decrypts nothing, makes nothing. Fails when the store or its fingerprint key is open to others.
    pub fn open(host_file: Arc<HostFile>, stack: &str, state: Arc<State>) -> Result<Self> {
        Self::open_with(host_file, stack, state, Arc::default())
    }

    /// The same, where credentials have been read already.
    ///
    /// # Errors
    /// Those of [`Vault::open`].
    pub fn open_with(host_file: Arc<HostFile>, stack: &str, state: Arc<State>, learned: Arc<Learned>) -> Result<Self> {
        keys::check_recipients(&host_file.store.recipients)?;
        let store = Store::open(host_file.store.path.clone(), stack)?;
        let fingerprints = store.fingerprint_key()?;
        Ok(Self {
            keys: Keys::new(host_file.store.clone()),
            watch: Watch::new(&fingerprints),
            learned,
            store,
            fingerprints,
            host_file,
            state,
            makings: RwLock::default(),
            opened: Mutex::default(),
            fresh: Mutex::default(),
            salted: Mutex::default(),
            outdated: Mutex::default(),
        })
    }

    /// Makes the stack's directory in the store with its fingerprint key, unless it is there. Called before the first
    /// step, and before a plan is saved: a fingerprint in it must still be the same later.
    pub fn establish(&self) -> Result<()> {
        self.store.establish()
    }

    /// Whether secrets that are made here could be opened here again; nothing is written to find that out.
    ///
    /// # Errors
    /// An identity that can't be read, recipients none of whom it is, a store that can't be written while `makes`.
    pub fn ready(&self, makes: bool) -> Result<()> {
        if makes {
            self.store.refuse_unwritable()?;
        }
        let sealed = self.keys.encrypt(b"opened again")?;
        self.keys.decrypt(&sealed).context("what is encrypted to the recipients of [store] can't be opened here")?;
        Ok(())
    }

    /// Says where the values that an instance makes come from; all other functions know only declared targets.
    pub fn declare(&self, instance: &Address, makings: &[Making]) {
        let mut known = self.makings.write().unwrap_or_else(PoisonError::into_inner);
        for making in makings {
            known.insert(Target::Made(instance.clone(), making.name().to_owned()), making.clone());
        }
        drop(known);
        if makings.iter().any(|making| matches!(making, Making::FromFile { .. })) {
            self.watch.forget();
        }
    }

    /// Whether a target is a secret; else it is a captured value that the host file lists in `plain_captures`.
    pub fn is_secret(&self, target: &Target) -> bool {
        match self.making(target.source()) {
            Some(Making::Captured { name, connection }) => !self.is_plain_capture(&name, &connection),
            _ => true,
        }
    }

    /// The connection whose answer gave this value, if one did.
    pub fn captured_from(&self, target: &Target) -> Option<String> {
        match self.making(target.source()) {
            Some(Making::Captured { connection, .. }) => Some(connection),
            _ => None,
        }
    }

    /// The value of a target that is no secret, once it has been captured.
    pub fn plain_value(&self, target: &Target) -> Option<String> {
        let Target::Made(instance, name) = target else { return None };
        if self.is_secret(target) { None } else { self.state.captured(instance, name).ok().flatten() }
    }

    /// What a reviewer sees in place of a target that is no secret: its value, or that it is known later. None for a
    /// secret.
    pub fn plain_marker(&self, target: &Target) -> Option<String> {
        (!self.is_secret(target)).then(|| self.marker(target))
    }

    /// A target as a reviewer sees it: `(secret NAME)`, or the value of a captured one that is no secret.
    pub fn marker(&self, target: &Target) -> String {
        match (self.is_secret(target), self.plain_value(target)) {
            (false, Some(value)) => value,
            (false, None) => format!("({target}, known later)"),
            (true, _) => format!("(secret {target})"),
        }
    }

    /// Whether a target's source is there. Decrypts nothing when state has its fingerprint and the file is unchanged.
    ///
    /// # Errors
    /// A store, a file or an identity that can't be read; a file by others that is not there.
    pub fn presence(&self, target: &Target) -> Result<Presence, Failure> {
        if self.is_outdated(target) {
            return Ok(Presence::Absent);
        }
        self.presence_of(target.source()).map_err(other)
    }

    /// While a plan is made, a value that one of its steps replaces is not yet known, although an old one is there:
    /// whoever holds the old one needs a change.
    pub(crate) fn mark_outdated(&self, targets: impl IntoIterator<Item = Target>) {
        lock(&self.outdated).extend(targets);
    }

    /// The plan is made: from here on, what is there is there.
    pub(crate) fn clear_outdated(&self) {
        lock(&self.outdated).clear();
    }

    fn is_outdated(&self, target: &Target) -> bool {
        lock(&self.outdated).contains(target.source())
    }

    /// Whether secrets keep to an alphabet.
    pub fn fits(&self, target: &Target, alphabet: Alphabet) -> Result<Fitness, Failure> {
        if self.is_outdated(target) {
            return Ok(Fitness::NotYetKnown);
        }
        match self.traits(target.source()).map_err(other)? {
            Some(traits) if traits.fits.contains(&alphabet) => Ok(Fitness::Fit),
            Some(_) => Ok(Fitness::Unfit),
            None => Ok(Fitness::NotYetKnown),
        }
    }

    /// The value itself, for its destination alone.
    ///
    /// # Errors
    /// [`Failure::NotYet`] while it has not been made.
    pub(crate) fn reveal(&self, target: &Target) -> Result<Zeroizing<String>, Failure> {
        match target {
            Target::Derived(form, of) if form.is_salted() => self.salted(target, *form, of),
            Target::Derived(form, of) => {
                let value = self.reveal(of)?;
                forms::compute(*form, &value).with_context(|| of.to_string()).map_err(other)
            }
            made => match self.open_made(made).map_err(other)? {
                Some(opened) => Ok(opened.value.clone()),
                None => match self.presence(made)? {
                    Presence::Lost(why) => Err(Failure::Other(why)),
                    _ => Err(Failure::NotYet),
                },
            },
        }
    }

    /// A text with its holes filled, for its destination alone.
    pub(crate) fn fill(&self, text: &Text) -> Result<Zeroizing<String>, Failure> {
        encode_text(text, &|target| self.reveal(target))
    }

    /// Generates a stored secret unless it is there.
    pub(crate) fn generate(&self, into: &Permit<Target>, generator: Generator, length: u32) -> Result<()> {
        let into = into.subject();
        if !matches!(self.making(into), Some(Making::Stored { .. })) {
            bail!("{into} is declared as what a server answers, and is not generated");
        }
        match self.presence_of(into)? {
            Presence::Present(_) => return Ok(()),
            Presence::Lost(why) => bail!("{why}"),
            Presence::Absent => {}
        }
        let entry = self.entry(into)?;
        self.store.create(&entry, &self.keys.encrypt(generate::generate(generator, length).as_bytes())?)?;
        self.now_there(into)
    }

    /// Keeps a value that this connection answered at this place of its answer. It has to be declared as that: where a value
    /// came from decides whom it may be sent to, and a field that the host file calls plain is kept in clear.
    pub(crate) fn keep(&self, into: &Target, value: &str, from: Option<&str>, pointer: &str) -> Result<()> {
        let Target::Made(instance, name) = into else { bail!("{into} can't be captured into") };
        let Some(Making::Captured { connection, .. }) = self.making(into) else {
            bail!("{into} is not declared as what a server answers, and no answer is kept as it")
        };
        if from != Some(connection.as_str()) {
            bail!("{into} is declared as what connection {connection} answers, and nobody else's answer is kept as it");
        }
        if !self.is_secret(into) {
            if pointer != format!("/{name}") {
                bail!("`{name}` is no secret by the host file: only the answer's own field of that name is kept as it");
            }
            return self.state.set_captured(instance, name, Some(value));
        }
        self.set(into, value)
    }

    /// Stores a value in place of whatever was there, which becomes the previous value.
    pub(crate) fn set(&self, into: &Target, value: &str) -> Result<()> {
        let entry = self.entry(into)?;
        self.store.replace(&entry, &self.keys.encrypt(value.as_bytes())?)?;
        self.now_there(into)
    }

    /// Generates a secret anew; the one before becomes the previous value.
    pub(crate) fn rotate(&self, target: &Target, generator: Generator, length: u32) -> Result<()> {
        self.set(target, &generate::generate(generator, length))
    }

    /// Opens a file that was encrypted to one of the store's identities.
    pub(crate) fn decrypt(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        self.keys.decrypt(sealed)
    }

    /// Removes a secret from the store, with its previous value; state forgets it.
    pub(crate) fn discard(&self, target: &Permit<Target>) -> Result<()> {
        let target = target.subject();
        let entry = self.entry(target)?;
        if self.is_secret(target) {
            self.store.remove(&entry)?;
        } else {
            self.state.set_captured(&entry.instance, &entry.name, None)?;
        }
        self.state.forget_secret(&entry.instance, &entry.name)?;
        self.opened().remove(target);
        Ok(())
    }

    /// A keyed digest of any bytes (HMAC-SHA-256 with the stack's fingerprint key), for telling sameness.
    pub fn digest(&self, bytes: &[u8]) -> Result<String> {
        Ok(self.fingerprints.digest(Of::Bytes, bytes))
    }

    /// Encrypts bytes to the store's recipients: before-images in the journal.
    pub(crate) fn seal(&self, bytes: &[u8]) -> Result<Vec<u8>> {
        self.keys.encrypt(bytes)
    }

    /// Opens what `seal` made.
    pub(crate) fn unseal(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        self.keys.decrypt(sealed).context("what the journal keeps of the state before can't be opened")
    }

    /// Writes to state what this run found out by decrypting (fingerprints, digests), so that the next one need not.
    /// Called while a run may write: after each action, and at its end.
    pub fn remember(&self) -> Result<()> {
        for target in std::mem::take(&mut *lock(&self.fresh)) {
            match &target {
                Target::Made(instance, name) => {
                    let Some(opened) = self.opened().get(&target).cloned() else { continue };
                    let (fingerprint, file_digest) = (opened.fingerprint.clone(), opened.file_digest.clone());
                    self.state.set_secret_record(instance, name, &SecretRecord { fingerprint, file_digest })?;
                }
                Target::Derived(form, of) => {
                    let Some(record) = lock(&self.salted).get(&target).cloned() else { continue };
                    self.state.set_digest(&of.to_string(), &form_name(*form), &record)?;
                }
                Target::Output(..) => {}
            }
        }
        self.watch.remember(&self.state)
    }

    /// Where a stored secret lies.
    pub(crate) fn path_of(&self, target: &Target) -> Result<PathBuf> {
        Ok(self.store.path(&self.entry(target)?))
    }

    // ---- parts -------------------------------------------------------------------------------------------

    fn salted(&self, target: &Target, form: Form, of: &Target) -> Result<Zeroizing<String>, Failure> {
        let fingerprint = match self.presence(of)? {
            Presence::Present(fingerprint) => fingerprint,
            Presence::Absent => return Err(Failure::NotYet),
            Presence::Lost(why) => return Err(Failure::Other(why)),
        };
        // Held while computing: two threads must not make two digests of one secret.
        let mut salted = lock(&self.salted);
        if let Some(record) = salted.get(target).filter(|record| record.fingerprint == fingerprint) {
            return Ok(Zeroizing::new(record.value.clone()));
        }
        let remembered = self.state.digest_of(&of.to_string(), &form_name(form)).map_err(other)?;
        let record = match remembered.filter(|record| record.fingerprint == fingerprint) {
            Some(record) => record,
            None => {
                let value = forms::compute(form, &self.reveal(of)?).map_err(other)?;
                lock(&self.fresh).push(target.clone());
                SaltedRecord { fingerprint, value: value.to_string() }
            }
        };
        let value = Zeroizing::new(record.value.clone());
        salted.insert(target.clone(), record);
        Ok(value)
    }

    fn making(&self, target: &Target) -> Option<Making> {
        self.makings.read().unwrap_or_else(PoisonError::into_inner).get(target).cloned()
    }

    fn is_plain_capture(&self, name: &str, connection: &str) -> bool {
        self.host_file.connections.get(connection).is_some_and(|connection| connection.is_plain_capture(name))
    }

    /// The store's entry of a target that the store keeps.
    fn entry(&self, target: &Target) -> Result<Entry> {
        match (target, self.making(target)) {
            (Target::Made(instance, name), Some(Making::Stored { .. } | Making::Captured { .. })) => {
                Ok(Entry::new(instance, name))
            }
            (_, Some(Making::FromFile { path, .. })) => bail!("{target} lies in {path} and is read only"),
            _ => bail!("{target} is no secret of the store"),
        }
    }

    fn now_there(&self, target: &Target) -> Result<()> {
        self.opened().remove(target);
        self.watch.forget();
        self.traits(target)?.with_context(|| format!("{target} was written and is gone again"))?;
        self.remember()
    }

    fn opened(&self) -> MutexGuard<'_, HashMap<Target, Arc<Opened>>> {
        lock(&self.opened)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stable: it is a key in state.
fn form_name(form: Form) -> String {
    match form {
        Form::ScramSha256 => "scram-sha-256".to_owned(),
        Form::Pbkdf2Sha512(rounds) => format!("pbkdf2-sha512-{rounds}"),
        Form::Encoded(encoding) => format!("{encoding:?}"),
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Failure::Other(refused.to_string())
    }
}

/// The entries of a file that secrets are imported from: an environment file, TOML, JSON or YAML.
pub(crate) fn entries_of(path: &Path, text: &str) -> Result<Vec<(String, Zeroizing<String>)>> {
    external::entries(&path.file_name().unwrap_or_default().to_string_lossy(), text)
}
