//! Keeping secrets out of foreign text: what to look for, and what stands in its place.

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context, Result};
use zeroize::Zeroizing;

use super::{
    Alphabet, Learned, Vault,
    fingerprint::{FingerprintKey, plain_digest},
    lock,
    opened::{Traits, entry_label},
    redact::{Hasher, SHORTEST, Scanner, forms},
};
use crate::{
    model::{
        Making,
        value::{Target, Tree},
    },
    world::{State, state::SaltedRecord},
};

/// The form under which state keeps traits, with the number of the set of forms that are looked for: what was kept of a
/// smaller set is found out again. Its `fingerprint` is the digest of the encrypted file.
const FORM: &str = "traits-2";

/// What is looked for.
pub(crate) struct Watch {
    hasher: Hasher,
    /// Made when something is looked for first, and again after a secret was made or something was learned: with the
    /// number of what was learned before.
    scanner: Mutex<Option<(usize, Arc<Scanner>)>>,
    /// Held by who gathers what is looked for: the others wait for it, instead of reading the whole store as well.
    gathering: Mutex<()>,
    /// Counts what was made or changed: what was gathered meanwhile is out of date.
    changes: AtomicU64,
    /// Traits found in this run that state does not have, by label, with the digest of the file.
    fresh: Mutex<HashMap<String, (String, Traits)>>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

impl Watch {
    pub(crate) fn new(key: &FingerprintKey) -> Self {
        Self {
            hasher: Hasher::new(key),
            scanner: Mutex::default(),
            gathering: Mutex::default(),
            changes: AtomicU64::default(),
            fresh: Mutex::default(),
        }
    }

    /// Something was made or changed: what is looked for is gathered again.
    pub(crate) fn forget(&self) {
        let mut scanner = lock(&self.scanner);
        self.changes.fetch_add(1, Ordering::SeqCst);
        *scanner = None;
    }

    /// What looks for all that has been learned so far.
    fn gathered(&self, learned: usize) -> Option<Arc<Scanner>> {
        let kept = lock(&self.scanner);
        kept.as_ref().filter(|(number, _)| *number == learned).map(|(_, scanner)| scanner.clone())
    }

    /// Keeps what was gathered, unless something has changed since.
    fn keep(&self, learned: usize, scanner: &Arc<Scanner>, as_of: u64) {
        let mut kept = lock(&self.scanner);
        if self.changes.load(Ordering::SeqCst) == as_of {
            *kept = Some((learned, scanner.clone()));
        }
    }

    pub(crate) fn traits_of(&self, value: &str) -> Traits {
        Traits {
            fits: Alphabet::ALL.into_iter().filter(|alphabet| alphabet.fits(value)).collect(),
            traces: self.hasher.traces(value),
            short: value.len() < SHORTEST,
        }
    }

    /// Traits that state or this run has of a file with this digest.
    pub(crate) fn known(&self, state: &State, label: &str, digest: &str) -> Result<Option<Traits>> {
        if let Some((of, traits)) = lock(&self.fresh).get(label)
            && of == digest
        {
            return Ok(Some(traits.clone()));
        }
        let record = state.digest_of(label, FORM)?.filter(|record| record.fingerprint == digest);
        // What can't be read is found out again.
        Ok(record.and_then(|record| serde_json::from_str(&record.value).ok()))
    }

    /// Traits of a value that has just been opened; state gets them with the next [`Vault::remember`].
    pub(crate) fn found(&self, label: String, digest: String, value: &str) -> Traits {
        let traits = self.traits_of(value);
        lock(&self.fresh).insert(label, (digest, traits.clone()));
        traits
    }

    pub(crate) fn remember(&self, state: &State) -> Result<()> {
        for (label, (digest, traits)) in lock(&self.fresh).drain() {
            let record = SaltedRecord { fingerprint: digest, value: serde_json::to_string(&traits)? };
            state.set_digest(&label, FORM, &record)?;
        }
        Ok(())
    }
}

impl Vault {
    /// What is kept out of messages besides the secrets of the store.
    pub fn learned(&self) -> &Arc<Learned> {
        &self.learned
    }

    /// Replaces every secret that this run or an earlier one knows, in every form it was rendered in, by
    /// `(secret NAME)`. For foreign text: logs, server errors. When the secrets to look for can't be opened, the text is
    /// withheld.
    pub fn redact(&self, text: &str) -> String {
        match self.redacted(text) {
            Ok(text) => text,
            Err(error) => {
                format!("(a message is withheld, since the secrets that may stand in it can't be opened: {error:#})")
            }
        }
    }

