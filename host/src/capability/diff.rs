//! What a reviewer sees of a change to a file.
//!
//! The wanted side shows secrets by name. Of the side before, known secrets are replaced as well; but a file may hold
//! values that nobody here knows (an operator's own, one replaced twice). So where the wanted content holds a secret, a
//! line that goes away is shown only if its key is there again and without a secret, or if it is a wanted line but for
//! the secrets in it; else the reviewer is told that there is such a line.

use std::collections::{HashMap, HashSet};

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
    let wanted = Wanted::new(after);
    let before = wanted.in_its_words(before);
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
                ChangeTag::Delete if marked && !wanted.explains(text) => (Sign::Removed, NOT_SHOWN),
                ChangeTag::Delete => (Sign::Removed, text),
            };
            lines.push(PreviewLine { sign, text: printable(shown) });
        }
    }
    lines
}

/// What has to be known of the wanted lines, by what is asked for: files have tens of thousands of lines.
struct Wanted<'a> {
    /// Lines with a secret, without their quotes.
    unquoted: HashMap<String, &'a str>,
    /// The same without the names of secrets.
    without_secrets: HashSet<String>,
    /// Whether a key stands somewhere with a secret.
    keys: HashMap<&'a str, bool>,
}

impl<'a> Wanted<'a> {
    fn new(after: &'a str) -> Self {
        let mut wanted = Self { unquoted: HashMap::new(), without_secrets: HashSet::new(), keys: HashMap::new() };
        for line in after.split_inclusive('\n') {
            let (text, marked) = (line.trim_end_matches(['\n', '\r']), line.contains(MARK));
            *wanted.keys.entry(key(text)).or_default() |= marked;
            if marked {
                wanted.unquoted.entry(unquoted(line)).or_insert(line);
                wanted.without_secrets.insert(without_secrets(text));
            }
        }
        wanted
    }

    /// A line that differs from a wanted one in its quotes alone (a secret's own, which its name needs or does not) is the
    /// same.
    fn in_its_words(&self, before: &str) -> String {
        let same = |line: &str| self.unquoted.get(&unquoted(line)).copied();
        before
            .split_inclusive('\n')
            .map(|line| Some(line).filter(|line| line.contains(MARK)).and_then(same).unwrap_or(line))
            .collect()
    }

    /// Whether the wanted content has the same key, and nowhere with a secret; or the same line with other secrets.
    fn explains(&self, line: &str) -> bool {
        line.trim().is_empty()
            || line.contains(MARK) && self.without_secrets.contains(&without_secrets(line))
            || self.keys.get(key(line)) == Some(&false)
    }
}

fn unquoted(line: &str) -> String {
    line.replace(['"', '\''], "")
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
    unquoted(&kept)
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

    #[test]
    fn the_time_grows_with_the_lines_and_not_with_their_square() {
        const LINES: usize = 40_000;
        let text = |line: &dyn Fn(usize) -> String| (0..LINES).map(|at| line(at) + "\n").collect::<String>();
        let numbered = |word: &'static str| text(&|at| format!("{word}{at} = {at}"));
        let secrets = text(&|at| format!("key{at} = \"(secret s.a.k{at})\""));
        let quoted = text(&|at| format!("key{at} = '(secret s.a.k{at})'"));
        let reversed: String = numbered("key").lines().rev().map(|line| format!("{line}\n")).collect();
        let every_other = text(&|at| format!("key{at} = {}", at - at % 2));
        for (before, after) in [
            (numbered("old"), numbered("new")),
            (numbered("key"), secrets.clone()),
            (quoted, secrets.clone()),
            (numbered("key"), reversed),
            (numbered("key"), every_other),
        ] {
            let start = std::time::Instant::now();
            let lines = diff(&before, &after, after.contains(MARK));
            let took = start.elapsed();
            // A second where it is compiled to be fast; the quadratic one took minutes.
            assert!(took < std::time::Duration::from_secs(10), "{took:?} for {} lines", lines.len());
        }
    }
}
