//! The operator's commands, each behind a script that notes how it was called and by whom.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::Effect;

/// An argument that each verb gets in the host file, to see that it arrives.
const ARGUMENT: &str = "--as=planned";

/// Scripts that note, then run what they stand for.
pub struct Verbs {
    log: PathBuf,
    further: PathBuf,
    scripts: Vec<(PathBuf, PathBuf)>,
}

impl Verbs {
    /// A script for each verb: its name, and its command.
    pub fn around(folder: &Path, verbs: &[(&str, &PathBuf)]) -> Result<Self> {
        let (log, further) = (folder.join("verbs"), folder.join("further"));
        fs::write(&log, "").with_context(|| format!("can't write {}", log.display()))?;
        let script = |(name, command): &(&str, &PathBuf)| -> Result<(PathBuf, PathBuf)> {
            let path = folder.join(format!("verb-{name}"));
            let text = format!(
                "#!/bin/sh\necho \"$0 $* as $(id -un)\" >> '{log}'\n[ ! -e '{further}' ] || . '{further}'\nexec '{command}'\n",
                log = log.display(),
                further = further.display(),
                command = command.display()
            );
            fs::write(&path, text)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
            Ok(((*command).clone(), path))
        };
        let scripts = verbs.iter().map(script).collect::<Result<_>>().context("a verb's script can't be written")?;
        Ok(Self { log, further, scripts })
    }

    /// Each command as the host file has it, and what it shall have in its place.
    pub fn swaps(&self) -> Vec<(String, String)> {
        let word = |path: &Path| format!("\"{}\"", path.display());
        let swap = |(command, script): &(PathBuf, PathBuf)| {
            (format!("[{}]", word(command)), format!("[{}, {ARGUMENT:?}]", word(script)))
        };
        self.scripts.iter().map(swap).collect()
    }

    /// Has every verb do something more, in the words of the shell, while `run` runs; an `exit` fails the verb.
    ///
    /// # Errors
    /// What `run` fails with; that can't be arranged.
    pub fn doing_more<T>(&self, what: &str, run: impl FnOnce() -> Result<T>) -> Result<T> {
        fs::write(&self.further, what).context("a verb can't be told to do more")?;
        let done = run();
        fs::remove_file(&self.further).context("a verb goes on doing more")?;
        done
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
