//! For tests: five plugins as the front end sees them, and the front end run over a text.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use serde_json::{Value, json};

use crate::{
    contract::{Contracts, hold},
    diagnostic::{Sources, render},
    host_file,
    model::{
        ConnectionWant, Description, Diagnostic, HostFile, Making, Offered, Output, OutputType,
        value::{Address, Part, Target, Text, Tree, ValueType},
    },
    reference::Graph,
    schema::Catalog,
    spec::{self, Instance, Spec},
};

/// What the front end made of a text.
pub(crate) struct Front {
    pub(crate) spec: Spec,
    pub(crate) catalog: Catalog,
    pub(crate) contracts: Contracts,
    pub(crate) offered: BTreeMap<Address, Offered>,
    pub(crate) graph: Option<Graph>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// A host file for [`front`].
pub(crate) fn host(text: &str) -> HostFile {
    let (host_file, source, diagnostics) = host_file::parse(Path::new("stackrun.toml"), text);
    let sources = Sources { host_file: Some(source), ..Sources::default() };
    assert!(!diagnostics.iter().any(Diagnostic::is_error), "{}", render(&diagnostics, &sources, 100, false));
    host_file
}

/// Everything up to the graph, as the flow does it.
pub(crate) fn front(text: &str, host_file: Option<&HostFile>) -> Front {
    let (mut spec, mut diagnostics) = spec::parse(Path::new("app.toml"), text.into());
    let catalog = catalog();
    let (contracts, problems) = Contracts::load(&spec);
    diagnostics.extend(problems);
    diagnostics.extend(catalog.complete(&mut spec, &contracts));
    diagnostics.extend(catalog.check(&spec));
    diagnostics.extend(hold(&spec, &catalog, &contracts));
    let offered = spec.instances.iter().map(|instance| (instance.address.clone(), offers(instance))).collect();
    let graph = match Graph::new(&spec, &catalog, &offered, host_file) {
        Ok(graph) => Some(graph),
        Err(problems) => {
            diagnostics.extend(problems);
            None
        }
    };
    Front { spec, catalog, contracts, offered, graph, diagnostics }
}

/// What a person is told about a text.
pub(crate) fn said(text: &str, host_file: Option<&HostFile>) -> String {
    let front = front(text, host_file);
    let sources = Sources { spec: Some(front.spec.source()), host_file: None, contracts: front.contracts.sources() };
    render(&front.diagnostics, &sources, 100, false)
}

pub(crate) fn catalog() -> Catalog {
    use ValueType::{Integer, Text};
    let descriptions = [
        description("secret", secret_schema(), &[], &[("*", Text, true)]),
        description(
            "postgres",
            object(json!({
                "password": { "type": "string", "description": "Password of the role" },
                "auth": { "enum": ["scram", "trust"], "default": "scram" },
                "database": { "type": "string", "minLength": 1, "maxLength": 63 },
                "extensions": { "type": "array", "items": { "type": "string" }, "uniqueItems": true },
                "connection": { "type": "string" }
            })),
            &["postgresql"],
            &[
                ("host", Text, false),
                ("port", Integer, false),
                ("role", Text, false),
                ("database", Text, false),
                ("password", Text, true),
            ],
        ),
        description(
            "container",
            container_schema(),
            &["docker-api"],
            &[("address", Text, false), ("port", Integer, false), ("name", Text, false)],
        ),
        description(
            "gateway",
            json!({
                "type": "object", "additionalProperties": false, "required": ["domain", "to"],
                "properties": {
                    "domain": { "type": "string", "description": "The host name that it serves" },
                    "to": { "type": "string", "default": "${container.address}", "description": "Where requests go" },
                    "auth": { "enum": ["none", "forward"], "default": "none" }
                }
            }),
            &["caddy"],
            &[("url", Text, false), ("domain", Text, false)],
        ),
        description(
            "oidc",
            json!({
                "type": "object", "additionalProperties": false, "x-contract": ["oidc"],
                "properties": {
                    "client_secret": { "type": "string" },
                    "origin": { "type": "string", "default": "${gateway.url}" }
                }
            }),
            &[],
            &[
                ("client_id", Text, false),
                ("client_secret", Text, true),
                ("discovery_url", Text, false),
                ("provider_name", Text, false),
            ],
        ),
    ];
    Catalog::new(descriptions.map(Arc::new))
}

fn object(properties: Value) -> Value {
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn secret_schema() -> Value {
    let integer = |description: &str| json!({ "type": "integer", "minimum": 1, "description": description });
    json!({
        "type": "object",
        "propertyNames": { "pattern": "^[a-z][a-z0-9_]*$" },
        "additionalProperties": {
            "oneOf": [
                {
                    "type": "object", "additionalProperties": false, "required": ["generate"],
                    "properties": {
                        "generate": { "enum": ["alphanumeric", "hex", "base64url"] },
                        "length": integer("Characters"),
                        "bytes": integer("Bytes")
                    }
                },
                { "type": "string", "minLength": 1 }
            ]
        }
    })
}

fn container_schema() -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["image"],
        "properties": {
            "image": { "type": "string", "description": "The image, with its tag" },
            "contract": { "type": "string" },
            "listen_port": { "type": "integer", "minimum": 1, "maximum": 65535 },
            "first_login": { "type": "string" },
            "network": { "type": "string" },
            "user": { "type": "string" },
            "volumes": { "type": "array", "items": { "type": "string", "pattern": "^[^:]+:/[^:]*(:ro)?$" } },
            "environment": { "type": "object", "additionalProperties": { "type": ["string", "integer", "boolean"] } },
            "config": { "type": "object" }
        }
    })
}

