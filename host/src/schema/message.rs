//! What a validator found, in plain words.

use jsonschema::{JsonType, ValidationError, error::TypeKind, error::ValidationErrorKind as Kind};
use serde_json::{Map, Value};

use super::{
    Problem,
    check::{Holes, segments},
};
use crate::{
    diagnostic::{closest, listed},
    model::{Segment, value::Tree},
    spec::name_of,
};

/// What to say about an error: one message for most, one for each unknown field.
pub(super) fn problems(error: &ValidationError<'_>, holes: &Holes<'_>, schema: &Value) -> Vec<Problem> {
    let around = Around::of(error, schema);
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            unexpected.iter().map(|name| unknown_field(error, name, &around)).collect()
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => no_branch(error, context, holes, schema),
        Kind::PropertyNames { error: inner } => {
            let name = inner.instance().as_str().unwrap_or_default().to_owned();
            let mut path = segments(error.instance_path());
            path.push(Segment::Name { name: name.clone() });
            let message = format!("a field can't be called `{name}` here");
            vec![Problem { path, message, help: Some(plain(inner).0) }]
        }
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let about = around.property(name).and_then(description).map(|about| format!("{name}: {about}"));
            vec![Problem {
                path: segments(error.instance_path()),
                message: format!("the field `{name}` is missing"),
                help: about,
            }]
        }
        Kind::Type { kind } => {
            let wanted = types(kind);
            let found = match holes.at(error.instance_path()) {
                Some(Tree::Reference(target)) => {
                    format!("`${{{}}}` is {}", name_of(target), of_value(error.instance()))
                }
                _ => format!("this is {}", of_value(error.instance())),
            };
            vec![around.problem(error, format!("{found}; expected {wanted}"), None)]
        }
        _ => {
            let (message, help) = plain(error);
            vec![around.problem(error, message, help)]
        }
    }
}

/// Errors that need nothing but themselves.
fn plain(error: &ValidationError<'_>) -> (String, Option<String>) {
    let found = error.instance();
    let message = match error.kind() {
        Kind::Enum { options } => return of_options(found, options.as_array().map_or(&[][..], Vec::as_slice)),
        Kind::Constant { expected_value } => format!("expected {}", shown(expected_value)),
        Kind::Pattern { pattern } if pattern == "^/" => format!("{} is no absolute path", shown(found)),
        Kind::Pattern { pattern } => format!("{} has not the form `{pattern}`", shown(found)),
        Kind::Format { format } => format!("{} is no {format}", shown(found)),
        Kind::Minimum { limit } => format!("{} is too small: at least {limit}", shown(found)),
        Kind::ExclusiveMinimum { limit } => format!("{} is too small: more than {limit}", shown(found)),
        Kind::Maximum { limit } => format!("{} is too large: at most {limit}", shown(found)),
        Kind::ExclusiveMaximum { limit } => format!("{} is too large: less than {limit}", shown(found)),
        Kind::MinLength { limit: 1 } => "this text is empty".to_owned(),
        Kind::MinLength { limit } => format!("this text is too short: at least {limit} characters"),
        Kind::MaxLength { limit } => format!("this text is too long: at most {limit} characters"),
        Kind::MinItems { limit: 1 } | Kind::MinProperties { limit: 1 } => "there is nothing in it".to_owned(),
        Kind::MinItems { limit } | Kind::MinProperties { limit } => format!("too few entries: at least {limit}"),
        Kind::MaxItems { limit } | Kind::MaxProperties { limit } => format!("too many entries: at most {limit}"),
        Kind::AdditionalItems { limit } => format!("too many entries: at most {limit}"),
        Kind::UniqueItems => "an entry occurs twice".to_owned(),
        Kind::FalseSchema => "nothing may stand here".to_owned(),
        Kind::OneOfMultipleValid { .. } => "this can be understood in more than one way".to_owned(),
        _ => error.masked_with("this").to_string(),
    };
    (message, None)
}

