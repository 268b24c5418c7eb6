//! The capability `files`.
//!
//! | pattern | accepts |
//! |---|---|
//! | `/srv/media/app.toml` | that path |
//! | `/srv/media/` | that directory and everything below it |
//!
//! | path asked for | what happens |
//! |---|---|
//! | `srv/x`, `/srv/../etc/x`, one with a NUL | refused: paths are absolute and hold no `..` |
//! | `/srv//media/./x` | taken as `/srv/media/x` |
//! | `/srv/mediaserver/x` under `/srv/media/` | refused: a pattern ends at a component |
//! | a symbolic link on the way below the outermost granted directory around it, wherever it leads | refused: directories are opened beneath that one, without following any |
//!
//! What is granted for writing may also be read and looked at; what is granted for reading, also looked at.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use super::{FileLook, FileMention, FileRead};
use crate::{
    capability::Gate,
    model::{
        Denial, FilesGrant, Generator, Making, Permit,
        denial::NEVER,
        desired::{Region, WantedFile},
        value::{Address, Target},
    },
    words::is_unseen,
    world::vault::SHORTEST,
};

/// Characters that start a comment in any language.
const LONGEST_COMMENT: usize = 8;

/// A path that the gate let pass: where it is opened from, and how to refuse it when a link leads out of there.
#[derive(Clone, Debug, PartialEq)]
pub struct Within<T> {
    /// The outermost granted directory around it, for whatever it is granted. Links on the way to this one are the
    /// operator's; from there on none is followed, for whoever may write an outer folder can put one into it.
    pub outermost: PathBuf,
    /// Directory that the grant names, or that a file lies in which it names; everything is opened beneath it.
    pub root: PathBuf,
    /// From there; `.` is the directory itself.
    pub relative: PathBuf,
    /// Normalised.
    pub path: String,
    /// Whether the grant names this very path.
    pub exact: bool,
    /// Whether it may be written as well.
    pub may_write: bool,
    /// The stack that asks; marker lines carry it.
    pub stack: String,
    /// What is said when a link leads out of the grant; it names the instance that asks.
    pub escape: Denial,
    /// What was asked.
    pub asked: T,
}

impl<T> Within<T> {
    /// The instance that asks.
    pub fn instance(&self) -> &Address {
        &self.escape.instance
    }
}

/// Why a line could never match; none when it can.
pub(in crate::capability) fn unfit(path: &str) -> Option<String> {
    match normal(path) {
        Some(_) => None,
        None => Some(format!("`{path}` is not an absolute path without `..`")),
    }
}

