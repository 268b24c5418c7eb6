//! Opening secrets: from the file that one lies in to its value, once a run.

use std::{os::unix::fs::MetadataExt, path::Path, sync::Arc};

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    Alphabet, Vault, external,
    fingerprint::{Of, plain_digest},
    lock,
    redact::{SHORTEST, Trace},
    store::Entry,
};
use crate::{
    model::{Failure, Making, Presence, value::Target},
    world::disk,
};

/// A secret that has been opened in this run.
pub(crate) struct Opened {
    pub(crate) value: Zeroizing<String>,
    pub(crate) fingerprint: String,
    /// SHA-256 of the encrypted file, or the fingerprint again when the file is in clear: a plain digest of a clear
    /// file in state would let a weak secret be guessed.
    pub(crate) file_digest: String,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").finish_non_exhaustive()
    }
}

/// What may be known of a secret without opening it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Traits {
    pub(crate) fits: Vec<Alphabet>,
    pub(crate) traces: Vec<Trace>,
    /// Whether it is too short to be looked for as it is.
    #[serde(default)]
    pub(crate) short: bool,
}

/// The file that a secret lies in.
struct Source {
    bytes: Zeroizing<Vec<u8>>,
    sealed: bool,
    digest: String,
}

impl Vault {
    pub(crate) fn presence_of(&self, target: &Target) -> Result<Presence> {
        let (instance, name) = made(target)?;
        if !self.is_secret(target) {
            let value = self.state.captured(instance, name)?;
            let fingerprint = |value: String| self.fingerprints.digest(Of::Secret, value.as_bytes());
            return Ok(value.map_or(Presence::Absent, |value| Presence::Present(fingerprint(value))));
        }
        let record = self.state.secret_record(instance, name)?;
        let Some(source) = self.source(target)? else {
            return Ok(match record {
                None => Presence::Absent,
                Some(_) => Presence::Lost(format!(
                    "{target} has been used before, and its file {} is gone\n  \
                     put the file back, or set the value anew with `stackrun secret set SPEC {target}`; it is not generated again, \
                     since what it opens would stay locked",
                    self.path_of(target)?.display()
                )),
            });
        };
        match record {
            Some(record) if source.sealed && record.file_digest == source.digest => {
                Ok(Presence::Present(record.fingerprint))
            }
            _ => Ok(Presence::Present(self.open_source(target, &source)?.fingerprint.clone())),
        }
    }

    /// The value of what an instance makes; none while it is absent.
    pub(crate) fn open_made(&self, target: &Target) -> Result<Option<Arc<Opened>>> {
        let (instance, name) = made(target)?;
        if !self.is_secret(target) {
            let value = self.state.captured(instance, name)?;
            return Ok(value.map(|value| Arc::new(self.as_opened(Zeroizing::new(value), None))));
        }
        let Some(source) = self.source(target)? else { return Ok(None) };
        self.open_source(target, &source).map(Some)
    }

    /// What may be known of a secret; none while it is absent.
    pub(crate) fn traits(&self, target: &Target) -> Result<Option<Traits>> {
        let (instance, name) = made(target)?;
        if !self.is_secret(target) {
            return Ok(self.open_made(target)?.map(|opened| self.watch.traits_of(&opened.value)));
        }
        let Some(source) = self.source(target)? else { return Ok(None) };
        let label = entry_label(&Entry::new(instance, name));
        if let Some(traits) = self.watch.known(&self.state, &label, &source.digest)? {
            return Ok(Some(traits));
        }
        let opened = self.open_source(target, &source)?;
        Ok(Some(self.watch.found(label, source.digest, &opened.value)))
    }

    /// The value in an entry of the store; previous ones are reached by no target.
    pub(crate) fn open_entry(&self, entry: &Entry, sealed: &[u8]) -> Result<Zeroizing<String>> {
        let shown = || format!("the secret file {} can't be opened", self.store.path(entry).display());
        utf8(&self.keys.decrypt(sealed).with_context(shown)?).with_context(shown)
    }

    /// Files by others that anybody on the machine can read.
    pub fn warnings(&self) -> Vec<String> {
        let makings = self.makings.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut warnings: Vec<String> = makings
            .values()
            .filter_map(|making| match making {
                Making::FromFile { path, .. } if !path.ends_with(".age") => Some(path),
                _ => None,
            })
            .filter_map(|path| {
                let mode = std::fs::metadata(path).ok()?.mode() & 0o7777;
                (mode & 0o004 != 0).then(|| {
                    format!("the secret file {path} can be read by everybody on this machine (mode {mode:04o})")
                })
            })
            .collect();
        warnings.sort();
        warnings.dedup();
        warnings
    }

