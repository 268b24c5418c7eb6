//! What a reviewer sees of a change to a file.
//!
//! The wanted side shows secrets by name. Of the side before, known secrets are replaced as well; but a file may hold
//! values that nobody here knows (an operator's own, one replaced twice). So where the wanted content holds a secret, a
//! line that goes away is shown only if its key is there again and without a secret; else the reviewer is told that
//! there is such a line.

use similar::{ChangeTag, TextDiff};

use super::{PreviewLine, Sign};
use crate::render::printable;

/// Stands for a line that is not shown.
const NOT_SHOWN: &str = "(a line that is not shown: it may hold a secret)";
/// Lines of context around a change.
const CONTEXT: usize = 3;

/// Lines of a unified diff. `before` has known secrets replaced already; `marked` says whether the wanted content holds
/// secrets.
pub(super) fn diff(before: &str, after: &str, marked: bool) -> Vec<PreviewLine> {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    for (index, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if index > 0 {
            lines.push(PreviewLine { sign: Sign::Same, text: "…".to_owned() });
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let text = change.value().trim_end_matches('\n');
            let (sign, shown) = match change.tag() {
                ChangeTag::Equal => (Sign::Same, text),
                ChangeTag::Insert => (Sign::Added, text),
                ChangeTag::Delete if marked && !may_be_shown(text, after) => (Sign::Removed, NOT_SHOWN),
                ChangeTag::Delete => (Sign::Removed, text),
            };
            lines.push(PreviewLine { sign, text: printable(shown) });
        }
    }
    lines
}

/// Whether the wanted content has the same key, and nowhere with a secret.
fn may_be_shown(line: &str, after: &str) -> bool {
    if line.trim().is_empty() {
        return true;
    }
    let key = key(line);
    let mut same = after.lines().filter(|wanted| self::key(wanted) == key).peekable();
    same.peek().is_some() && !same.any(|wanted| wanted.contains("(secret "))
}

/// What stands before `=` or `:`, or the line itself.
fn key(line: &str) -> &str {
    line.split(['=', ':']).next().unwrap_or(line).trim().trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(before: &str, after: &str) -> String {
        let line = |line: &PreviewLine| {
            let sign = match line.sign {
                Sign::Same => ' ',
                Sign::Added => '+',
                Sign::Removed => '-',
            };
            format!("{sign}{}\n", line.text)
        };
        diff(before, after, after.contains("(secret ")).iter().map(line).collect()
    }

    #[test]
    fn a_new_file_is_shown_whole() {
        assert_eq!(shown("", "a = 1\nb = \"(secret x.y.z)\"\n"), "+a = 1\n+b = \"(secret x.y.z)\"\n");
    }

    #[test]
    fn a_value_that_may_be_a_secret_is_not_shown() {
        let before = "host = \"old\"\ntoken = \"hunter2\"\nother = \"hunter3\"\n";
        let after = "host = \"new\"\ntoken = \"(secret s.a.token)\"\n";
        let text = shown(before, after);
        assert!(text.contains("-host = \"old\"\n+host = \"new\"\n") || text.contains("-host = \"old\"\n"), "{text}");
        assert!(!text.contains("hunter2") && !text.contains("hunter3"), "{text}");
        assert_eq!(text.matches(NOT_SHOWN).count(), 2, "{text}");
    }

    #[test]
    fn the_same_key_elsewhere_does_not_betray_a_secret() {
        let after = "[a]\npassword = \"(secret s.a.p)\"\n[b]\npassword = \"public\"\n";
        assert!(!shown("[a]\npassword = \"hunter2\"\n[b]\npassword = \"public\"\n", after).contains("hunter2"));
    }

    #[test]
    fn without_secrets_everything_is_shown_and_control_characters_are_escaped() {
        let text = shown("a\nb\u{1b}[31m\n", "a\nc\n");
        assert!(text.starts_with(" a\n-b") && text.ends_with("+c\n") && !text.contains('\u{1b}'), "{text}");
    }
}
