//! The operator's commands, each behind a script that notes that it was called.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Effect;

/// Scripts that note, then run what they stand for.
pub struct Verbs {
    log: PathBuf,
    scripts: Vec<(PathBuf, PathBuf)>,
}

impl Verbs {
    /// A script for each verb: its name, and its command.
    pub fn around(folder: &Path, verbs: &[(&str, &PathBuf)]) -> Result<Self> {
        let log = folder.join("verbs");
        fs::write(&log, "").with_context(|| format!("can't write {}", log.display()))?;
        let script = |(name, command): &(&str, &PathBuf)| -> Result<(PathBuf, PathBuf)> {
            let path = folder.join(format!("verb-{name}"));
            let text = format!("#!/bin/sh\necho {name} >> '{}'\nexec '{}' \"$@\"\n", log.display(), command.display());
            fs::write(&path, text)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
            Ok(((*command).clone(), path))
        };
        let scripts = verbs.iter().map(script).collect::<Result<_>>().context("a verb's script can't be written")?;
        Ok(Self { log, scripts })
    }

    /// Each command, and the script to name in its place.
    pub fn swaps(&self) -> Vec<(&PathBuf, PathBuf)> {
        self.scripts.iter().map(|(command, script)| (command, script.clone())).collect()
    }

    /// How many calls there were.
    pub fn mark(&self) -> Result<usize> {
        Ok(self.calls()?.len())
    }

    /// The calls since.
    pub fn since(&self, mark: usize) -> Result<Vec<Effect>> {
        Ok(self.calls()?.into_iter().skip(mark).map(Effect::Verb).collect())
    }

    fn calls(&self) -> Result<Vec<String>> {
        let text = fs::read_to_string(&self.log).with_context(|| format!("can't read {}", self.log.display()))?;
        Ok(text.lines().map(str::to_owned).collect())
    }
}
