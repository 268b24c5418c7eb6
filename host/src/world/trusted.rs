//! Files and directories that decide what stackrun does: nobody else may write them.

/// Refuses a file or directory that somebody else than its owner can write, or that belongs to neither root nor us:
/// it holds commands, plugins or records that run and act with our rights. `what` names it in the message.
pub fn refuse_writable_by_others(path: &std::path::Path, what: &str) -> anyhow::Result<()> {
    use std::os::unix::fs::MetadataExt;

    use anyhow::{Context, bail};
    let facts = std::fs::metadata(path).with_context(|| format!("the {what} {} can't be read", path.display()))?;
    if facts.mode() & 0o022 != 0 {
        bail!(
            "the {what} {} can be written by others (mode {:04o}): whoever writes it decides what stackrun does as you\n  \
             chmod go-w {}",
            path.display(),
            facts.mode() & 0o7777,
            path.display()
        );
    }
    let us = rustix::process::geteuid().as_raw();
    if facts.uid() != 0 && facts.uid() != us {
        bail!(
            "the {what} {} belongs to user {}, neither root nor you ({us})\n  chown {us} {}",
            path.display(),
            facts.uid(),
            path.display()
        );
    }
    Ok(())
}
