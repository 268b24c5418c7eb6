//! Every value arrives unchanged or is refused.

use proptest::prelude::*;
use zeroize::Zeroizing;

use super::*;
use crate::model::{
    desired::Format,
    value::{Part, Text, Tree},
};

fn secret(name: &str) -> Target {
    Target::Made("secret.app".parse().unwrap(), name.to_owned())
}

/// A document with one secret leaf, alone and inside a text, filled with `value`.
fn written(format: Format, value: &str) -> Result<String, Refused> {
    let leaf = Tree::Reference(secret("token"));
    let inside = Tree::Text(Text::new([Part::Literal("x".to_owned()), Part::Reference(secret("token"))]));
    let table = Tree::Table(vec![("token".to_owned(), leaf), ("inside".to_owned(), inside)]);
    let body = match format {
        Format::Env => table,
        _ => Tree::Table(vec![("auth".to_owned(), table), ("enabled".to_owned(), Tree::Boolean(true))]),
    };
    let body = match format {
        Format::Ini => Tree::Table(vec![("auth".to_owned(), body.get("auth").unwrap().clone())]),
        _ => body,
    };
    let bytes = encode(format, &body, &|_| Ok::<_, Refused>(Zeroizing::new(value.to_owned())))?;
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

/// What a reader of the language finds in it.
fn read(format: Format, text: &str) -> (String, String) {
    let json = match format {
        Format::Toml => serde_json::to_value(toml::from_str::<toml::Value>(text).unwrap()).unwrap(),
        Format::Json => serde_json::from_str(text).unwrap(),
        Format::Yaml => serde_norway::from_str(text).unwrap(),
        Format::Env => {
            let all = env::parse(text).unwrap();
            return (all[0].1.to_string(), all[1].1.to_string());
        }
        Format::Ini => {
            let options = ::ini::ParseOption { enabled_quote: false, enabled_escape: false, ..Default::default() };
            let file = ::ini::Ini::load_from_str_opt(text, options).unwrap();
            let section = file.section(Some("auth")).unwrap();
            return (section.get("token").unwrap().to_owned(), section.get("inside").unwrap().to_owned());
        }
    };
    let leaf = |name: &str| json["auth"][name].as_str().unwrap().to_owned();
    (leaf("token"), leaf("inside"))
}

proptest! {
    #[test]
    fn every_language_keeps_or_refuses(
        value in r#"([ -~]|['"\\$`%{}\n\r\t#;:= \-?é漢😀\x7f]|\{\{ x \}\}|[\x00-\x1f]){0,16}"#,
    ) {
        for format in [Format::Toml, Format::Yaml, Format::Json, Format::Ini, Format::Env] {
            match written(format, &value) {
                Ok(text) => prop_assert_eq!(read(format, &text), (value.clone(), format!("x{value}")), "{:?}: {}", format, text),
                Err(refused) => {
                    prop_assert!(matches!(format, Format::Ini | Format::Env), "{:?}: {}", format, refused);
                    prop_assert!(value.len() < 3 || !refused.to_string().contains(&value));
                }
            }
        }
    }
}

#[test]
fn what_yaml_1_1_takes_for_something_else_is_quoted() {
    for value in ["yes", "On", "n", "null", "~", "12:30", "0o17", "017", "1_000", "1e3", ".5", "2026-11-24", "<<", "="]
    {
        let text = written(Format::Yaml, value).unwrap();
        assert!(text.contains(&format!("token: \"{value}\"\n")), "{text}");
        assert_eq!(read(Format::Yaml, &text).0, value);
    }
    let text = written(Format::Yaml, "stackrun-quoted-0q").unwrap();
    assert_eq!(read(Format::Yaml, &text).0, "stackrun-quoted-0q");
}

#[test]
fn ini_and_env_refuse_what_their_readers_would_change() {
    for value in ["50%", "a\"b", "a\\b", "$x", "a;b", "a #b", "#b", " a", "two\nlines"] {
        let refused = written(Format::Ini, value).unwrap_err();
        assert_eq!(refused.path, ["auth", "token"]);
    }
    assert!(written(Format::Env, "two\nlines").unwrap_err().to_string().starts_with("`token`: "));
    assert_eq!(written(Format::Ini, "plain").unwrap(), "[auth]\ntoken = plain\ninside = xplain\n");
    assert_eq!(written(Format::Ini, "egg:a#b").unwrap(), "[auth]\ntoken = egg:a#b\ninside = xegg:a#b\n");
}

#[test]
fn toml_has_scalars_before_tables_and_keeps_types() {
    let body = Tree::Table(vec![
        ("auth".to_owned(), Tree::Table(vec![("lifetime".to_owned(), Tree::Integer(3600))])),
        ("hosts".to_owned(), Tree::Items(vec![Tree::literal("a"), Tree::literal("b")])),
        ("since".to_owned(), Tree::Moment("2026-11-24T10:00:00Z".to_owned())),
        ("libraries".to_owned(), Tree::Items(vec![Tree::Table(vec![("name".to_owned(), Tree::literal("TV"))])])),
    ]);
    let bytes = encode(Format::Toml, &body, &|_| Ok::<_, Refused>(Zeroizing::new(String::new()))).unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let back: toml::Table = text.parse().unwrap();
    assert_eq!(back["auth"]["lifetime"].as_integer(), Some(3600), "{text}");
    assert_eq!(back["hosts"].as_array().map(Vec::len), Some(2), "{text}");
    assert!(back["since"].is_datetime(), "{text}");
    assert_eq!(back["libraries"][0]["name"].as_str(), Some("TV"), "{text}");
}

#[test]
fn a_reviewer_sees_names_instead_of_secrets() {
    let body = Tree::Table(vec![("token".to_owned(), Tree::Reference(secret("token")))]);
    let content = Content::Document { format: Format::Toml, body };
    let shown = mask(&content, &|target| format!("(secret {target})")).unwrap();
    assert_eq!(shown, "token = \"(secret secret.app.token)\"\n");
}
