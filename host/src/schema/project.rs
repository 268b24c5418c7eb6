//! Trees as JSON, for a validator. Where a tree has a hole, a value of the type that the hole promises stands in.

use serde_json::{Map, Number, Value};

use crate::model::value::{Part, Target, Text, Tree, ValueType};

/// The type of what a target stands for; none when nobody knows.
pub type Types<'t> = dyn Fn(&Target) -> Option<ValueType> + 't;

/// The JSON that a validator sees.
pub fn json(tree: &Tree, types: &Types<'_>) -> Value {
    match tree {
        Tree::Boolean(value) => Value::Bool(*value),
        Tree::Integer(value) => Value::Number((*value).into()),
        // Infinities and NaN are TOML and not JSON; no schema wants them.
        Tree::Float(value) => Number::from_f64(*value).map_or(Value::Null, Value::Number),
        Tree::Moment(value) => Value::String(value.clone()),
        Tree::Text(text) => Value::String(string(text)),
        Tree::Items(items) => items.iter().map(|item| json(item, types)).collect(),
        Tree::Table(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (key.clone(), json(value, types))).collect())
        }
        Tree::Reference(target) => match types(target) {
            Some(ValueType::Integer) => Value::Number(1.into()),
            Some(ValueType::Boolean) => Value::Bool(false),
            Some(ValueType::Items) => Value::Array(Vec::new()),
            Some(ValueType::Table) => Value::Object(Map::new()),
            Some(ValueType::Text) | None => Value::String(STAND_IN.to_owned()),
        },
    }
}

const STAND_IN: &str = "x";

fn string(text: &Text) -> String {
    let part = |part: &Part| match part {
        Part::Literal(literal) => literal.clone(),
        _ => STAND_IN.to_owned(),
    };
    text.parts().iter().map(part).collect()
}

/// Whether a value has a hole itself, not counting those deeper inside.
pub fn is_hole(tree: &Tree) -> bool {
    match tree {
        Tree::Reference(_) => true,
        Tree::Text(text) => text.as_literal().is_none(),
        _ => false,
    }
}