    /// Values in files by others that are too short to be found in messages; asked once it is known that they may be read.
    pub fn short_ones(&self) -> Vec<Target> {
        // One that can't be opened is said where it is needed.
        let is_short = |target: &Target| matches!(self.traits(target), Ok(Some(Traits { short: true, .. })));
        let mut short: Vec<Target> = self.external().into_iter().filter(is_short).collect();
        short.sort_by_key(Target::to_string);
        short
    }

    fn source(&self, target: &Target) -> Result<Option<Source>> {
        let (instance, name) = made(target)?;
        let found = match self.making(target) {
            None => bail!("{target} is nothing that the stack makes"),
            Some(Making::Stored { .. } | Making::Captured { .. }) => {
                self.store.read(&Entry::new(instance, name))?.map(|bytes| (Zeroizing::new(bytes), true))
            }
            Some(Making::FromFile { path, .. }) => {
                let bytes = read_external(&path).with_context(|| format!("{target} can't be read from {path}"))?;
                Some((bytes, path.ends_with(".age")))
            }
        };
        Ok(found.map(|(bytes, sealed)| {
            let digest = if sealed { plain_digest(&bytes) } else { self.fingerprints.digest(Of::Bytes, &bytes) };
            Source { bytes, sealed, digest }
        }))
    }

    fn open_source(&self, target: &Target, source: &Source) -> Result<Arc<Opened>> {
        if let Some(opened) = self.opened().get(target).filter(|opened| opened.file_digest == source.digest) {
            return Ok(opened.clone());
        }
        let plain = if source.sealed {
            self.keys.decrypt(&source.bytes).with_context(|| match self.making(target) {
                Some(Making::FromFile { path, .. }) => format!("{target} can't be opened in {path}"),
                _ => match self.path_of(target) {
                    Ok(path) => format!("{target} can't be opened: {}", path.display()),
                    Err(_) => format!("{target} can't be opened"),
                },
            })?
        } else {
            source.bytes.clone()
        };
        let value = match self.making(target) {
            Some(Making::FromFile { path, key, .. }) => {
                let file_name = Path::new(&path).file_name().unwrap_or_default().to_string_lossy().into_owned();
                let name = file_name.strip_suffix(".age").unwrap_or(&file_name);
                external::pick(name, &plain, key.as_deref())
                    .with_context(|| format!("{target} can't be read from {path}"))?
            }
            _ => utf8(&plain).with_context(|| format!("{target} can't be used"))?,
        };
        let opened = Arc::new(self.as_opened(value, Some(source)));
        self.opened().insert(target.clone(), opened.clone());
        lock(&self.fresh).push(target.clone());
        Ok(opened)
    }

    fn as_opened(&self, value: Zeroizing<String>, source: Option<&Source>) -> Opened {
        let fingerprint = self.fingerprints.digest(Of::Secret, value.as_bytes());
        let file_digest = source.map_or_else(|| fingerprint.clone(), |source| source.digest.clone());
        Opened { value, fingerprint, file_digest }
    }
}

/// What is said of a value that is too short to be looked for.
pub fn too_short(target: &Target) -> String {
    format!(
        "{target} has fewer than {SHORTEST} characters: it can be guessed, and is not found and replaced in messages and logs"
    )
}

pub(crate) fn entry_label(entry: &Entry) -> String {
    format!("{}.{}{}", entry.instance, entry.name, if entry.previous { ", the one before" } else { "" })
}

fn made(target: &Target) -> Result<(&crate::model::value::Address, &str)> {
    match target {
        Target::Made(instance, name) => Ok((instance, name)),
        other => bail!("{other} is no value that an instance makes"),
    }
}

fn utf8(bytes: &[u8]) -> Result<Zeroizing<String>> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(anyhow!("it is no UTF-8 text")),
    }
}

/// The operator or the spec named this very file, so links are followed: agenix and sops put links there.
fn read_external(path: &str) -> Result<Zeroizing<Vec<u8>>> {
    let found = disk::read_named(Path::new(path)).map_err(|error| match disk::is_missing(&error) {
        true => anyhow!("there is no such file: whatever puts it there has not run, or puts it elsewhere"),
        false => error,
    })?;
    if found.mode & 0o002 != 0 {
        bail!("everybody on this machine can write it (mode {:04o})\n  chmod o-w {path}", found.mode);
    }
    Ok(found.bytes)
}

pub(crate) fn other(error: impl Into<anyhow::Error>) -> Failure {
    Failure::Other(format!("{:#}", error.into()))
}
