//! How often each file of a lab is put somewhere, or taken away, while something runs: also one that is not there any
//! more at the end.
//!
//! The kernel's inotify tells it folder by folder, in order. A file that is written aside under a hidden name and takes
//! the other one's place in one go counts once, under its lasting name. The same happening twice, with nothing in between,
//! may be told once.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    mem::MaybeUninit,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
};

use anyhow::{Context, Result, anyhow, bail};
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};

use super::files::is_busy;

/// The folder of the file that ends a watch, below the lab's.
const END: &str = "data/recorders/end";

/// A watch that goes on.
pub struct Watch {
    lab: PathBuf,
    reads: JoinHandle<Result<Changes>>,
}

/// Changes of each path.
pub type Changes = BTreeMap<String, usize>;

impl Watch {
    /// Watches everything in the lab's folder that is not busy, from now on.
    pub fn begin(lab: &Path) -> Result<Self> {
        let end = lab.join(END);
        fs::create_dir_all(&end).with_context(|| format!("can't make {}", end.display()))?;
        let mut seen = Seen {
            lab: lab.to_owned(),
            inotify: Arc::new(inotify::init(CreateFlags::CLOEXEC).context("can't watch files")?),
            folders: HashMap::new(),
            changes: Changes::new(),
            missed: HashSet::new(),
        };
        seen.add(&end)?;
        seen.add_all(lab, false)?;
        Ok(Self { lab: lab.to_owned(), reads: std::thread::spawn(move || seen.read()) })
    }

    /// What has changed until now.
    pub fn end(self) -> Result<Changes> {
        // Events come in order: whoever sees this one has seen all others.
        let end = self.lab.join(END).join("now");
        fs::write(&end, "").and_then(|()| fs::remove_file(&end)).context("the watch can't be ended")?;
        self.reads.join().map_err(|_| anyhow!("the thread that watches files panicked"))?
    }
}

struct Seen {
    lab: PathBuf,
    inotify: Arc<OwnedFd>,
    folders: HashMap<i32, PathBuf>,
    changes: Changes,
    /// Found in a folder that had just been made: the event may come as well.
    missed: HashSet<PathBuf>,
}

impl Seen {
    fn add(&mut self, folder: &Path) -> Result<()> {
        let flags = WatchFlags::CREATE
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::DELETE
            | WatchFlags::MODIFY
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::ONLYDIR
            | WatchFlags::DONT_FOLLOW;
        let added = inotify::add_watch(&self.inotify, folder, flags);
        let added = added.with_context(|| format!("can't watch {}", folder.display()))?;
        self.folders.insert(added, folder.to_owned());
        Ok(())
    }

    /// A folder and all below it. In a new one, what is there already counts as made.
    fn add_all(&mut self, folder: &Path, is_new: bool) -> Result<()> {
        self.add(folder)?;
        for entry in fs::read_dir(folder).with_context(|| format!("can't read {}", folder.display()))? {
            let path = entry?.path();
            let inner = path.strip_prefix(&self.lab).context("a folder's entry is not in it")?.to_owned();
            let is_folder = fs::symlink_metadata(&path).is_ok_and(|about| about.is_dir());
            if is_new && !is_busy(&inner) && !is_aside(&path) {
                self.count(&path);
                self.missed.insert(path.clone());
            }
            if is_folder && (!is_busy(&inner) || inner.starts_with("store")) {
                self.add_all(&path, is_new)?;
            }
        }
        Ok(())
    }

    fn count(&mut self, path: &Path) {
        *self.changes.entry(path.display().to_string()).or_default() += 1;
    }

