//! The reference page of specs, host files and contracts, made from their schemas: `docs/spec.md`.

use std::fmt::Write;

use serde_json::{Map, Value};

use crate::{
    contract,
    host_file::{self, connection_kinds},
    model::{Description, value::ValueType},
    schema::Catalog,
};

const INTRODUCTION: &str = "\
# The spec, the host file, contracts

Made by `stackrun schema --markdown` from the schemas that specs, host files and contracts are held against; a test
compares it. `stackrun schema` prints the JSON Schema of a spec, for editors.

# The spec

One file describes a stack: `[stack]` with its `name`, then one table `[kind.name]` for each instance. Nothing in it is a
machine's own; the same spec works on another machine with another host file.

| written | means |
|---|---|
| `${postgres.host}` | an output of the only instance of that kind, or of the one with the same name |
| `${postgres.media.host}` | an output of that instance |
| `${postgres.*}` | what the contract takes from it, as a table; `\"*\" = \"${postgres.*}\"` beside other keys |
| `${host.media}` | a folder of the host file |
| `$${` | the characters `${` |

A field that is one reference and nothing else keeps its type: a port stays a number. Names of instances are letters,
digits, `_`, `.` and `-`, at most 63 bytes.
";

const HOST_FILE: &str = "
# The host file

What is this machine's own, by default `/etc/stackrun/stackrun.toml`. It holds commands that run as root: stackrun refuses
one that others can write.
";

const CONTRACT: &str = "
# Contracts

What is known of an application, in a data file that a spec names with `contract`: one of those inside the binary
(`contracts/`), or a path from the spec's folder.
";

impl Catalog {
    /// The whole page, in Markdown.
    pub fn page(&self) -> String {
        let mut page = INTRODUCTION.to_owned();
        for description in self.descriptions() {
            kind(&mut page, description);
        }
        page.push_str(HOST_FILE);
        let mut host_file = host_file::schema();
        // Connections have a chapter of their own.
        if let Some(fields) = host_file.get_mut("properties").and_then(Value::as_object_mut) {
            fields.remove("connection");
        }
        tables(&mut page, "", &host_file);
        let _ = writeln!(page, "\n## Grants\n\n{}", include_str!("../capability/grants.md").trim_end());
        page.push_str("\n## Connections\n\nEvery `[connection.NAME]` has these fields, and those of its kind.\n");
        fields(&mut page, &connection_kinds::common());
        let common = connection_kinds::common();
        for (name, schema) in connection_kinds::schemas() {
            let about = text(&schema, "description");
            // Writing into a string does not fail.
            let _ = writeln!(page, "\n### kind = \"{name}\"\n\n{about}.");
            fields(&mut page, &without(&schema, &common));
        }
        page.push_str(CONTRACT);
        tables(&mut page, "", &contract::schema());
        page
    }
}

fn kind(page: &mut String, description: &Description) {
    let Description { kind, about, section_schema, connections, outputs, .. } = description;
    let _ = writeln!(page, "\n## [{kind}.NAME]\n\n{about}.");
    for want in connections {
        let kinds = want.kinds.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(" or ");
        let needs = if want.required { "Needs" } else { "Uses, where there is one," };
        let _ = writeln!(page, "{needs} a connection of the kind {kinds}; `{}` picks one of several.", want.field);
    }
    fields(page, section_schema);
    if let Some(Value::Object(_)) = section_schema.get("additionalProperties") {
        let _ = writeln!(page, "\nEvery field that is not named above:\n");
        branches(page, section_schema, &section_schema["additionalProperties"]);
    }
    if !outputs.is_empty() {
        page.push_str("\n| output | type | |\n|---|---|---|\n");
        for output in outputs {
            let name = if output.name == "*" { "each field" } else { &output.name };
            let secret = if output.secret { ", secret" } else { "" };
            let _ = writeln!(page, "| `{name}` | {}{secret} | {} |", of_type(output.value_type), cell(&output.about));
        }
    }
}

/// The forms that a field may have.
fn branches(page: &mut String, root: &Value, schema: &Value) {
    let schema = followed(root, schema);
    let forms = ["oneOf", "anyOf"].iter().find_map(|key| schema.get(*key)?.as_array());
    match forms {
        Some(forms) => forms.iter().for_each(|form| branches(page, root, form)),
        None => {
            let (shape, about) = (shape(root, schema), text(schema, "description"));
            let _ = writeln!(page, "- {shape}{}{}", if about.is_empty() { "" } else { ": " }, cell(about));
            for (name, field) in properties(schema) {
                let _ =
                    writeln!(page, "  - `{name}` ({}): {}", shape_of(root, field), cell(text(field, "description")));
            }
        }
    }
}

