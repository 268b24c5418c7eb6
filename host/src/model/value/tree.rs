//! Tables, lists and scalars with holes: a section of the spec, a document, the body of a request.

use serde::{Deserialize, Serialize};

use super::{Part, Target, Text};

/// A value as TOML, JSON or YAML have it, where strings may have holes. Tables keep the order of the user's file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Tree {
    Boolean(bool),
    Integer(i64),
    Float(f64),
    /// A TOML date-time, RFC 3339.
    Moment(String),
    Text(Text),
    Items(Vec<Tree>),
    Table(Vec<(String, Tree)>),
    /// Nothing but one reference: it takes the type of what it points at.
    Reference(Target),
}

/// Types that outputs and references have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum ValueType {
    Text,
    Integer,
    Boolean,
    Items,
    Table,
}

impl Tree {
    /// JSON whose strings are themselves; none for null, which TOML has not.
    pub fn from_plain_json(value: &serde_json::Value) -> Option<Self> {
        use serde_json::Value;
        Some(match value {
            Value::Null => return None,
            Value::Bool(value) => Tree::Boolean(*value),
            Value::Number(number) => match number.as_i64() {
                Some(integer) => Tree::Integer(integer),
                None => Tree::Float(number.as_f64()?),
            },
            Value::String(text) => Tree::literal(text.clone()),
            Value::Array(items) => Tree::Items(items.iter().filter_map(Self::from_plain_json).collect()),
            Value::Object(members) => {
                let member = |(key, value): (&String, &Value)| Some((key.clone(), Self::from_plain_json(value)?));
                Tree::Table(members.iter().filter_map(member).collect())
            }
        })
    }

    /// The same as JSON; null for a reference and for a text with holes.
    pub fn to_plain_json(&self) -> serde_json::Value {
        match self {
            Tree::Boolean(value) => (*value).into(),
            Tree::Integer(value) => (*value).into(),
            Tree::Float(value) => (*value).into(),
            Tree::Moment(value) => value.as_str().into(),
            Tree::Text(text) => text.as_literal().into(),
            Tree::Items(items) => items.iter().map(Self::to_plain_json).collect(),
            Tree::Table(entries) => entries.iter().map(|(key, value)| (key.clone(), value.to_plain_json())).collect(),
            Tree::Reference(_) => serde_json::Value::Null,
        }
    }

    /// A string without holes.
    pub fn literal(text: impl Into<String>) -> Self {
        Tree::Text(Text::literal(text))
    }

    /// The member of a table.
    pub fn get(&self, key: &str) -> Option<&Tree> {
        match self {
            Tree::Table(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The string, if it is one without holes.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Tree::Text(text) => text.as_literal(),
            _ => None,
        }
    }

    /// A scalar as a text: numbers and booleans in the way TOML writes them; none for lists and tables.
    pub fn to_text(&self) -> Option<Text> {
        match self {
            Tree::Boolean(value) => Some(Text::literal(value.to_string())),
            Tree::Integer(value) => Some(Text::literal(value.to_string())),
            Tree::Float(value) => Some(Text::literal(value.to_string())),
            Tree::Moment(value) => Some(Text::literal(value.clone())),
            Tree::Text(text) => Some(text.clone()),
            Tree::Reference(target) => Some(Text::new([Part::Reference(target.clone())])),
            Tree::Items(_) | Tree::Table(_) => None,
        }
    }

    /// The same with values in place of holes, where `known` has one.
    pub fn with_known(&self, known: &dyn Fn(&Target) -> Option<String>) -> Self {
        match self {
            Tree::Text(text) => Tree::Text(text.with_known(known)),
            Tree::Reference(target) => known(target).map_or_else(|| self.clone(), Tree::literal),
            Tree::Items(items) => Tree::Items(items.iter().map(|item| item.with_known(known)).collect()),
            Tree::Table(entries) => {
                Tree::Table(entries.iter().map(|(key, value)| (key.clone(), value.with_known(known))).collect())
            }
            scalar => scalar.clone(),
        }
    }

    /// Every string in it that has no holes.
    pub fn literals(&self) -> Vec<&str> {
        match self {
            Tree::Text(text) => text.as_literal().into_iter().collect(),
            Tree::Items(items) => items.iter().flat_map(Tree::literals).collect(),
            Tree::Table(entries) => entries.iter().flat_map(|(_, value)| value.literals()).collect(),
            Tree::Boolean(_) | Tree::Integer(_) | Tree::Float(_) | Tree::Moment(_) | Tree::Reference(_) => Vec::new(),
        }
    }

    /// Every target in it, in order, with repetitions.
    pub fn targets(&self) -> Vec<&Target> {
        let mut found = Vec::new();
        self.collect_targets(&mut found);
        found
    }

    fn collect_targets<'a>(&'a self, found: &mut Vec<&'a Target>) {
        match self {
            Tree::Text(text) => found.extend(text.targets()),
            Tree::Reference(target) => found.push(target),
            Tree::Items(items) => items.iter().for_each(|item| item.collect_targets(found)),
            Tree::Table(entries) => entries.iter().for_each(|(_, value)| value.collect_targets(found)),
            Tree::Boolean(_) | Tree::Integer(_) | Tree::Float(_) | Tree::Moment(_) => {}
        }
    }
}