    fn read(mut self) -> Result<Changes> {
        let inotify = Arc::clone(&self.inotify);
        let mut buffer = [MaybeUninit::uninit(); 16 * 1024];
        let mut reader = Reader::new(&*inotify, &mut buffer);
        let mut open = Open::default();
        loop {
            let event = reader.next().context("can't read what has happened to files")?;
            let (flags, watch) = (event.events(), event.wd());
            if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
                bail!("more has happened to files than the kernel keeps");
            }
            let (Some(folder), Some(name)) = (self.folders.get(&watch), event.file_name()) else { continue };
            let path = folder.join(name.to_str().context("a file's name is not UTF-8")?);
            if path.ends_with(format!("{END}/now")) {
                return Ok(self.changes);
            }
            if is_busy(path.strip_prefix(&self.lab)?) && !path.starts_with(self.lab.join("store")) {
                continue;
            }
            self.happened(path, flags, &mut open);
        }
    }

    fn happened(&mut self, path: PathBuf, flags: ReadFlags, open: &mut Open) {
        let appears = flags.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO);
        if flags.contains(ReadFlags::ISDIR) {
            if appears {
                // One that is gone already has its other event.
                let _ = self.add_all(&path, true);
            }
        } else if is_aside(&path) {
            if flags.contains(ReadFlags::CREATE) {
                open.aside.insert(path);
            } else if flags.contains(ReadFlags::CLOSE_WRITE) {
                open.aside.remove(&path);
            }
            return;
        }
        if is_busy(path.strip_prefix(&self.lab).unwrap_or(&path)) {
            return;
        }
        if flags.contains(ReadFlags::MODIFY) {
            open.written.insert(path);
            return;
        }
        let renamed_open = flags.contains(ReadFlags::MOVED_TO) && open.aside.iter().any(|aside| is_for(aside, &path));
        if renamed_open || (flags.contains(ReadFlags::CREATE) && !flags.contains(ReadFlags::ISDIR)) {
            open.made.insert(path.clone());
        }
        let was_missed = (appears || flags.contains(ReadFlags::CLOSE_WRITE)) && self.missed.remove(&path);
        // Closed, but not written: it was written before, or not at all.
        let is_closed = flags.contains(ReadFlags::CLOSE_WRITE);
        let is_nothing = is_closed && (!open.written.remove(&path) | open.made.remove(&path));
        if !was_missed && !is_nothing {
            self.count(&path);
        }
    }
}

/// Files that somebody has open for writing. A program that another one has just started keeps them open for a moment, so
/// they may be closed long after they were written.
#[derive(Default)]
struct Open {
    /// Made, or renamed while open: closing one is no change of its own.
    made: HashSet<PathBuf>,
    aside: HashSet<PathBuf>,
    written: HashSet<PathBuf>,
}

/// Whether a file was written aside to take this one's place.
fn is_for(aside: &Path, path: &Path) -> bool {
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    aside.parent() == path.parent() && name(aside).starts_with(&format!(".{}.stackrun", name(path)))
}

/// `.config.toml.stackrun-1a2b`: what will be `config.toml`, or is gone again before anybody has seen it. Whoever leaves
/// one behind is found by what is there at the end.
fn is_aside(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.starts_with('.') && name.contains(".stackrun")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_counts_once_and_what_comes_and_goes_too() -> Result<()> {
        let lab = tempfile::tempdir()?;
        let at = |name: &str| lab.path().join(name);
        fs::write(at("rewritten"), "a")?;
        fs::write(at("removed"), "a")?;
        let watch = Watch::begin(lab.path())?;
        fs::write(at("rewritten"), "a")?;
        fs::remove_file(at("removed"))?;
        fs::write(at("rewritten"), "a")?;
        fs::write(at("comes"), "a")?;
        fs::remove_file(at("comes"))?;
        let aside = fs::File::create(at(".aside.stackrun-1"))?;
        fs::rename(at(".aside.stackrun-1"), at("aside"))?;
        drop(aside);
        fs::write(at(".later.stackrun-1"), "a")?;
        fs::rename(at(".later.stackrun-1"), at("later"))?;
        fs::write(at("later"), "a")?;
        fs::create_dir(at("folder"))?;
        fs::write(at("folder/in-it"), "a")?;
        let changes = watch.end()?;
        let of = |name: &str| changes.get(&at(name).display().to_string()).copied().unwrap_or_default();
        let names = ["rewritten", "removed", "comes", "aside", "later", "folder", "folder/in-it"];
        assert_eq!(names.map(of), [2, 1, 2, 1, 2, 1, 1], "{changes:?}");
        assert_eq!(changes.len(), names.len(), "{changes:?}");
        Ok(())
    }
}
