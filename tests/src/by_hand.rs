//! What somebody does to a machine behind stackrun's back.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// Changes a file in place: owner and mode stay.
///
/// # Errors
/// When the file can't be read or written, or the change changes nothing.
pub fn edit(path: &Path, change: impl FnOnce(&str) -> String) -> Result<()> {
    let old = fs::read_to_string(path).with_context(|| format!("{} can't be read", path.display()))?;
    let new = change(&old);
    ensure!(old != new, "the edit of {} changes nothing", path.display());
    fs::write(path, new).with_context(|| format!("{} can't be written", path.display()))
}

/// A file's text without the blocks that stackrun marks as its own.
#[must_use]
pub fn without_blocks(text: &str) -> String {
    let mut inside = false;
    let kept = text.lines().filter(|line| {
        inside |= line.contains(">>> stackrun");
        let keep = !inside;
        inside &= !line.contains("<<< stackrun");
        keep
    });
    kept.map(|line| format!("{line}\n")).collect()
}

/// The marked block of one instance in a text, markers included; empty where there is none.
#[must_use]
pub fn block_of(text: &str, stack: &str, instance: &str) -> String {
    let name = format!("stackrun {stack} {instance}");
    let from = text.lines().skip_while(|line| !line.ends_with(&format!(">>> {name}")));
    let mut ended = false;
    let block = from.take_while(|line| !std::mem::replace(&mut ended, line.ends_with(&format!("<<< {name}"))));
    block.map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_what_is_between_its_markers() {
        let text =
            "a\n# >>> stackrun s i.n\nb\n# <<< stackrun s i.n\nc\n# >>> stackrun t i.n\nd\n# <<< stackrun t i.n\n";
        assert_eq!(block_of(text, "s", "i.n"), "# >>> stackrun s i.n\nb\n# <<< stackrun s i.n\n");
        assert_eq!(block_of(text, "u", "i.n"), "");
        assert_eq!(without_blocks(text), "a\nc\n");
    }
}
