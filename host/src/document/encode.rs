//! From a tree with holes to the bytes of a file.

use std::fmt;

use zeroize::Zeroizing;

use super::{env, filled::Filled, ini, yaml};
use crate::model::{
    desired::Format,
    value::{Part, Target, Text, Tree},
};

/// Why a document can't be written: where in it, and what the language can't carry. Never holds a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", Place(.path))]
pub struct Refused {
    /// Keys from the root; empty for the document as a whole.
    pub path: Vec<String>,
    /// What is wrong.
    pub problem: String,
}

struct Place<'a>(&'a [String]);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => Ok(()),
            path => write!(f, "`{}`: ", path.join(".")),
        }
    }
}

impl Refused {
    pub(super) fn new(path: &[String], problem: impl Into<String>) -> Self {
        Self { path: path.to_vec(), problem: problem.into() }
    }
}

/// A text with its holes filled.
pub fn encode_text<E: From<Refused>>(
    text: &Text,
    fill: &impl Fn(&Target) -> Result<Zeroizing<String>, E>,
) -> Result<Zeroizing<String>, E> {
    let mut filled = Zeroizing::new(String::new());
    for part in text.parts() {
        match part {
            Part::Literal(literal) => filled.push_str(literal),
            Part::Reference(target) => filled.push_str(&fill(target)?),
            Part::Address(connection) => {
                let problem = format!("the address of connection `{connection}` is only known to who reads it");
                return Err(Refused::new(&[], problem).into());
            }
        }
    }
    Ok(filled)
}

/// A document in this language, its holes filled.
///
/// # Errors
/// Whatever `fill` says, and [`Refused`] for values that the language can't carry.
pub fn encode<E: From<Refused>>(
    format: Format,
    body: &Tree,
    fill: &impl Fn(&Target) -> Result<Zeroizing<String>, E>,
) -> Result<Zeroizing<Vec<u8>>, E> {
    let filled = fill_in(format, body, fill, &mut Vec::new())?;
    let text = write(format, &filled)?;
    Ok(Zeroizing::new(text.as_bytes().to_vec()))
}

fn write(format: Format, document: &Filled) -> Result<Zeroizing<String>, Refused> {
    let refused = |error: &dyn fmt::Display| Refused::new(&[], format!("it can't be written: {error}"));
    if !matches!((format, document), (_, Filled::Table(_)) | (Format::Json | Format::Yaml, Filled::Items(_))) {
        return Err(Refused::new(&[], "a document is a table at its root (in JSON and YAML it may be a list)"));
    }
    let text = match format {
        Format::Toml => toml::to_string(document).map_err(|error| refused(&error))?,
        Format::Json => serde_json::to_string_pretty(document).map_err(|error| refused(&error))? + "\n",
        Format::Yaml => yaml::to_string(document).map_err(|error| refused(&error))?,
        Format::Ini => ini::to_string(document)?,
        Format::Env => env_file(document)?,
    };
    Ok(Zeroizing::new(text))
}

fn env_file(document: &Filled) -> Result<String, Refused> {
    let Filled::Table(entries) = document else { return Ok(String::new()) };
    let mut text = String::new();
    for (key, value) in entries {
        let path = [key.clone()];
        if !env::is_key(key) {
            return Err(Refused::new(&path, "no name of a variable: letters, digits and `_`, no digit first"));
        }
        let value = scalar(value).ok_or_else(|| Refused::new(&path, "an environment file holds scalars only"))?;
        let value = env::value(&value).map_err(|problem| Refused::new(&path, problem))?;
        text.push_str(key);
        text.push('=');
        text.push_str(&value);
        text.push('\n');
    }
    Ok(text)
}

/// A scalar as formats without types write it.
pub(super) fn scalar(value: &Filled) -> Option<Zeroizing<String>> {
    Some(match value {
        Filled::Boolean(value) => Zeroizing::new(value.to_string()),
        Filled::Integer(value) => Zeroizing::new(value.to_string()),
        Filled::Float(value) => Zeroizing::new(value.to_string()),
        Filled::Moment(value) => Zeroizing::new(value.to_string()),
        Filled::Text(value) => value.clone(),
        Filled::Items(_) | Filled::Table(_) => return None,
    })
}

fn fill_in<E: From<Refused>>(
    format: Format,
    tree: &Tree,
    fill: &impl Fn(&Target) -> Result<Zeroizing<String>, E>,
    path: &mut Vec<String>,
) -> Result<Filled, E> {
    Ok(match tree {
        Tree::Boolean(value) => Filled::Boolean(*value),
        Tree::Integer(value) => Filled::Integer(*value),
        Tree::Float(value) if format == Format::Json && !value.is_finite() => {
            return Err(Refused::new(path, "JSON has no such number").into());
        }
        Tree::Float(value) => Filled::Float(*value),
        Tree::Moment(value) if format == Format::Toml => {
            Filled::Moment(value.parse().map_err(|error| Refused::new(path, format!("no date-time ({error})")))?)
        }
        Tree::Moment(value) => Filled::Text(Zeroizing::new(value.clone())),
        Tree::Text(text) => Filled::Text(encode_text(text, fill)?),
        Tree::Reference(target) => Filled::Text(fill(target)?),
        Tree::Items(items) => {
            let mut filled = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                filled.push(within(path, index.to_string(), |path| fill_in(format, item, fill, path))?);
            }
            Filled::Items(filled)
        }
        Tree::Table(entries) => {
            let mut filled = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                let value = within(path, key.clone(), |path| fill_in(format, value, fill, path))?;
                filled.push((key.clone(), value));
            }
            Filled::Table(filled)
        }
    })
}

fn within<T>(path: &mut Vec<String>, step: String, inner: impl FnOnce(&mut Vec<String>) -> T) -> T {
    path.push(step);
    let result = inner(path);
    path.pop();
    result
}
