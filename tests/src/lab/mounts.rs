//! Mounts below a folder: the machine's own list, and taking them away.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::command::run;

/// The mounts below `folder`, the innermost first.
///
/// # Errors
/// When the machine's list can't be read.
pub(crate) fn below(folder: &Path) -> Result<Vec<PathBuf>> {
    let list = fs::read_to_string("/proc/self/mounts").context("can't read /proc/self/mounts")?;
    let mut found: Vec<PathBuf> = list
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        // The kernel writes a blank as \040; other odd characters do not occur in a lab's paths.
        .map(|path| PathBuf::from(path.replace("\\040", " ")))
        .filter(|path| path.starts_with(folder))
        .collect();
    found.reverse();
    Ok(found)
}

/// Unmounts everything below `folder`.
///
/// # Errors
/// When one stays: its path and the reason.
pub(crate) fn unmount_below(folder: &Path) -> Result<()> {
    for mount in below(folder)? {
        run(Command::new("umount").arg(&mount)).with_context(|| format!("{} stays mounted", mount.display()))?;
    }
    Ok(())
}