/// An absolute path without `..`, doubled and trailing slashes and `.` taken out.
pub(crate) fn normal(path: &str) -> Option<String> {
    if !path.starts_with('/') || path.contains('\0') {
        return None;
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.is_empty() || parts.contains(&"..") {
        return None;
    }
    Some(format!("/{}", parts.join("/")))
}

impl Gate {
    /// Looking at a path.
    pub fn file_look(&self, look: FileLook) -> Result<Permit<Within<FileLook>>, Denial> {
        let files = &self.grants().files;
        self.path("files.look", &look.0.clone(), &[&files.look, &files.read, &files.write], look)
    }

    /// Reading a file.
    pub fn file_read(&self, read: FileRead) -> Result<Permit<Within<FileRead>>, Denial> {
        let files = &self.grants().files;
        self.path("files.read", &read.0.clone(), &[&files.read, &files.write], read)
    }

    /// Asking whether a file mentions a string.
    /// Asked often enough, whether a word stands in a file tells all of it: so only what `words` holds may be asked for.
    pub fn file_mention(
        &self,
        mention: FileMention,
        words: &HashSet<String>,
    ) -> Result<Permit<Within<FileMention>>, Denial> {
        let files = &self.grants().files;
        let FileMention { path, what } = &mention;
        let (path, asked) = (
            path.clone(),
            format!(
                "whether {} mentions `{}`, which is neither a word of the instance's section nor of its connections",
                path.escape_debug(),
                what.escape_debug()
            ),
        );
        let is_held = words.contains(what);
        let permit = self.path("files.mention", &path, &[&files.mention, &files.read, &files.write], mention)?;
        if is_held { Ok(permit) } else { Err(self.deny("files.mention", asked, NEVER)) }
    }

    /// Comparing and writing a file.
    pub fn file_write(&self, mut wanted: WantedFile) -> Result<Permit<Within<WantedFile>>, Denial> {
        let path = wanted.path.clone();
        wanted.path = normal(&path).unwrap_or_else(|| path.clone());
        self.file_mode(&path, wanted.mode)?;
        if let Region::Block { comment, .. } = &wanted.region {
            self.block_comment(&path, comment)?;
        }
        self.path("files.write", &path, &[&self.grants().files.write], wanted)
    }

    /// Removing a block from a file.
    pub fn block_remove(&self, path: &str, comment: &str) -> Result<Permit<Within<String>>, Denial> {
        self.block_comment(path, comment)?;
        self.path_change(path.to_owned())
    }

    /// Whatever is granted: the marker lines of a block are comments of one line. With a line break in the sign they would
    /// be lines of the plugin's choice that no reviewer sees.
    fn block_comment(&self, path: &str, comment: &str) -> Result<(), Denial> {
        if matches!(comment.chars().count(), 1..=LONGEST_COMMENT) && !comment.chars().any(is_unseen) {
            return Ok(());
        }
        let (path, comment) = (path.escape_debug(), comment.escape_debug());
        let asked = format!(
            "a block of {path} whose comments begin with `{comment}`: one line of 1 to {LONGEST_COMMENT} characters"
        );
        Err(self.deny("files.write", asked, NEVER))
    }

    /// Making and removing files and directories at a path.
    pub fn path_change(&self, path: String) -> Result<Permit<Within<String>>, Denial> {
        self.path("files.write", &path.clone(), &[&self.grants().files.write], path)
    }

    /// Making a directory.
    pub fn directory_make(&self, path: String, mode: u32) -> Result<Permit<Within<String>>, Denial> {
        self.file_mode(&path, mode)?;
        self.path_change(path)
    }

    /// Whatever is granted: nothing that is made runs as its owner, or is more than read, written and entered.
    fn file_mode(&self, path: &str, mode: u32) -> Result<(), Denial> {
        if mode <= 0o777 {
            return Ok(());
        }
        let asked =
            format!("{} with mode {mode:04o}: set-user, set-group and sticky bits are refused", path.escape_debug());
        Err(self.deny("files.write", asked, NEVER))
    }

    /// Taking secrets out of files by others: the paths that an instance's makings name. For the built-in plugin these
    /// are the ones that stand in the user's own spec.
    pub fn makings(&self, makings: &[Making]) -> Vec<Denial> {
        let denied = |making: &Making| match making {
            Making::FromFile { path, .. } => self.file_read(FileRead(path.clone())).err(),
            _ => None,
        };
        makings.iter().filter_map(denied).collect()
    }

    /// Generating a secret: the instance's own, and never one that is too short to be found in messages and logs.
    pub fn new_secret(&self, target: &Target, generator: Generator, length: u32) -> Result<Permit<Target>, Denial> {
        let characters = generator.characters(length);
        if characters < SHORTEST as u64 {
            let asked = format!(
                "a new {target} of {characters} characters: fewer than {SHORTEST} can't be kept out of messages and logs"
            );
            return Err(self.deny("secrets", asked, NEVER));
        }
        self.own_secret(target)
    }

    /// Making and discarding a secret: the instance's own.
    pub fn own_secret(&self, target: &Target) -> Result<Permit<Target>, Denial> {
        match target {
            Target::Made(instance, _) if instance == self.instance() => Ok(Permit::new(target.clone())),
            _ => Err(self.deny("secrets", format!("{target}, which another instance makes"), NEVER)),
        }
    }

    fn path<T>(
        &self,
        capability: &'static str,
        asked: &str,
        granted: &[&[String]],
        subject: T,
    ) -> Result<Permit<Within<T>>, Denial> {
        let Some(path) = normal(asked) else {
            let why = format!("`{asked}`, which is no absolute path without `..`");
            return Err(self.deny(capability, why, NEVER));
        };
        let grants = granted.iter().flat_map(|patterns| patterns.iter());
        let Some((root, relative, exact)) = grants.filter_map(|pattern| matches(pattern, &path)).max() else {
            let line = Gate::line(capability, &path);
            return Err(self.deny(capability, path, line));
        };
        let may_write = self.grants().files.write.iter().any(|pattern| matches(pattern, &path).is_some());
        let outermost = self.outermost(&root);
        let leads_out = format!(
            "{path}, where a symbolic link stands below {}: links are not followed there; name what it leads to instead",
            outermost.display()
        );
        let escape = self.deny(capability, leads_out, NEVER);
        let stack = self.stack().to_owned();
        Ok(Permit::new(Within { outermost, root, relative, path, exact, may_write, stack, escape, asked: subject }))
    }

    /// Of all directories that are granted for anything, the outermost one around a directory; itself, if there is none.
    fn outermost(&self, root: &Path) -> PathBuf {
        let FilesGrant { look, read, mention, write } = &self.grants().files;
        let files = [look, read, mention, write].into_iter().flatten().map(String::as_str);
        let directories = files.filter(|pattern| pattern.ends_with('/'));
        let mounts = self.grants().containers.mounts.iter().map(String::as_str);
        let around = directories.chain(mounts).filter_map(normal).filter(|one| root.starts_with(one));
        around.min_by_key(String::len).map_or(root.to_owned(), PathBuf::from)
    }
}

/// Where a path is opened from when the pattern accepts it: root, the rest, and whether the path is named itself. Of
/// several the longest root is the closest.
fn matches(pattern: &str, path: &str) -> Option<(PathBuf, PathBuf, bool)> {
    match pattern.strip_suffix('/') {
        Some(_) => {
            let directory = normal(pattern)?;
            if path == directory {
                return Some((directory.into(), ".".into(), false));
            }
            let rest = path.strip_prefix(&directory)?.strip_prefix('/')?;
            Some((directory.into(), rest.into(), false))
        }
        None if normal(pattern)? == path => {
            let path = Path::new(path);
            Some((path.parent()?.into(), path.file_name()?.into(), true))
        }
        None => None,
    }
}

#[cfg(test)]
#[path = "grant_tests.rs"]
mod tests;