fn description(kind: &str, schema: Value, wants: &[&str], outputs: &[(&str, ValueType, bool)]) -> Description {
    let want = |kind: &&str| ConnectionWant {
        field: "connection".to_owned(),
        kinds: vec![(*kind).to_owned()],
        required: true,
        settings_schema: json!({}),
    };
    let output = |(name, value_type, secret): &(&str, ValueType, bool)| OutputType {
        name: (*name).to_owned(),
        value_type: *value_type,
        secret: *secret,
        about: format!("The {name}"),
    };
    Description {
        kind: kind.to_owned(),
        version: "0.1.0".to_owned(),
        about: format!("Handles {kind}"),
        section_schema: schema,
        connections: wants.iter().map(want).collect(),
        outputs: outputs.iter().map(output).collect(),
        capabilities: Vec::new(),
    }
}

/// What the plugins would answer to `outputs`.
pub(crate) fn offers(instance: &Instance) -> Offered {
    let name = || Tree::literal(instance.address.name());
    let field = |field: &str| instance.section.get(field).cloned();
    let output = |name: &str, value: Tree, after: &[&str]| Output {
        name: name.to_owned(),
        value,
        true_after: after.iter().map(|key| (*key).to_owned()).collect(),
    };
    let address = |connection: &str, rest: &str| {
        Tree::Text(Text::new([Part::Address(connection.to_owned()), Part::Literal(rest.to_owned())]))
    };
    let mut offered = Offered::default();
    match instance.address.kind() {
        "secret" => {
            let Tree::Table(entries) = &instance.section else { return offered };
            for (secret, _) in entries {
                offered.makes.push(Making::Stored { name: secret.clone() });
                let made = Target::Made(instance.address.clone(), secret.clone());
                offered.outputs.push(output(secret, Tree::Reference(made), &[secret]));
            }
        }
        "postgres" => {
            offered.outputs = vec![
                output("host", address("pg", ""), &["database"]),
                output("port", Tree::Integer(5432), &[]),
                output("role", name(), &[]),
                output("database", field("database").unwrap_or_else(name), &[]),
            ];
            offered.outputs.extend(field("password").map(|password| output("password", password, &[])));
        }
        "container" => {
            offered.outputs = vec![
                output("address", address("podman", ":16366"), &[]),
                output("port", Tree::Integer(16366), &[]),
                output("name", name(), &[]),
            ];
        }
        "gateway" => {
            let domain = field("domain").unwrap_or_else(name);
            let url = domain.to_text().map(|domain| {
                let scheme = Part::Literal("https://".to_owned());
                Tree::Text(Text::new([scheme].into_iter().chain(domain.parts().iter().cloned())))
            });
            offered.outputs = vec![output("domain", domain, &[])];
            offered.outputs.extend(url.map(|url| output("url", url, &[])));
        }
        "oidc" => {
            offered.outputs = vec![
                output("client_id", name(), &["client"]),
                output("discovery_url", Tree::literal("https://auth.lab/.well-known/openid-configuration"), &[]),
                output("provider_name", Tree::literal("Authelia"), &[]),
            ];
            offered.outputs.extend(field("client_secret").map(|secret| output("client_secret", secret, &[])));
        }
        _ => {}
    }
    offered
}