/// A table of the schema's own fields, then a heading and a table for each that is a table itself.
fn tables(page: &mut String, above: &str, schema: &Value) {
    let own = properties(schema).filter(|(_, field)| !is_table(schema, field));
    if own.count() > 0 {
        fields(page, schema);
    }
    for (name, field) in properties(schema).filter(|(_, field)| is_table(schema, field)) {
        let path = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        let field = followed(schema, field);
        let _ = writeln!(page, "\n## [{path}]\n\n{}.", text(field, "description"));
        let entry = field.get("additionalProperties").filter(|entry| entry.is_object());
        let item = field.get("items").filter(|item| item.is_object());
        match entry.or(item) {
            Some(entry) => fields(page, followed(schema, entry)),
            None => fields(page, field),
        }
    }
}

fn is_table(root: &Value, field: &Value) -> bool {
    let field = followed(root, field);
    let has_fields = |schema: &Value| properties(followed(root, schema)).next().is_some();
    has_fields(field) || ["additionalProperties", "items"].iter().any(|key| field.get(*key).is_some_and(has_fields))
}

fn fields(page: &mut String, schema: &Value) {
    if properties(schema).next().is_none() {
        return;
    }
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    page.push_str("\n| field | type | default | |\n|---|---|---|---|\n");
    for (name, field) in properties(schema) {
        let default = match field.get("default") {
            Some(Value::String(text)) => format!("`{}`", cell(text)),
            Some(value) => format!("`{value}`"),
            None if required.contains(&name.as_str()) => "required".to_owned(),
            None => String::new(),
        };
        let about = cell(text(field, "description"));
        let _ = writeln!(page, "| `{name}` | {} | {default} | {about} |", shape_of(schema, field));
    }
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flatten()
}

fn without(schema: &Value, common: &Value) -> Value {
    let known: Vec<&String> = properties(common).map(|(name, _)| name).collect();
    let mut own = schema.clone();
    if let Some(fields) = own.get_mut("properties").and_then(Value::as_object_mut) {
        let all: Map<String, Value> = std::mem::take(fields);
        fields.extend(all.into_iter().filter(|(name, _)| !known.contains(&name)));
    }
    own
}

fn followed<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
    target.and_then(|path| root.pointer(path)).unwrap_or(schema)
}

/// A type in words that fit a cell.
fn shape_of(root: &Value, schema: &Value) -> String {
    shape(root, followed(root, schema))
}

fn shape(root: &Value, schema: &Value) -> String {
    if let Some(options) = schema.get("enum").and_then(Value::as_array) {
        let option =
            |option: &Value| option.as_str().map_or_else(|| format!("`{option}`"), |text| format!("`\"{text}\"`"));
        return options.iter().map(option).collect::<Vec<_>>().join(", ");
    }
    // With a type beside them, alternatives are about the fields.
    for key in ["oneOf", "anyOf"].iter().filter(|_| schema.get("type").is_none()) {
        if let Some(forms) = schema.get(*key).and_then(Value::as_array) {
            let mut shapes: Vec<String> = forms.iter().map(|form| shape_of(root, form)).collect();
            shapes.dedup();
            return shapes.join(" or ");
        }
    }
    match schema.get("type") {
        Some(Value::String(one)) => typed(root, schema, one),
        Some(Value::Array(several)) => {
            let shapes = several.iter().filter_map(Value::as_str).map(|one| typed(root, schema, one));
            shapes.collect::<Vec<_>>().join(" or ")
        }
        _ => "any".to_owned(),
    }
}

fn typed(root: &Value, schema: &Value, name: &str) -> String {
    match (name, schema.get("items")) {
        ("array", Some(items)) if ["type", "enum", "$ref"].iter().any(|key| items.get(*key).is_some()) => {
            format!("list of {}", shape_of(root, items))
        }
        ("array", _) => "list".to_owned(),
        ("object", _) => "table".to_owned(),
        ("string", _) => "text".to_owned(),
        (other, _) => other.to_owned(),
    }
}

fn of_type(value_type: ValueType) -> &'static str {
    match value_type {
        ValueType::Text => "text",
        ValueType::Integer => "integer",
        ValueType::Boolean => "boolean",
        ValueType::Items => "list",
        ValueType::Table => "table",
    }
}

fn text<'s>(schema: &'s Value, key: &str) -> &'s str {
    schema.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
