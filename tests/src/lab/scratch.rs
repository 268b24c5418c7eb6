//! A lab for one test: in a temporary folder, gone when the test ends, also when it fails.

use std::fs;
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};

use super::{Lab, Options, mounts};

/// Set to anything, this keeps the labs of tests up, to look into them; `cargo xtask lab down DIR` ends one.
const KEEP: &str = "STACKRUN_KEEP_LAB";

/// A lab that ends with the value.
#[derive(Debug)]
pub struct Scratch {
    lab: Lab,
}

impl Scratch {
    /// Brings a lab up in a new temporary folder.
    ///
    /// # Errors
    /// As [`Lab::up`].
    pub fn up(options: &Options) -> Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("stackrun-lab-").tempdir().context("can't make a temporary folder")?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))
            .context("can't open the temporary folder to the lab's users")?;
        let lab = Lab::up_with(folder.path(), options)?;
        // From here on the folder is the lab's.
        let _ = folder.keep();
        Ok(Self { lab })
    }

    /// Lets the lab stay up: from here on it is ended by [`Lab::down`] alone.
    #[must_use]
    pub fn keep(self) -> Lab {
        // The value never ends, so nothing takes the lab down.
        std::mem::ManuallyDrop::new(self).lab.clone()
    }

    /// Takes the lab down now, and tells when that fails.
    ///
    /// # Errors
    /// As [`Lab::down`].
    pub fn down(self) -> Result<()> {
        end(&self.lab.dir)
    }
}

/// The folder is this test's own: what the test has put into it goes as well, when nothing is mounted there any more.
fn end(dir: &Path) -> Result<()> {
    Lab::down(dir)?;
    if dir.exists() {
        mounts::unmount_below(dir)?;
        fs::remove_dir_all(dir).with_context(|| format!("{} can't be removed", dir.display()))?;
    }
    Ok(())
}

impl Deref for Scratch {
    type Target = Lab;

    fn deref(&self) -> &Lab {
        &self.lab
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let dir = &self.lab.dir;
        if !dir.exists() {
            return;
        }
        if std::env::var_os(KEEP).is_some() {
            eprintln!("{KEEP} is set: the lab in {} stays up", dir.display());
        } else if let Err(error) = end(dir) {
            eprintln!("the lab of a test stays behind: {error:#}");
        }
    }
}
