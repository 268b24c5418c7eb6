//! Questions about files of this machine.

use std::{ffi::CString, io, os::fd::OwnedFd, path::Path};

use rustix::{
    fs::{Access, AtFlags, FileType, Mode, OFlags, ResolveFlags},
    io::Errno,
};
use serde::{Deserialize, Serialize};

use super::Within;
use crate::{
    model::{Failure, Permit, Sameness},
    world::{
        World,
        disk::{self, Found},
    },
};

/// A path to look at (`stat`, `entries`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLook(pub String);

/// A file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRead(pub String);

/// Whether `path` mentions `what`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct FileMention {
    pub path: String,
    pub what: String,
}

/// See `files.facts` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct FileFacts {
    pub kind: FileKind,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub writable: Writable,
}

/// See `files.file-kind` in the WIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum FileKind {
    Regular,
    Directory,
    Symlink,
    Other,
}

/// See `files.writable` in the WIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Writable {
    Yes,
    NoPermission,
    ReadOnlyFilesystem,
    OutsideGrant,
}

/// See `files.comparison` in the WIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct FileComparison {
    pub content: Sameness,
    pub mode: Sameness,
    pub owner: Sameness,
    pub foreign: bool,
}

/// Answers larger than this do not cross to a plugin.
const LARGEST_ANSWER: usize = 1 << 20;
/// Shorter strings would tell a file's content piece by piece.
const SHORTEST_MENTION: usize = 8;

impl World {
    /// What is at the path; none when nothing is.
    pub async fn file_stat(&self, permit: &Permit<Within<FileLook>>) -> Result<Option<FileFacts>, Failure> {
        let within = permit.subject();
        let question = format!("stat {}, to write: {}", within.path, within.may_write);
        self.memo.once(question, async { stat(within) }).await
    }

    /// Names in a directory, sorted; none when it is not there.
    pub async fn file_entries(&self, permit: &Permit<Within<FileLook>>) -> Result<Option<Vec<String>>, Failure> {
        let within = permit.subject();
        self.memo.once(format!("entries of {}", within.path), async { entries(within) }).await
    }

    /// The bytes; refused where a secret was written.
    pub async fn file_read(&self, permit: &Permit<Within<FileRead>>) -> Result<Option<Vec<u8>>, Failure> {
        let within = permit.subject();
        let asked = async {
            if self.holds_secret(&within.path)? {
                return Err(Failure::Other(format!(
                    "{} had a secret written into it: it can be compared, not read back",
                    within.path
                )));
            }
            let Some(found) = find(within)? else { return Ok(None) };
            match found.bytes.len() > LARGEST_ANSWER {
                true => Err(Failure::TooLarge),
                false => Ok(Some(found.bytes.to_vec())),
            }
        };
        self.memo.once(format!("content of {}", within.path), asked).await
    }

    /// Whether the file mentions a string. A link that the operator's own path is, is followed.
    pub async fn file_mentions(&self, permit: &Permit<Within<FileMention>>) -> Result<bool, Failure> {
        let within = permit.subject();
        let what = within.asked.what.as_bytes();
        if what.len() < SHORTEST_MENTION {
            let shortest = SHORTEST_MENTION;
            return Err(Failure::Other(format!(
                "only strings of at least {shortest} bytes may be asked for in a file"
            )));
        }
        let asked = async {
            // Asked often enough, whether a string stands in a file tells all of it.
            if self.holds_secret(&within.path)? {
                return Err(Failure::Other(format!(
                    "{} had a secret written into it: it can be compared, and not be asked what it mentions",
                    within.path
                )));
            }
            let found =
                if within.exact && within.outermost == within.root { find_named(&within.path)? } else { find(within)? };
            Ok(found.is_some_and(|found| holds_token(&found.bytes, what)))
        };
        self.memo.once(format!("mention of `{}` in {}", within.asked.what, within.path), asked).await
    }

