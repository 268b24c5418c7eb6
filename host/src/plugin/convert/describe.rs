//! What a plugin says of itself.

use serde_json::Value;

use super::{answer::once, tree::type_from_wit, words};
use crate::{
    model::{CONTRACT, ConnectionWant, Description, OutputType},
    plugin::{What, bindings::exports::stackrun::plugin::guest as wit},
};

/// A description, held against what it has to be.
pub fn description(said: wit::Description) -> Result<Description, What> {
    let kind = identifier("its kind", said.kind)?;
    let connections = said.connections.into_iter().map(connection_want).collect::<Result<Vec<_>, _>>()?;
    let outputs = said.outputs.into_iter().map(output_type).collect::<Result<Vec<_>, _>>()?;
    once("connection field", connections.iter().map(|want| want.field.as_str()))?;
    once("output", outputs.iter().map(|output| output.name.as_str()))?;
    once("capability", said.capabilities.iter().map(String::as_str))?;
    semver::Version::parse(&said.version).map_err(|error| {
        What::Incoherent(format!("its version `{}` is no semantic version: {error}", words::line(&said.version)))
    })?;
    let section_schema = schema("the schema of its section", &said.section_schema)?;
    if section_schema.get(CONTRACT).is_some_and(|names| !is_names(names)) {
        return Err(What::Incoherent(format!("`{CONTRACT}` of the schema of its section is no list of names")));
    }
    Ok(Description {
        section_schema,
        kind,
        version: said.version,
        about: words::line(&said.about),
        connections,
        outputs,
        capabilities: said.capabilities,
    })
}

fn connection_want(want: wit::ConnectionWant) -> Result<ConnectionWant, What> {
    let field = identifier("a connection field", want.field)?;
    if want.kinds.is_empty() {
        return Err(What::Incoherent(format!("no kind of connection would do for `{field}`")));
    }
    let settings_schema = schema(&format!("the schema of the settings of `{field}`"), &want.settings_schema)?;
    Ok(ConnectionWant { field, kinds: want.kinds, required: want.required, settings_schema })
}

fn output_type(output: wit::OutputType) -> Result<OutputType, What> {
    let name = match output.name.as_str() {
        "*" => output.name,
        _ => identifier("an output", output.name)?,
    };
    Ok(OutputType {
        name,
        value_type: type_from_wit(output.value_type),
        secret: output.secret,
        about: words::line(&output.about),
    })
}

/// A word of the user's file.
fn identifier(what: &str, name: String) -> Result<String, What> {
    let fits = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    match !name.is_empty() && name.len() <= 64 && name.chars().all(fits) {
        true => Ok(name),
        false => Err(What::Incoherent(format!(
            "{what} is called `{}`, and a name has 1 to 64 of A-Z, a-z, 0-9, `_` and `-`",
            words::line(&name)
        ))),
    }
}

fn is_names(value: &Value) -> bool {
    value.as_array().is_some_and(|names| names.iter().all(Value::is_string))
}

/// A JSON Schema; whether it holds as one, whoever uses it finds out.
fn schema(what: &str, text: &str) -> Result<Value, What> {
    let schema: Value =
        serde_json::from_str(text).map_err(|error| What::Incoherent(format!("{what} is no JSON: {error}")))?;
    match schema.get("type").and_then(Value::as_str) {
        Some("object") => Ok(schema),
        _ => Err(What::Incoherent(format!("{what} is none of a table: it has to say `\"type\": \"object\"`"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(section_schema: &str) -> Result<Description, What> {
        description(wit::Description {
            kind: "cache".to_owned(),
            version: "1.0.0".to_owned(),
            about: "Caches".to_owned(),
            section_schema: section_schema.to_owned(),
            connections: Vec::new(),
            outputs: Vec::new(),
            capabilities: Vec::new(),
        })
    }

    #[test]
    fn what_is_read_of_a_contract_is_a_list_of_names() {
        assert!(described(r#"{"type": "object", "x-contract": ["page", "oidc"]}"#).is_ok());
        for wrong in [r#""page""#, "[1]", "{}"] {
            let said = described(&format!(r#"{{"type": "object", "x-contract": {wrong}}}"#)).unwrap_err().to_string();
            assert!(said.contains("`x-contract` of the schema of its section is no list of names"), "{wrong}: {said}");
        }
    }
}
