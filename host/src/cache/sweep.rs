//! Files of the cache that nobody has used for a while go away: every new version of a plugin leaves its old code behind.

use std::{
    fs::{self, File},
    io,
    path::Path,
    time::{Duration, SystemTime},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a file is kept that nobody uses.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Notes that a file is in use, once a day. A file that can't be marked is compiled again some day, and nothing worse.
pub(super) fn note_use(path: &Path) {
    let mark = || -> io::Result<()> {
        if age(&fs::symlink_metadata(path)?)? > DAY {
            File::options().append(true).open(path)?.set_modified(SystemTime::now())?;
        }
        Ok(())
    };
    if let Err(error) = mark() {
        tracing::debug!("{} can't be marked as used: {error}", path.display());
    }
}

/// Removes files of this directory that have not been used for long.
pub(super) fn sweep(directory: &Path) {
    for file in fs::read_dir(directory).into_iter().flatten().flatten() {
        let is_old = file.metadata().and_then(|facts| Ok(facts.is_file() && age(&facts)? > KEPT));
        if let Ok(true) = is_old {
            match fs::remove_file(file.path()) {
                Ok(()) => tracing::debug!("{} has not been used for long, and is removed", file.path().display()),
                Err(error) => tracing::warn!("can't remove {}: {error}", file.path().display()),
            }
        }
    }
}

/// A file from the future is new.
fn age(facts: &fs::Metadata) -> io::Result<Duration> {
    Ok(SystemTime::now().duration_since(facts.modified()?).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_stays_and_what_was_not_goes() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, days: u32| {
            let path = directory.path().join(name);
            let file = File::create(&path).unwrap();
            file.set_modified(SystemTime::now() - DAY * days).unwrap();
            path
        };
        let (old, used, new) = (file("old", 31), file("used", 31), file("new", 29));
        note_use(&used);
        sweep(directory.path());
        assert!(!old.exists() && used.exists() && new.exists());
    }
}
