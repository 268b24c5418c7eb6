//! The application's configuration file: what the section says, over what the contract always writes, in the shape that
//! the format has.

use stackrun_plugin::{Section, Value, files::Format};

use crate::app::App;

/// A configuration file.
pub struct Document {
    /// Where the application reads it.
    pub path: String,
    pub format: Format,
    pub body: Value,
    pub mode: u32,
    /// Whom it belongs to; none where the application changes that by itself.
    pub owner: Owner,
}

/// Whose a configuration file is.
pub enum Owner {
    /// The application's start gives it to somebody: not drift.
    Any,
    /// The user that it runs as.
    Of(u32, u32),
    /// Whoever stackrun runs as.
    Ours,
}

const MODE: u32 = 0o600;

/// The document of a section; none when it has no `config`. The error is a sentence for the place of `config`.
pub fn of(section: &Section<'_>, app: &App<'_>) -> Result<Option<Document>, String> {
    let Some(config) = section.at("config").to_value() else { return Ok(None) };
    let facts = app.contract().map(|contract| contract.at("config"));
    let fact = |key: &str| facts.as_ref().and_then(|facts| facts.string(key));
    let (Some(path), Some(format)) = (
        section.string("config_path").or_else(|| fact("path")),
        section.string("config_format").or_else(|| fact("format")).and_then(|name| crate::app::format(&name)),
    ) else {
        return Err("nothing says where the application reads its configuration, and in which format".to_owned());
    };
    let fixed = facts.as_ref().and_then(|facts| facts.at("fixed").to_value());
    let joined = match format {
        Format::Ini => sections(config, fact("section").as_deref())?,
        Format::Env => Value::Table(flat(config, "", &separator(app), &prefix(app))),
        _ => config,
    };
    let owner = match (fact("owner").as_deref(), app.user()) {
        (Some("any"), _) => Owner::Any,
        (Some("run"), Some((uid, gid))) => Owner::Of(uid, gid),
        _ => Owner::Ours,
    };
    Ok(Some(Document {
        path,
        format,
        body: fixed.map_or(joined.clone(), |fixed| over(fixed, joined)),
        mode: fact("mode").and_then(|mode| crate::amount::mode(&mode)).unwrap_or(MODE),
        owner,
    }))
}

fn separator(app: &App<'_>) -> String {
    app.contract().and_then(|contract| contract.at("environment").string("separator")).unwrap_or_else(|| "_".to_owned())
}

fn prefix(app: &App<'_>) -> String {
    app.contract().and_then(|contract| contract.at("environment").string("prefix")).unwrap_or_default()
}

/// One table over another: where both have a table, member by member.
fn over(below: Value, above: Value) -> Value {
    match (unraw(below), above) {
        (Value::Table(mut below), Value::Table(above)) => {
            for (key, value) in above {
                match below.iter_mut().find(|(name, _)| *name == key) {
                    Some((_, there)) => *there = over(std::mem::replace(there, Value::Boolean(false)), value),
                    None => below.push((key, value)),
                }
            }
            Value::Table(below.into_iter().map(|(key, value)| (key, unraw(value))).collect())
        }
        (_, above) => above,
    }
}

/// `{ raw = "…" }` in a contract stands for the text.
fn unraw(value: Value) -> Value {
    match value {
        Value::Table(mut entries) if entries.len() == 1 && entries[0].0 == "raw" => entries.remove(0).1,
        Value::Table(entries) => Value::Table(entries.into_iter().map(|(key, value)| (key, unraw(value))).collect()),
        other => other,
    }
}

/// INI has sections of scalars: nested tables are joined by dots, and all of it goes to the section that the contract
/// names. Without such a section the outer tables are sections themselves.
fn sections(config: Value, section: Option<&str>) -> Result<Value, String> {
    if let Some(section) = section {
        return Ok(Value::table([(section, Value::Table(flat(config, "", ".", "")))]));
    }
    let Value::Table(entries) = config else { return Ok(config) };
    let section = |(name, value): (String, Value)| match value {
        table @ Value::Table(_) => Ok((name, Value::Table(flat(table, "", ".", "")))),
        _ => Err(format!("`{name}` stands in no section: an INI file has tables of values")),
    };
    entries.into_iter().map(section).collect::<Result<_, _>>().map(Value::Table)
}

/// The leaves of nested tables, with their keys joined.
fn flat(value: Value, path: &str, separator: &str, prefix: &str) -> Vec<(String, Value)> {
    let Value::Table(entries) = value else { return vec![(format!("{prefix}{path}"), value)] };
    let deeper = |(key, value): (String, Value)| {
        let path = if path.is_empty() { key } else { format!("{path}{separator}{key}") };
        flat(value, &path, separator, prefix)
    };
    entries.into_iter().flat_map(deeper).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested() -> Value {
        Value::table([
            ("a", Value::table([("b", Value::table([("c", Value::from(1))])), ("d", Value::from("x"))])),
            ("e", Value::from(true)),
        ])
    }

    fn keys(value: &Value) -> Vec<&str> {
        match value {
            Value::Table(entries) => entries.iter().map(|(key, _)| key.as_str()).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn ini_keys_are_joined_and_put_into_the_section() {
        let ini = sections(nested(), Some("app:main")).unwrap();
        assert_eq!(keys(&ini), ["app:main"]);
        assert_eq!(keys(ini.get("app:main").unwrap()), ["a.b.c", "a.d", "e"]);
        assert!(sections(nested(), None).unwrap_err().contains("`e` stands in no section"));
    }

    #[test]
    fn environment_keys_have_their_prefix() {
        let env = Value::Table(flat(nested(), "", "__", "APP_"));
        assert_eq!(keys(&env), ["APP_a__b__c", "APP_a__d", "APP_e"]);
    }

    #[test]
    fn the_spec_wins_over_what_is_always_written() {
        let fixed = Value::table([("s", Value::table([("k", Value::from(1)), ("l", Value::from(2))]))]);
        let merged = over(fixed, Value::table([("s", Value::table([("k", Value::from(3)), ("m", Value::from(4))]))]));
        let section = merged.get("s").unwrap();
        assert_eq!(keys(section), ["k", "l", "m"]);
        assert!(matches!(section.get("k"), Some(Value::Integer(3))));
    }

    #[test]
    fn raw_stands_for_the_text() {
        let fixed = Value::table([("port", Value::table([("raw", Value::from("%(http_port)s"))]))]);
        let merged = over(fixed, Value::table([("other", Value::from(1))]));
        assert!(matches!(merged.get("port"), Some(Value::Text(_))));
    }
}