    /// The text without the secrets in it; none when there are none, or when that can't be told.
    pub fn cleaned(&self, text: &str) -> Option<String> {
        self.redacted(text).ok().filter(|clean| clean != text)
    }

    /// Whether foreign bytes hold a secret: an answer that does never crosses to a plugin. Yes, when that can't be told.
    pub fn finds_secret_in(&self, bytes: &[u8]) -> bool {
        let found = || -> Result<bool> {
            if !self.scanner()?.suspects(bytes) {
                return Ok(false);
            }
            let all = self.all_forms()?;
            Ok(all.iter().any(|(form, _)| bytes.windows(form.len()).any(|window| window == form.as_bytes())))
        };
        found().unwrap_or(true)
    }

    fn redacted(&self, text: &str) -> Result<String> {
        if !self.scanner()?.suspects(text.as_bytes()) {
            return Ok(text.to_owned());
        }
        let mut text = text.to_owned();
        for (form, marker) in self.all_forms()? {
            if text.contains(form.as_str()) {
                text = text.replace(form.as_str(), &marker);
            }
        }
        Ok(text)
    }

    fn scanner(&self) -> Result<Arc<Scanner>> {
        if let Some(scanner) = self.watch.gathered(self.learned.number()) {
            return Ok(scanner);
        }
        let _gathering = lock(&self.watch.gathering);
        if let Some(scanner) = self.watch.gathered(self.learned.number()) {
            return Ok(scanner);
        }
        let as_of = self.watch.changes.load(Ordering::SeqCst);
        self.learn_credentials();
        // What is learned meanwhile makes the number another one.
        let learned = self.learned.all();
        let mut traces = Vec::new();
        for entry in self.store.entries()? {
            let Some(sealed) = self.store.read(&entry)? else { continue };
            let (label, digest) = (entry_label(&entry), plain_digest(&sealed));
            let traits = match self.watch.known(&self.state, &label, &digest)? {
                Some(traits) => traits,
                None => self.watch.found(label, digest, &self.open_entry(&entry, &sealed)?),
            };
            traces.extend(traits.traces);
        }
        for target in self.external() {
            traces.extend(self.traits(&target)?.map(|traits| traits.traces).unwrap_or_default());
        }
        for (_, value) in &learned {
            traces.extend(self.watch.hasher.traces(value));
        }
        let scanner = Arc::new(Scanner::new(self.watch.hasher, traces));
        self.watch.keep(learned.len(), &scanner, as_of);
        Ok(scanner)
    }

    /// Every form of every secret with its marker, longest first.
    fn all_forms(&self) -> Result<Vec<(Zeroizing<String>, String)>> {
        let mut all = Vec::new();
        let mut add = |value: &str, name: String| {
            all.extend(forms(value).into_iter().map(|form| (form, format!("(secret {name})"))));
        };
        for entry in self.store.entries()? {
            let Some(sealed) = self.store.read(&entry)? else { continue };
            add(&self.open_entry(&entry, &sealed)?, entry_label(&entry));
        }
        for target in self.external() {
            let opened = self.open_made(&target)?.with_context(|| format!("{target} is gone"))?;
            add(&opened.value, target.to_string());
        }
        for (label, value) in self.learned.all() {
            add(&value, label);
        }
        all.sort_by_key(|(form, _)| std::cmp::Reverse(form.len()));
        Ok(all)
    }

    /// Credentials that the host file names, whether or not this run needs them: any server's message may hold one.
    fn learn_credentials(&self) {
        for connection in self.host_file.connections.values() {
            let Tree::Table(settings) = &connection.settings else { continue };
            for (key, value) in settings {
                if Learned::is_credential(key)
                    && let Some(file) = value.as_str()
                {
                    // One that can't be read is said where it is needed.
                    let _ = self.learned.credential(&connection.name, key, Path::new(file));
                }
            }
        }
    }

    /// Secrets in files by others that are there.
    pub(super) fn external(&self) -> Vec<Target> {
        let makings = self.makings.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let there = makings.iter().filter_map(|(target, making)| match making {
            Making::FromFile { path, .. } if Path::new(path).exists() => Some(target.clone()),
            _ => None,
        });
        there.collect()
    }
}