    /// Whether state knows that a secret was written into a file.
    pub(crate) fn holds_secret(&self, path: &str) -> Result<bool, Failure> {
        let place = self.state.place(&secret_place(path));
        Ok(place.map_err(|error| Failure::Other(format!("{error:#}")))?.is_some())
    }
}

/// State's name for the fact that a secret was written into a file.
pub(crate) fn secret_place(path: &str) -> String {
    format!("secret in {path}")
}

/// The directory that a path lies in, opened beneath its grant, and the name there; none when the directory is missing.
pub(crate) fn parent<T>(within: &Within<T>) -> Result<Option<(OwnedFd, String)>, Failure> {
    if within.relative == Path::new(".") {
        return Err(Failure::Other(format!("{} is the granted directory itself", within.path)));
    }
    let Some(root) = root(within)? else { return Ok(None) };
    let Some(name) = within.relative.file_name().and_then(|name| name.to_str()) else { return Ok(None) };
    match within.relative.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        None => Ok(Some((root, name.to_owned()))),
        Some(parent) => Ok(found(within, below(&root, parent))?.map(|directory| (directory, name.to_owned()))),
    }
}

/// A directory beneath a granted one, reached without following any link: an application that may write in there could
/// otherwise lead stackrun into another one's folder.
pub(crate) fn below(root: &OwnedFd, path: &Path) -> rustix::io::Result<OwnedFd> {
    let inside = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    rustix::fs::openat2(root, path, DIRECTORY, Mode::empty(), inside)
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The directory that the grant names. Links on the way to the outermost one are the operator's, who named it.
pub(crate) fn root<T>(within: &Within<T>) -> Result<Option<OwnedFd>, Failure> {
    let opened = rustix::fs::open(&within.outermost, DIRECTORY, Mode::empty());
    let opened = opened.and_then(|outermost| match within.root.strip_prefix(&within.outermost) {
        Ok(inner) if !inner.as_os_str().is_empty() => below(&outermost, inner),
        _ => Ok(outermost),
    });
    found(within, opened)
}

fn found<T>(within: &Within<T>, opened: rustix::io::Result<OwnedFd>) -> Result<Option<OwnedFd>, Failure> {
    match opened {
        Ok(directory) => Ok(Some(directory)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(failure(within, error)),
    }
}

/// The file at a path; none when there is none.
pub(crate) fn find<T>(within: &Within<T>) -> Result<Option<Found>, Failure> {
    let Some((directory, name)) = parent(within)? else { return Ok(None) };
    disk::read(&directory, &name).map_err(|error| Failure::Other(format!("{}: {error:#}", within.path)))
}

/// Whether a word stands in a text by itself: a part of a longer one would tell that one piece by piece.
fn holds_token(text: &[u8], token: &[u8]) -> bool {
    let goes_on = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte));
    text.windows(token.len()).enumerate().any(|(at, window)| {
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        window == token && !goes_on(before) && !goes_on(text.get(at + token.len()))
    })
}

fn find_named(path: &str) -> Result<Option<Found>, Failure> {
    match disk::read_named(Path::new(path)) {
        Ok(found) => Ok(Some(found)),
        Err(error) if disk::is_missing(&error) => Ok(None),
        Err(error) => Err(Failure::Other(format!("{path}: {error:#}"))),
    }
}

/// A link that leads out of the grant is a denial, everything else is the system's word.
pub(crate) fn failure<T>(within: &Within<T>, error: Errno) -> Failure {
    match error {
        Errno::LOOP | Errno::XDEV => Failure::Denied(within.escape.clone()),
        error => Failure::Other(format!("{}: {}", within.path, io::Error::from(error))),
    }
}

