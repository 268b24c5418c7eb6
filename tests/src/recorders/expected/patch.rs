//! A file as it is after what a reviewer is shown of a change, line by line.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::secrets::Secrets;
use crate::recorders::pattern::{matches, of_shown};

/// Stands for lines that stay and are not shown.
const LEFT_OUT: &str = "…";
/// Stands for one that goes away and is not shown.
const HIDDEN: &str = "(a line that is not shown: it may hold a secret)";

/// A text with the lines of a preview carried out. Lines that are shown follow each other in the text, but where some
/// are left out.
pub fn patched(before: &str, shown: &[Value], secrets: &Secrets) -> Result<String> {
    let shown: Vec<Line<'_>> = shown.iter().map(|line| Line::read(line, secrets)).collect::<Result<_>>()?;
    let before: Vec<&str> = before.lines().collect();
    let (mut after, mut rest): (Vec<String>, &[&str]) = (Vec::new(), &before);
    for hunk in shown.split(|line| line.sign == "same" && line.pattern == LEFT_OUT) {
        let there: Vec<&Line<'_>> = hunk.iter().filter(|line| line.sign != "added").collect();
        let fits = |lines: &[&str]| lines.iter().zip(&there).all(|(line, shown)| shown.is(line));
        let at = (0..=rest.len()).find(|at| rest.len() - at >= there.len() && fits(&rest[*at..]));
        let at = at.with_context(|| format!("the file has no such lines as the preview shows: {hunk:?}"))?;
        after.extend(rest[..at].iter().map(|line| (*line).to_owned()));
        let mut lines = rest[at..].iter();
        for line in hunk {
            match line.sign {
                "added" => after.push(line.pattern.clone()),
                "same" => after.extend(lines.next().map(|line| (*line).to_owned())),
                _ => drop(lines.next()),
            }
        }
        rest = lines.as_slice();
    }
    after.extend(rest.iter().map(|line| (*line).to_owned()));
    Ok(after.iter().map(|line| format!("{line}\n")).collect())
}

/// A line of a preview.
#[derive(Debug)]
struct Line<'a> {
    sign: &'a str,
    pattern: String,
}

impl<'a> Line<'a> {
    fn read(line: &'a Value, secrets: &Secrets) -> Result<Self> {
        let text = line["text"].as_str().context("a line without a text")?;
        let sign = line["sign"].as_str().context("a line without a sign")?;
        ensure!(["added", "removed", "same"].contains(&sign), "a line with the sign {sign}");
        Ok(Self { sign, pattern: of_shown(text, |name| secrets.named(name)) })
    }

    /// Whether it shows this one of the file.
    fn is(&self, line: &str) -> bool {
        let hidden = self.sign == "removed" && self.pattern == HIDDEN;
        hidden || self.pattern == line || matches(&self.pattern, line)
    }
}

/// A file's text with the lines between two markers changed; a block without any goes to the end.
pub fn block_patched(before: &str, open: &str, close: &str, shown: &[Value], secrets: &Secrets) -> Result<String> {
    let (head, body, tail) = match parts(before, open, close) {
        Some(parts) => parts,
        None => (before, "", ""),
    };
    Ok(format!("{head}{open}\n{}{close}\n{tail}", patched(body, shown, secrets)?))
}

/// A file's text without the block between two markers.
pub fn without_block(before: &str, open: &str, close: &str) -> String {
    parts(before, open, close).map_or(before.to_owned(), |(head, _, tail)| format!("{head}{tail}"))
}

/// The lines between two markers.
pub fn block<'t>(text: &'t str, open: &str, close: &str) -> Option<&'t str> {
    parts(text, open, close).map(|(_, body, _)| body)
}

fn parts<'t>(text: &'t str, open: &str, close: &str) -> Option<(&'t str, &'t str, &'t str)> {
    let (head, rest) = text.split_once(&format!("{open}\n"))?;
    let (body, tail) = rest.split_once(&format!("{close}\n"))?;
    Some((head, body, tail))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn none() -> Secrets {
        Secrets::default()
    }

    fn shown(lines: &[(&str, &str)]) -> Vec<Value> {
        lines.iter().map(|(sign, text)| json!({ "sign": sign, "text": text })).collect()
    }

    #[test]
    fn what_is_shown_is_what_changes() -> Result<()> {
        let before = "a\nb\nc = secret\nd\ne\nf\n";
        let lines = shown(&[
            ("same", "b"),
            ("removed", "c = (secret x)"),
            ("added", "c = (secret y)"),
            ("same", "…"),
            ("removed", "e"),
        ]);
        let after = patched(before, &lines, &none())?;
        assert!(matches(&after, "a\nb\nc = other\nd\nf\n"), "{after:?}");
        assert!(!matches(&after, "a\nb\nc = other\nd\ne\nf\n"));
        assert!(patched(before, &shown(&[("same", "b"), ("same", "d")]), &none()).is_err(), "c is passed over");
        Ok(())
    }

    #[test]
    fn a_block_is_changed_where_it_stands() -> Result<()> {
        let added = shown(&[("added", "x")]);
        let once = block_patched("a\n", "# >>>", "# <<<", &added, &none())?;
        assert_eq!(once, "a\n# >>>\nx\n# <<<\n");
        let twice = block_patched(
            "# >>>\ny\n# <<<\na\n",
            "# >>>",
            "# <<<",
            &shown(&[("removed", "y"), ("added", "x")]),
            &none(),
        )?;
        assert_eq!(twice, "# >>>\nx\n# <<<\na\n");
        assert_eq!(without_block(&once, "# >>>", "# <<<"), "a\n");
        Ok(())
    }
}
