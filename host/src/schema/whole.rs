//! The JSON Schema of a whole spec, for editors.

use serde_json::{Map, Value, json};

use super::Catalog;
use crate::model::CONTRACT;

impl Catalog {
    /// A schema (draft 2020-12) of spec files with instances of every kind in the catalog. Where a field is no plain
    /// text, a reference may stand in its place.
    pub fn whole(&self) -> Value {
        let mut defs = Map::new();
        let mut properties = Map::new();
        defs.insert("reference".to_owned(), json!({ "type": "string", "pattern": "\\$\\{[^}]+\\}" }));
        properties.insert("stack".to_owned(), stack());
        for description in self.descriptions() {
            let kind = &description.kind;
            let mut section = description.section_schema.clone();
            absolute(&mut section, kind);
            open(&mut section);
            if let Value::Object(keywords) = &mut section {
                keywords.shift_remove(CONTRACT);
            }
            defs.insert(kind.clone(), section);
            let instances = json!({
                "type": "object",
                "description": description.about,
                "propertyNames": { "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$" },
                "additionalProperties": { "$ref": format!("#/$defs/{kind}") },
            });
            properties.insert(kind.clone(), instances);
        }
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "A spec of stackrun",
            "type": "object",
            "required": ["stack"],
            "additionalProperties": false,
            "properties": properties,
            "$defs": defs,
        })
    }
}

fn stack() -> Value {
    json!({
        "type": "object",
        "description": "The stack",
        "required": ["name"],
        "additionalProperties": false,
        "properties": {
            "name": {
                "type": "string",
                "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$",
                "description": "What the stack is called: in labels, marker lines and the name of its state file",
            },
        },
    })
}

/// A section's schema moves from the root to `$defs/KIND`, and so do the places that it points at.
fn absolute(schema: &mut Value, kind: &str) {
    match schema {
        Value::Object(members) => {
            for (key, member) in members.iter_mut() {
                match member {
                    Value::String(target) if key == "$ref" => {
                        if let Some(path) = target.strip_prefix('#') {
                            *target = format!("#/$defs/{kind}{path}");
                        }
                    }
                    member => absolute(member, kind),
                }
            }
            members.remove("$schema");
            members.remove("$id");
        }
        Value::Array(items) => items.iter_mut().for_each(|item| absolute(item, kind)),
        _ => {}
    }
}

/// Lets a reference stand for the value of every field and item, however deep.
fn open(schema: &mut Value) {
    let Value::Object(members) = schema else { return };
    for (key, member) in members.iter_mut() {
        match (key.as_str(), member) {
            ("properties" | "patternProperties", Value::Object(fields)) => fields.values_mut().for_each(or_reference),
            ("items" | "additionalProperties", field) => or_reference(field),
            ("prefixItems", Value::Array(fields)) => fields.iter_mut().for_each(or_reference),
            ("anyOf" | "oneOf" | "allOf", Value::Array(branches)) => branches.iter_mut().for_each(open),
            ("$defs", Value::Object(defs)) => defs.values_mut().for_each(open),
            _ => {}
        }
    }
}

fn or_reference(schema: &mut Value) {
    let Value::Object(members) = schema else { return };
    let any_text = members.get("type").is_some_and(|one| one == "string")
        && !["enum", "const", "pattern", "format", "maxLength"].iter().any(|limit| members.contains_key(*limit));
    let says_nothing = members.keys().all(|key| matches!(key.as_str(), "description" | "default" | "title"));
    let about: Vec<(String, Value)> = ["description", "default"]
        .iter()
        .filter_map(|key| members.get_key_value(*key))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    open(schema);
    if any_text || says_nothing {
        return;
    }
    let inner = std::mem::take(schema);
    let mut outer = Map::from_iter(about);
    outer.insert("anyOf".to_owned(), json!([inner, { "$ref": "#/$defs/reference" }]));
    *schema = Value::Object(outer);
}

#[cfg(test)]
mod tests {
    use crate::test_support::front::catalog;

    #[test]
    fn the_example_and_references_are_valid() {
        let whole = catalog().whole();
        let validator = jsonschema::options().build(&whole).expect("a schema");
        let check = |text: &str| {
            let spec: serde_json::Value = toml::from_str(text).expect("TOML");
            validator.iter_errors(&spec).map(|error| error.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(check(include_str!("../../../examples/mediamanager.toml")), [] as [String; 0]);
        let typed = "[stack]\nname = \"a\"\n[container.a]\nimage = \"x\"\nlisten_port = \"${postgres.port}\"\n";
        assert_eq!(check(typed), [] as [String; 0]);
        assert_eq!(check(&typed.replace("${postgres.port}", "8000")).len(), 1);
        assert_eq!(check(&typed.replace("listen_port", "listenport")).len(), 1);
        assert_eq!(check("[stack]\nname = \"a\"\n[traefik.a]\n").len(), 1);
    }
}