fn stat<T>(within: &Within<T>) -> Result<Option<FileFacts>, Failure> {
    let found = match within.relative == Path::new(".") {
        true => root(within)?.map(|directory| (directory, ".".to_owned())),
        false => parent(within)?,
    };
    let Some((directory, name)) = found else { return Ok(None) };
    let facts = match rustix::fs::statat(&directory, &name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(facts) => facts,
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(error) => return Err(failure(within, error)),
    };
    let kind = match FileType::from_raw_mode(facts.st_mode) {
        FileType::RegularFile => FileKind::Regular,
        FileType::Directory => FileKind::Directory,
        FileType::Symlink => FileKind::Symlink,
        _ => FileKind::Other,
    };
    let writable = match (within.may_write, kind) {
        (false, _) | (true, FileKind::Symlink) => Writable::OutsideGrant,
        // A directory is written by making entries in it, a file by a new one in its directory.
        (true, FileKind::Directory) => writable(&directory, &name),
        (true, _) => writable(&directory, "."),
    };
    Ok(Some(FileFacts { kind, mode: facts.st_mode & 0o7777, uid: facts.st_uid, gid: facts.st_gid, writable }))
}

fn writable(directory: &OwnedFd, name: &str) -> Writable {
    match rustix::fs::accessat(directory, name, Access::WRITE_OK, AtFlags::EACCESS) {
        Ok(()) => Writable::Yes,
        Err(rustix::io::Errno::ROFS) => Writable::ReadOnlyFilesystem,
        Err(_) => Writable::NoPermission,
    }
}

/// Why a step could not make, write or remove what is at this path; none where nothing speaks against it before it is
/// tried. Where the file is not there, its directory decides; where that is not there either, the one it would be made in.
pub(crate) fn unwritable<T>(within: &Within<T>) -> Option<String> {
    let Ok(Some(root)) = self::root(within) else {
        // A directory that a grant names for one file may be what this plan makes.
        return (!within.exact)
            .then(|| format!("there is no directory {}; make it, or mount what belongs there", within.root.display()));
    };
    let above = within.relative.ancestors().skip(1);
    let (path, directory) = above
        .filter(|path| !path.as_os_str().is_empty())
        .find_map(|path| Some((within.root.join(path), below(&root, path).ok()?)))
        .unwrap_or((within.root.clone(), root));
    let name = within.relative.file_name().filter(|_| Path::new(&within.path).parent() == Some(&*path));
    let refusing = |name: &Path| rustix::fs::accessat(&directory, name, Access::WRITE_OK, AtFlags::EACCESS).err();
    let why = |errno: rustix::io::Errno, what: String| match errno {
        rustix::io::Errno::ROFS => format!("{what} is on a read-only file system"),
        rustix::io::Errno::PERM => format!("{what} is protected against every change (`lsattr`)"),
        _ => format!("no right to write in {what}"),
    };
    if let Some(errno) = refusing(Path::new(".")) {
        return Some(why(errno, path.display().to_string()));
    }
    // A file is replaced as a whole, whatever its own mode is; but not one that nobody may change.
    let errno = refusing(Path::new(name?))?;
    let protected = matches!(errno, rustix::io::Errno::ROFS | rustix::io::Errno::PERM);
    protected.then(|| why(errno, within.path.clone()))
}

fn entries<T>(within: &Within<T>) -> Result<Option<Vec<String>>, Failure> {
    let Some(root) = root(within)? else { return Ok(None) };
    let Some(directory) = found(within, below(&root, &within.relative))? else { return Ok(None) };
    let names = names_in(&directory).map_err(|error| failure(within, error))?;
    // A name that is no text is nobody's that stackrun knows.
    Ok(Some(names.into_iter().filter_map(|name| name.into_string().ok()).collect()))
}

/// What is in a directory, sorted.
pub(crate) fn names_in(directory: &OwnedFd) -> rustix::io::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(directory)? {
        let entry = entry?;
        names.extend(Some(entry.file_name().to_owned()).filter(|name| ![c".", c".."].contains(&name.as_c_str())));
    }
    names.sort();
    Ok(names)
}
