//! Holds a tree against a JSON Schema and says what is wrong in plain words, all of it at once.

use std::sync::OnceLock;

use jsonschema::{
    ValidationError, Validator,
    error::ValidationErrorKind as Kind,
    paths::{Location, LocationSegment},
};
use serde_json::Value;

use super::{
    message,
    project::{self, Types, is_hole},
};
use crate::model::{Segment, value::Tree};

/// A schema, compiled when it is first used.
#[derive(Debug)]
pub struct Checker {
    schema: Value,
    validator: OnceLock<Result<Validator, String>>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where in the tree.
    pub path: Vec<Segment>,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Checker {
    /// Of a JSON Schema, draft 2020-12.
    pub fn new(schema: Value) -> Self {
        Self { schema, validator: OnceLock::new() }
    }

    /// The schema itself.
    pub fn schema(&self) -> &Value {
        &self.schema
    }

    /// All that is wrong with a tree. A hole may stand wherever its type may; more can't be said of it before its value
    /// is known.
    pub fn check(&self, tree: &Tree, types: &Types<'_>) -> Vec<Problem> {
        let validator = self.validator.get_or_init(|| {
            let options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012);
            options.build(&self.schema).map_err(|error| error.to_string())
        });
        let validator = match validator {
            Ok(validator) => validator,
            Err(error) => {
                let message = format!("the schema of this section is no JSON Schema: {error}");
                return vec![Problem {
                    path: Vec::new(),
                    message,
                    help: Some("this is a mistake of its plugin".into()),
                }];
            }
        };
        let json = project::json(tree, types);
        if validator.is_valid(&json) {
            return Vec::new();
        }
        let holes = Holes { tree, types };
        let errors = validator.iter_errors(&json).filter(|error| holes.concern(error));
        let mut problems: Vec<Problem> = Vec::new();
        for error in errors {
            for problem in message::problems(&error, &holes, &self.schema) {
                if !problems.contains(&problem) {
                    problems.push(problem);
                }
            }
        }
        problems
    }
}

/// Knows where the holes of a tree are.
pub(super) struct Holes<'a> {
    tree: &'a Tree,
    types: &'a Types<'a>,
}

impl Holes<'_> {
    /// Whether an error is about what stands in the tree, and not about what stands in for a hole.
    pub(super) fn concern(&self, error: &ValidationError<'_>) -> bool {
        let here = self.at(error.instance_path());
        match error.kind() {
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                !context.iter().any(|branch| branch.iter().all(|error| !self.concern(error)))
            }
            Kind::OneOfMultipleValid { .. } | Kind::Contains | Kind::UniqueItems | Kind::Not { .. } => {
                here.is_some_and(|tree| tree.targets().is_empty())
            }
            // Types are promised, values are not.
            Kind::Type { .. } => match here {
                Some(Tree::Reference(target)) => (self.types)(target).is_some(),
                _ => true,
            },
            _ => !here.is_some_and(is_hole),
        }
    }

    /// The node that a validator's path leads to.
    pub(super) fn at(&self, path: &Location) -> Option<&Tree> {
        let mut here = self.tree;
        for segment in path.iter() {
            here = match (segment, here) {
                (LocationSegment::Property(key), table @ Tree::Table(_)) => table.get(&key)?,
                (LocationSegment::Index(index), Tree::Items(items)) => items.get(index)?,
                _ => return None,
            };
        }
        Some(here)
    }
}

/// A validator's path as ours.
pub(super) fn segments(path: &Location) -> Vec<Segment> {
    let segment = |segment: LocationSegment<'_>| match segment {
        LocationSegment::Property(key) => Segment::Key(key.to_string()),
        LocationSegment::Index(index) => Segment::Index(index),
    };
    path.iter().map(segment).collect()
}
