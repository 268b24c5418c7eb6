//! Compiled plugins: used again when nobody has touched them, made again when somebody has.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "hostile/guest.rs"]
#[allow(dead_code)] // the worlds of its other half are for `hostile.rs`
mod guest;

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use guest::Guest;
use stackrun::plugin::Runtime;

struct Cached {
    _directory: tempfile::TempDir,
    path: PathBuf,
    component: Vec<u8>,
}

impl Cached {
    /// A cache with one plugin in it.
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let cached = Self {
            path: directory.path().join("cache"),
            component: Guest::default().component(),
            _directory: directory,
        };
        cached.load();
        cached
    }

    fn load(&self) {
        let plugin = Runtime::new(&self.path).unwrap().load("hostile", &self.component).unwrap();
        assert_eq!(plugin.description().about, "Does harm");
    }

    fn file(&self, extension: &str) -> PathBuf {
        let mut files =
            self.files().into_iter().filter(|path| path.extension().is_some_and(|found| found == extension));
        let file = files.next().unwrap();
        assert_eq!(files.next(), None);
        file
    }

    fn files(&self) -> Vec<PathBuf> {
        fs::read_dir(&self.path).unwrap().map(|file| file.unwrap().path()).collect()
    }
}

/// What tells whether a file was written again.
fn stamp(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).unwrap().ino()
}

#[test]
fn an_entry_is_used_again_and_open_to_nobody() {
    let cached = Cached::new();
    let (code, entry) = (cached.file("native"), cached.file("entry"));
    let before = (stamp(&code), stamp(&entry));
    cached.load();
    assert_eq!((stamp(&code), stamp(&entry)), before);
    for (path, mode) in [(&cached.path, 0o700), (&code, 0o600), (&entry, 0o600)] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, mode, "{}", path.display());
    }
}

#[test]
fn code_that_was_changed_is_not_run_but_made_again() {
    let cached = Cached::new();
    let code = cached.file("native");
    let good = fs::read(&code).unwrap();
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    for bytes in [bad, good[..good.len() / 3].to_vec(), Vec::new(), b"\x7fELF".to_vec()] {
        fs::write(&code, bytes).unwrap();
        cached.load();
        assert!(fs::read(&code).unwrap() == good);
    }
    fs::remove_file(&code).unwrap();
    cached.load();
    assert!(fs::read(&code).unwrap() == good);
}

#[test]
fn an_entry_that_was_changed_is_made_again() {
    let cached = Cached::new();
    let entry = cached.file("entry");
    let good = fs::read(&entry).unwrap();
    let lie = String::from_utf8(good.clone()).unwrap().replace("Does harm", "Is kind!!");
    for bytes in [lie.into_bytes(), good[..good.len() / 2].to_vec(), Vec::new()] {
        fs::write(&entry, bytes).unwrap();
        cached.load();
        assert!(fs::read(&entry).unwrap() == good);
    }
}

#[test]
fn an_entry_of_another_plugin_under_this_name_is_made_again() {
    let cached = Cached::new();
    let entry = cached.file("entry");
    let good = fs::read(&entry).unwrap();
    let other = Cached {
        component: Guest { kind: "other", ..Guest::default() }.component(),
        path: cached.path.join("../other"),
        _directory: tempfile::tempdir().unwrap(),
    };
    other.load();
    fs::copy(other.file("entry"), &entry).unwrap();
    cached.load();
    assert!(fs::read(&entry).unwrap() == good);
}

#[test]
fn a_file_that_others_could_have_written_is_made_again() {
    let cached = Cached::new();
    let code = cached.file("native");
    fs::set_permissions(&code, fs::Permissions::from_mode(0o666)).unwrap();
    cached.load();
    assert_eq!(fs::metadata(&code).unwrap().permissions().mode() & 0o777, 0o600);

    let elsewhere = cached.path.join("../elsewhere");
    fs::rename(&code, &elsewhere).unwrap();
    symlink(&elsewhere, &code).unwrap();
    cached.load();
    assert!(fs::symlink_metadata(&code).unwrap().is_file());
}

#[test]
fn a_directory_that_others_can_enter_is_refused() {
    let cached = Cached::new();
    fs::set_permissions(&cached.path, fs::Permissions::from_mode(0o755)).unwrap();
    let error = format!("{:#}", Runtime::new(&cached.path).unwrap_err());
    assert_eq!(
        error,
        format!(
            "{} holds compiled plugins and is open to others (mode 0755): code from there is not run. Remove it; it is \
             made again with mode 0700",
            cached.path.display()
        )
    );
}
