//! What a reviewer sees of a change to a file.
//!
//! The wanted side shows secrets by name. Of the side before, known secrets are replaced as well; but a file may hold
//! values that nobody here knows (an operator's own, one replaced twice). So where the wanted content holds a secret, a
//! line that goes away is shown only if its key is there again and without a secret, or if it is a wanted line but for
//! the secrets in it; else the reviewer is told that there is such a line.

use similar::{ChangeTag, TextDiff};

use super::{PreviewLine, Sign};
use crate::words::printable;

/// Stands for a line that is not shown.
const NOT_SHOWN: &str = "(a line that is not shown: it may hold a secret)";
/// How the name of a secret begins that stands in its place.
const MARK: &str = "(secret ";
/// Lines of context around a change.
const CONTEXT: usize = 3;

/// Lines of a unified diff. `before` has known secrets replaced already; `marked` says whether the wanted content holds
/// secrets.
pub(crate) fn diff(before: &str, after: &str, marked: bool) -> Vec<PreviewLine> {
    let before = as_wanted(before, after);
    let diff = TextDiff::from_lines(before.as_str(), after);
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

/// A line that differs from a wanted one in its quotes alone (a secret's own, which its name needs or does not) is the same.
fn as_wanted(before: &str, after: &str) -> String {
    let unquoted = |line: &str| line.replace(['"', '\''], "");
    let same = |line: &&str, wanted: &&str| line.contains(MARK) && unquoted(line) == unquoted(wanted);
    let lines = before.split_inclusive('\n');
    lines.map(|line| after.split_inclusive('\n').find(|wanted| same(&line, wanted)).unwrap_or(line)).collect()
}

/// Whether the wanted content has the same key, and nowhere with a secret; or the same line with other secrets.
fn may_be_shown(line: &str, after: &str) -> bool {
    if line.trim().is_empty() {
        return true;
    }
    if line.contains(MARK) && after.lines().any(|wanted| without_secrets(wanted) == without_secrets(line)) {
        return true;
    }
    let key = key(line);
    let mut same = after.lines().filter(|wanted| self::key(wanted) == key).peekable();
    same.peek().is_some() && !same.any(|wanted| wanted.contains(MARK))
}

/// What a line is but for the names of secrets and the quotes around them.
fn without_secrets(line: &str) -> String {
    let mut rest = line;
    let mut kept = String::new();
    while let Some((before, after)) = rest.split_once(MARK) {
        kept.push_str(before);
        kept.push_str(MARK);
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    kept.replace(['"', '\''], "")
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
    fn a_line_that_is_explained_by_known_secrets_is_shown() {
        let after = "A='(secret s.a.p)'\nB=\"x (secret s.a.q)\"\n";
        assert_eq!(shown("A=(secret s.a.p)\nB=\"x (secret s.a.q)\"\n", after), "");
        let text = shown("A=(secret s.a.p, the one before)\nB=\"x (secret s.a.q)\"\n", after);
        assert!(text.contains("-A=(secret s.a.p, the one before)\n+A='(secret s.a.p)'"), "{text}");
        let text = shown("A=(secret s.a.p)hunter2\n", after);
        assert!(!text.contains("hunter2"), "{text}");
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
