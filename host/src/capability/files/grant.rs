//! The capability `files`.
//!
//! | pattern | accepts |
//! |---|---|
//! | `/srv/media/app.toml` | that path |
//! | `/srv/media/` | that directory and everything below it |
//! | `/srv/{name}/` | the same, with the instance's name; a hole fills one component of the path, never more |
//!
//! | path asked for | what happens |
//! |---|---|
//! | `srv/x`, `/srv/../etc/x`, one with a NUL | refused: paths are absolute and hold no `..` |
//! | `/srv//media/./x` | taken as `/srv/media/x` |
//! | `/srv/mediaserver/x` under `/srv/media/` | refused: a pattern ends at a component |
//! | a symbolic link on the way below the grant, wherever it leads | refused: directories are opened beneath the grant, without following any |
//!
//! What is granted for writing may also be read and looked at; what is granted for reading, also looked at.

use std::path::{Path, PathBuf};

use super::{FileLook, FileMention, FileRead};
use crate::{
    capability::{Gate, name::normal},
    model::{
        ConnectionSettings, Denial, FilesGrant, FolderAccess, HostFile, Making, NamePattern, Permit,
        denial::NEVER,
        desired::WantedFile,
        value::{Address, Target, Tree},
    },
};

/// A path that the gate let pass: where it is opened from, and how to refuse it when a link leads out of there.
#[derive(Clone, Debug, PartialEq)]
pub struct Within<T> {
    /// Directory that the grant names; everything is opened beneath it.
    pub root: PathBuf,
    /// From there; `.` is the directory itself.
    pub relative: PathBuf,
    /// Normalised.
    pub path: String,
    /// Whether the grant names this very path, and no directory above it.
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

impl FilesGrant {
    /// What the plugins that are built in get, from the host file's folders and the connections that an instance uses.
    pub fn first_party(
        kind: &str,
        _instance: &Address,
        _stack: &str,
        section: &Tree,
        connections: &[ConnectionSettings],
        host_file: &HostFile,
    ) -> Self {
        let setting = |kind: &str, key: &str| -> Vec<String> {
            let of_kind = connections.iter().filter(|connection| connection.kind == kind);
            of_kind.filter_map(|one| one.settings.get(key)?.as_str().map(str::to_owned)).collect()
        };
        match kind {
            "container" => {
                let all = host_file.folders.values().map(|folder| below(&folder.path));
                Self { look: all.collect(), write: writable_folders(host_file), ..Self::default() }
            }
            "secret" => Self { read: files_of_secrets(section), write: writable_folders(host_file), ..Self::default() },
            "gateway" => {
                let sites = setting("caddy", "sites");
                // A file for each host name: a renamed site leaves the old file to be taken away by itself.
                let site = |directory: &String| {
                    NamePattern::new(format!("{}/{{domain}}.caddy", directory.trim_end_matches('/')))
                };
                let directories = || sites.iter().map(|directory| below(Path::new(directory)));
                Self {
                    look: directories().collect(),
                    mention: directories().chain(setting("caddy", "caddyfile").iter().map(NamePattern::new)).collect(),
                    write: sites.iter().map(site).collect(),
                    ..Self::default()
                }
            }
            "oidc" => Self {
                mention: setting("authelia", "configuration").iter().map(NamePattern::new).collect(),
                write: setting("authelia", "clients_fragment").iter().map(NamePattern::new).collect(),
                ..Self::default()
            },
            _ => Self::default(),
        }
    }

    /// The same with names filled in; a pattern that stays without a value is dropped, and grants nothing. So is one
    /// whose value would reach into another directory.
    pub fn filled(&self, stack: &str, instance: &Address, section: &Tree) -> Self {
        let fill = |patterns: &[NamePattern]| {
            let filled = patterns.iter().filter_map(|pattern| pattern.fill_path(stack, instance, section));
            filled.map(NamePattern::new).collect()
        };
        Self { look: fill(&self.look), read: fill(&self.read), mention: fill(&self.mention), write: fill(&self.write) }
    }
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
    pub fn file_mention(&self, mention: FileMention) -> Result<Permit<Within<FileMention>>, Denial> {
        let files = &self.grants().files;
        self.path("files.mention", &mention.path.clone(), &[&files.mention, &files.read, &files.write], mention)
    }

    /// Comparing and writing a file.
    pub fn file_write(&self, mut wanted: WantedFile) -> Result<Permit<Within<WantedFile>>, Denial> {
        let path = wanted.path.clone();
        wanted.path = normal(&path).unwrap_or_else(|| path.clone());
        self.file_mode(&path, wanted.mode)?;
        self.path("files.write", &path, &[&self.grants().files.write], wanted)
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
    pub fn makings(&self, makings: &[Making]) -> Result<(), Denial> {
        for making in makings {
            if let Making::FromFile { path, .. } = making {
                self.file_read(FileRead(path.clone()))?;
            }
        }
        Ok(())
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
        granted: &[&[NamePattern]],
        subject: T,
    ) -> Result<Permit<Within<T>>, Denial> {
        let Some(path) = normal(asked) else {
            let why = format!("`{asked}`, which is no absolute path without `..`");
            return Err(self.deny(capability, why, NEVER));
        };
        let rule = self.rule_for(capability, &path);
        let grants = granted.iter().flat_map(|patterns| patterns.iter());
        let Some((root, relative, exact)) = grants.filter_map(|pattern| matches(pattern.as_str(), &path)).max() else {
            return Err(self.deny(capability, path, rule));
        };
        let may_write = self.grants().files.write.iter().any(|pattern| matches(pattern.as_str(), &path).is_some());
        let leads_out = format!(
            "{path}, where a symbolic link stands below {}: links are not followed there; name what it leads to instead",
            root.display()
        );
        let escape = self.deny(capability, leads_out, NEVER);
        let stack = self.stack().to_owned();
        Ok(Permit::new(Within { root, relative, path, exact, may_write, stack, escape, asked: subject }))
    }

    fn rule_for(&self, capability: &str, path: &str) -> String {
        match (self.instance().kind(), capability) {
            // What these two may write follows from the folders.
            ("container" | "secret", "files.write") => {
                let parent = Path::new(path).parent().unwrap_or(Path::new("/")).display();
                format!("[folders] NAME = {{ path = \"{parent}\", access = \"write\" }}")
            }
            _ => format!("{capability} = [\"{path}\"]"),
        }
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

fn below(directory: &Path) -> NamePattern {
    NamePattern::new(format!("{}/", directory.display().to_string().trim_end_matches('/')))
}

fn writable_folders(host_file: &HostFile) -> Vec<NamePattern> {
    let writable = host_file.folders.values().filter(|folder| folder.access == FolderAccess::Write);
    writable.map(|folder| below(&folder.path)).collect()
}

/// `name = { file = "…" }` of the section.
fn files_of_secrets(section: &Tree) -> Vec<NamePattern> {
    let Tree::Table(entries) = section else { return Vec::new() };
    entries.iter().filter_map(|(_, entry)| entry.get("file")?.as_str()).map(NamePattern::new).collect()
}

#[cfg(test)]
#[path = "grant_tests.rs"]
mod tests;
