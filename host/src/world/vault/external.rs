//! Secrets that something else has put on this machine: agenix, sops, an operator. Read only.

use anyhow::{Result, anyhow, bail};
use zeroize::Zeroizing;

use crate::document::env;

/// The secret in a file: one entry of it, or all of it less one last line break. The language of a file with entries is
/// told by its name (`.toml`, `.json`, `.yaml`), else it is an environment file (`KEY=VALUE` lines, as agenix has them)
/// or, when it is none, TOML. Errors never hold any of its text.
pub(crate) fn pick(file_name: &str, content: &[u8], key: Option<&str>) -> Result<Zeroizing<String>> {
    let text = std::str::from_utf8(content).map_err(|_| anyhow!("it is no UTF-8 text"))?;
    let Some(key) = key else {
        let text = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
        return Ok(Zeroizing::new(text.to_owned()));
    };
    entries(file_name, text)?
        .into_iter()
        .rev()
        .find(|(name, _)| name == key)
        .map(|(_, value)| value)
        .ok_or_else(|| anyhow!("it has no entry `{key}`"))
}

/// All entries of a file; those of tables inside tables are named with dots.
pub(crate) fn entries(file_name: &str, text: &str) -> Result<Vec<(String, Zeroizing<String>)>> {
    let name = file_name.strip_suffix(".age").unwrap_or(file_name);
    let tree: serde_json::Value = match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("toml") => toml_tree(text)?,
        Some("json") => serde_json::from_str(text)
            .map_err(|error| anyhow!("it is no JSON: error in line {}, column {}", error.line(), error.column()))?,
        Some("yaml" | "yml") => serde_norway::from_str(text).map_err(|error| match error.location() {
            Some(at) => anyhow!("it is no YAML: error in line {}, column {}", at.line(), at.column()),
            None => anyhow!("it is no YAML"),
        })?,
        _ => match env::parse(text) {
            Ok(entries) => return Ok(entries),
            Err(bad) => toml_tree(text).map_err(|_| {
                anyhow!("line {} can't be read: {}; nothing around it was taken for a secret", bad.line, bad.problem)
            })?,
        },
    };
    if !tree.is_object() {
        bail!("it holds no table of entries");
    }
    let mut found = Vec::new();
    flatten(&tree, String::new(), &mut found);
    Ok(found)
}

fn toml_tree(text: &str) -> Result<serde_json::Value> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
        anyhow!("it is no TOML: error in line {line}")
    })?;
    Ok(serde_json::to_value(table)?)
}

fn flatten(tree: &serde_json::Value, name: String, found: &mut Vec<(String, Zeroizing<String>)>) {
    use serde_json::Value;
    let mut leaf = |text: String| found.push((name.clone(), Zeroizing::new(text)));
    match tree {
        Value::String(text) => leaf(text.clone()),
        Value::Number(number) => leaf(number.to_string()),
        Value::Bool(value) => leaf(value.to_string()),
        Value::Null | Value::Array(_) => {}
        Value::Object(entries) => {
            for (key, value) in entries {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                flatten(value, name, found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn got(name: &str, content: &str, key: Option<&str>) -> String {
        pick(name, content.as_bytes(), key).unwrap().to_string()
    }

    fn error(name: &str, content: &str, key: Option<&str>) -> String {
        pick(name, content.as_bytes(), key).unwrap_err().to_string()
    }

    #[test]
    fn a_whole_file_loses_one_line_break() {
        assert_eq!(got("x", "abc\n", None), "abc");
        assert_eq!(got("x", "abc\r\n", None), "abc");
        assert_eq!(got("x", "abc\n\n", None), "abc\n");
        assert_eq!(got("x", " a=b ", None), " a=b ");
    }

    #[test]
    fn entries_of_each_language_are_found() {
        assert_eq!(got("mediamanager-env", "# agenix\nTOKEN_SECRET=ab$c\n", Some("TOKEN_SECRET")), "ab$c");
        assert_eq!(got("x.env.age", "A=1\nA=2\n", Some("A")), "2");
        assert_eq!(got("x.toml", "[a]\nb = \"c\\\"d\"\n", Some("a.b")), "c\"d");
        assert_eq!(got("x", "token = \"c d\"\n", Some("token")), "c d");
        assert_eq!(got("x.json", r#"{"a": {"b": 5}}"#, Some("a.b")), "5");
        assert_eq!(got("x.yaml", "a:\n  b: 'yes'\n", Some("a.b")), "yes");
    }

    #[test]
    fn noise_is_an_error_that_tells_nothing_of_the_text() {
        let said = error("env", "warning: insecure\nTOKEN_SECRET=hunter2\n", Some("TOKEN_SECRET"));
        assert!(said.starts_with("line 1 can't be read") && !said.contains("hunter2"), "{said}");
        for (name, content) in [("x.toml", "a = hunter2 hunter2"), ("x.json", "{hunter2"), ("x.yaml", "a: [hunter2")] {
            let said = error(name, content, Some("a"));
            assert!(said.contains("error in line") && !said.contains("hunter2"), "{said}");
        }
        assert_eq!(error("env", "A=1\n", Some("B")), "it has no entry `B`");
    }
}
