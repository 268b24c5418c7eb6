//! Whether a folder will do for a lab, told before anything is started in it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// A unix socket's path has at most 107 bytes; the longest below a lab's folder takes 40 of them.
const LONGEST_DIR: usize = 67;

/// Makes the lab's folder and returns its full path.
///
/// # Errors
/// When it can't be made, or won't do: why.
pub(super) fn prepare(dir: &Path) -> Result<PathBuf> {
    fs::create_dir_all(dir).with_context(|| format!("can't make {}", dir.display()))?;
    let dir = dir.canonicalize().with_context(|| format!("can't look at {}", dir.display()))?;
    let text = dir.to_str().with_context(|| format!("{} is not UTF-8", dir.display()))?;
    if text.len() > LONGEST_DIR {
        bail!(
            "{text} is too long for a lab: unix sockets below it must stay within 107 bytes, so it may have {LONGEST_DIR}"
        );
    }
    if text.contains(|letter: char| !letter.is_ascii_alphanumeric() && !"/._-+@".contains(letter)) {
        bail!("{text} won't do for a lab: letters, digits and / . _ - + @ are safe in every server's settings");
    }
    // It will hold commands that run as root.
    let owner = fs::metadata(&dir).with_context(|| format!("can't look at {text}"))?.uid();
    if owner != 0 {
        bail!("{text} won't do for a lab: it belongs to user {owner}, and must be root's");
    }
    check_reachable(&dir)?;
    Ok(dir)
}

/// The lab's servers are not root: each folder on the way must let everybody through.
///
/// # Errors
/// When one doesn't: which, and its mode.
pub(super) fn check_reachable(dir: &Path) -> Result<()> {
    for folder in dir.ancestors() {
        let mode =
            fs::metadata(folder).with_context(|| format!("can't look at {}", folder.display()))?.permissions().mode();
        if mode & 0o001 == 0 {
            bail!(
                "{} won't do: the lab's servers run as users of their own, and {} lets none of them through (mode {:04o}). \
                 Choose a folder below /var/lib, for example",
                dir.display(),
                folder.display(),
                mode & 0o7777
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_other_users_can_not_enter_is_refused_with_its_name() -> Result<()> {
        let folder = tempfile::tempdir()?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700))?;
        let error = prepare(&folder.path().join("lab"));
        let message = error.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(message.contains(&format!("{} lets none", folder.path().display())), "{message}");
        assert!(message.contains("0700"), "{message}");
        Ok(())
    }

    #[test]
    fn a_folder_too_deep_for_a_socket_is_refused() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let error = prepare(&folder.path().join("x".repeat(80)));
        assert!(error.err().is_some_and(|error| error.to_string().contains("107 bytes")));
        Ok(())
    }
}
