//! A file's content as data, held against the lines by which it is shown: a plan has both, and a run writes the first.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{
    secrets::Secrets,
    value::{text, tree},
};
use crate::recorders::pattern::{HOLE, matches};

/// Whether what is shown, with a gap for each secret, is what the content says.
pub fn is_shown(content: &Value, shown: &str, secrets: &Secrets) -> Result<()> {
    if let Some(parts) = content.get("text") {
        let said = text(parts, secrets)?.replace('\t', "    ");
        ensure!(said.trim_end() == shown.trim_end(), "{said:?} is shown as {shown:?}");
        return Ok(());
    }
    let document = content.get("document").context("a content that is neither text nor data")?;
    let said = tree(&document["body"], secrets)?;
    match document["format"].as_str() {
        Some("toml") => {
            // Any word fills a gap.
            let shown: toml::Table = toml::from_str(&shown.replace(HOLE, "secret")).context("no TOML is shown")?;
            let shown = serde_json::to_value(shown)?;
            ensure!(same(&said, &shown), "{said} is shown as {shown}");
        }
        Some("yaml") => {
            let lines: Vec<&str> = shown.lines().map(|line| line.trim_start_matches([' ', '-'])).collect();
            let mut scalars = Vec::new();
            each_scalar("", &said, &mut scalars);
            for (key, value) in scalars {
                let Some(value) = value else {
                    ensure!(lines.contains(&format!("{key}:").as_str()), "{key} is not shown in {shown:?}");
                    continue;
                };
                let is_it = |line: &&str| {
                    let (of, shown) =
                        if key.is_empty() { ("", *line) } else { line.split_once(": ").unwrap_or((line, "")) };
                    let shown = shown.trim_matches(['"', '\'']);
                    of == key && (shown == value || matches(&value, shown))
                };
                ensure!(lines.iter().any(is_it), "{key}: {value} is not shown in {shown:?}");
            }
        }
        other => bail!("the matcher does not know the format {other:?}: say here how it is read"),
    }
    Ok(())
}

fn same(said: &Value, shown: &Value) -> bool {
    match (said, shown) {
        (Value::Object(said), Value::Object(shown)) => {
            said.len() == shown.len()
                && said.iter().all(|(key, value)| shown.get(key).is_some_and(|is| same(value, is)))
        }
        (Value::Array(said), Value::Array(shown)) => {
            said.len() == shown.len() && said.iter().zip(shown).all(|(said, shown)| same(said, shown))
        }
        (Value::String(said), Value::String(shown)) => matches(said, shown),
        _ => said == shown,
    }
}

/// Each value with its key, and none for a key with several.
fn each_scalar(key: &str, value: &Value, found: &mut Vec<(String, Option<String>)>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| each_scalar(key, value, found)),
        Value::Array(items) => {
            found.extend((!key.is_empty()).then(|| (key.to_owned(), None)));
            items.iter().for_each(|item| each_scalar("", item, found));
        }
        Value::String(text) => found.push((key.to_owned(), Some(text.clone()))),
        other => found.push((key.to_owned(), Some(other.to_string()))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shows(content: &Value, shown: &str) -> Result<()> {
        is_shown(content, shown, &Secrets::default())
    }

    fn document(format: &str) -> Value {
        let literal = |word: &str| json!({ "text": [{ "literal": word }] });
        let table = json!([["a", { "integer": 1 }], ["b", { "items": [literal("x")] }], ["c", { "reference": "s" }]]);
        json!({ "document": { "format": format, "body": { "table": table } } })
    }

    #[test]
    fn lines_that_say_another_thing_are_found() {
        let shown = format!("a = 1\nb = [\"x\"]\nc = \"{HOLE}\"\n");
        assert!(shows(&document("toml"), &shown).is_ok());
        assert!(shows(&document("toml"), &shown.replace(HOLE, "as-it-was")).is_ok());
        for (from, to) in [("1", "2"), ("\"x\"", "\"x\", \"y\""), ("c = ", "d = ")] {
            assert!(shows(&document("toml"), &shown.replace(from, to)).is_err(), "{to}");
        }
        let shown = format!("a: 1\nb:\n- x\nc: {HOLE}\n");
        assert!(shows(&document("yaml"), &shown).is_ok());
        for (from, to) in [("- x", "- y"), ("b:", "d:"), ("1", "2")] {
            assert!(shows(&document("yaml"), &shown.replace(from, to)).is_err(), "{to}");
        }
        assert!(shows(&json!({ "text": [{ "literal": "a\n\tb\n" }] }), "a\n    b\n").is_ok());
    }
}
