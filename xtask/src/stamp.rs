//! Whether anything changed since the guests were built, told without starting a compiler.
//!
//! The stamp is the list of all files that count, with size and time of change; the same list again
//! means that nothing changed. When in doubt it differs, and cargo decides.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::{Context, Result};

/// What was built from what, as one text.
pub struct Stamp {
    file: PathBuf,
    sources: Vec<PathBuf>,
    outputs: Vec<PathBuf>,
}

impl Stamp {
    /// A stamp kept in `file`, over all files in and below `sources`, and `outputs`.
    pub fn new(file: PathBuf, sources: Vec<PathBuf>, outputs: Vec<PathBuf>) -> Self {
        Self { file, sources, outputs }
    }

    /// Whether sources and outputs are what they were at the last [`Stamp::set`].
    pub fn is_fresh(&self) -> bool {
        let (Ok(then), Ok(now)) = (fs::read_to_string(&self.file), self.listing()) else {
            return false;
        };
        then == now
    }

    /// The sources as they are now; taken before the build, so that an edit during it is not missed.
    pub fn sources(&self) -> Result<String> {
        list(&self.sources)
    }

    /// Remembers that the outputs, as they are now, were made from `sources`.
    pub fn set(&self, sources: String) -> Result<()> {
        let text = sources + &list(&self.outputs)?;
        fs::write(&self.file, text).with_context(|| format!("cannot write {}", self.file.display()))
    }

    fn listing(&self) -> Result<String> {
        Ok(self.sources()? + &list(&self.outputs)?)
    }
}

fn list(paths: &[PathBuf]) -> Result<String> {
    let mut files = BTreeSet::new();
    for path in paths {
        gather(path, &mut files)?;
    }
    let mut text = String::new();
    for file in files {
        let meta = fs::metadata(&file).with_context(|| format!("cannot look at {}", file.display()))?;
        let changed = meta.modified()?.duration_since(UNIX_EPOCH)?.as_nanos();
        writeln!(text, "{} {} {changed}", file.display(), meta.len())?;
    }
    Ok(text)
}

fn gather(path: &Path, files: &mut BTreeSet<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        files.insert(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(|| format!("cannot list {}", path.display()))? {
        gather(&entry?.path(), files)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_source_or_output_is_noticed() -> Result<()> {
        let dir = std::env::temp_dir().join(format!("stackrun-stamp-{}", std::process::id()));
        let source = dir.join("src/deep/lib.rs");
        let output = dir.join("out.wasm");
        fs::create_dir_all(dir.join("src/deep"))?;
        fs::write(&source, "one")?;
        let stamp = Stamp::new(dir.join("built"), vec![dir.join("src")], vec![output.clone()]);
        assert!(!stamp.is_fresh(), "never built");

        let build = || {
            let seen = stamp.sources()?;
            fs::write(&output, "made")?;
            stamp.set(seen)
        };
        build()?;
        assert!(stamp.is_fresh());

        fs::write(&source, "three")?;
        assert!(!stamp.is_fresh(), "a source was edited");
        build()?;
        fs::write(dir.join("src/new.rs"), "")?;
        assert!(!stamp.is_fresh(), "a source is new");
        build()?;
        fs::remove_file(&output)?;
        assert!(!stamp.is_fresh(), "an output is gone");
        Ok(fs::remove_dir_all(dir)?)
    }
}
