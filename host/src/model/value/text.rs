//! Strings with holes.

use serde::{Deserialize, Serialize};

use super::Target;

/// A string whose parts may be references. Two texts are equal when they are the same literals and targets;
/// neighbouring literals are joined on construction, so that equality is structural.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(Vec<Part>);

/// A piece of a [`Text`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The characters themselves.
    Literal(String),
    /// Filled in when a step is carried out.
    Reference(Target),
    /// The address of the connection of this name, as the consumer sees it; only in outputs.
    Address(String),
}

impl Text {
    /// Joins neighbouring literals and drops empty ones.
    pub fn new(parts: impl IntoIterator<Item = Part>) -> Self {
        let mut joined: Vec<Part> = Vec::new();
        for part in parts {
            match (joined.last_mut(), part) {
                (_, Part::Literal(more)) if more.is_empty() => {}
                (Some(Part::Literal(text)), Part::Literal(more)) => text.push_str(&more),
                (_, part) => joined.push(part),
            }
        }
        Self(joined)
    }

    /// A text without holes.
    pub fn literal(text: impl Into<String>) -> Self {
        Self::new([Part::Literal(text.into())])
    }

    /// The parts, in order.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// The whole string, if it has no holes.
    pub fn as_literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// What the text points at, if it is one reference and nothing else.
    pub fn as_reference(&self) -> Option<&Target> {
        match self.0.as_slice() {
            [Part::Reference(target)] => Some(target),
            _ => None,
        }
    }

    /// The same with values in place of holes, where `known` has one.
    pub fn with_known(&self, known: &dyn Fn(&Target) -> Option<String>) -> Self {
        Self::new(self.0.iter().map(|part| match part {
            Part::Reference(target) => known(target).map_or_else(|| part.clone(), Part::Literal),
            other => other.clone(),
        }))
    }

    /// Every target, in order, with repetitions.
    pub fn targets(&self) -> impl Iterator<Item = &Target> {
        self.0.iter().filter_map(|part| match part {
            Part::Reference(target) => Some(target),
            _ => None,
        })
    }
}