fn of_options(found: &Value, options: &[Value]) -> (String, Option<String>) {
    let names: Vec<&str> = options.iter().filter_map(Value::as_str).collect();
    let near = found.as_str().and_then(|wrong| closest(wrong, names.iter().copied()));
    let all = options.iter().map(shown).collect::<Vec<_>>().join(", ");
    (format!("{} is none of {all}", shown(found)), near.map(|near| format!("did you mean `{near}`?")))
}

fn unknown_field(error: &ValidationError<'_>, name: &str, around: &Around<'_>) -> Problem {
    let known: Vec<&str> =
        around.properties().map(|known| known.keys().map(String::as_str).collect()).unwrap_or_default();
    let mut path = segments(error.instance_path());
    path.push(Segment::Name { name: name.to_owned() });
    let help = match closest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "take it out".to_owned(),
        None => format!("there is {}", listed(known)),
    };
    Problem { path, message: format!("there is no field `{name}` here"), help: Some(help) }
}

/// None of several forms fits: the form of the right type is the one that was meant.
fn no_branch(
    error: &ValidationError<'_>,
    context: &[Vec<ValidationError<'static>>],
    holes: &Holes<'_>,
    schema: &Value,
) -> Vec<Problem> {
    let here = error.instance_path();
    let wrong_type = |branch: &&Vec<ValidationError<'static>>| {
        branch.iter().any(|inner| matches!(inner.kind(), Kind::Type { .. }) && inner.instance_path() == here)
    };
    let meant = context.iter().filter(|branch| !wrong_type(branch)).min_by_key(|branch| branch.len());
    if let Some(branch) = meant {
        let errors = branch.iter().filter(|inner| holes.concern(inner));
        return errors.flat_map(|inner| problems(inner, holes, schema)).collect();
    }
    let wanted: Vec<String> = context
        .iter()
        .flatten()
        .filter_map(|inner| match inner.kind() {
            Kind::Type { kind } => Some(types(kind)),
            _ => None,
        })
        .collect();
    let message = format!("this is {}; expected {}", of_value(error.instance()), wanted.join(" or "));
    vec![Around::of(error, schema).problem(error, message, None)]
}

/// The schema around a keyword that failed.
struct Around<'s> {
    schema: Option<&'s Map<String, Value>>,
}

impl<'s> Around<'s> {
    fn of(error: &ValidationError<'_>, schema: &'s Value) -> Self {
        let keyword = error.schema_path().as_str();
        let parent = keyword.rsplit_once('/').map(|(parent, _)| parent).unwrap_or_default();
        Self { schema: schema.pointer(parent).and_then(Value::as_object) }
    }

    fn properties(&self) -> Option<&'s Map<String, Value>> {
        self.schema?.get("properties")?.as_object()
    }

    fn property(&self, name: &str) -> Option<&'s Map<String, Value>> {
        self.properties()?.get(name)?.as_object()
    }

    /// With the field's description, when there is nothing better to say.
    fn problem(&self, error: &ValidationError<'_>, message: String, help: Option<String>) -> Problem {
        let about = || self.schema.and_then(description).map(str::to_owned);
        Problem { path: segments(error.instance_path()), message, help: help.or_else(about) }
    }
}

fn description(schema: &Map<String, Value>) -> Option<&str> {
    schema.get("description").and_then(Value::as_str)
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        other => other.to_string(),
    }
}

fn of_value(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "a whole number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => of_type(*one).to_owned(),
        TypeKind::Multiple(set) => set.iter().map(of_type).collect::<Vec<_>>().join(" or "),
    }
}

fn of_type(json_type: JsonType) -> &'static str {
    match json_type {
        JsonType::Array => "a list",
        JsonType::Boolean => "`true` or `false`",
        JsonType::Integer => "a whole number",
        JsonType::Null => "nothing",
        JsonType::Number => "a number",
        JsonType::Object => "a table",
        JsonType::String => "a text",
    }
}
