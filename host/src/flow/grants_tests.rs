//! What the built-in plugins may do for the example's stack, on a machine that makes use of every setting.

use std::path::Path;

use serde_json::Value;

use crate::{
    host_file,
    model::HostFile,
    spec::{self, Spec},
    test_support::grants::built_in,
};

const MORE: &str = r#"
[connection.docker]
kind = "docker-api"
socket = "/run/docker.sock"
ca_bundle = "/etc/lab/ca/bundle.pem"
network = "backend"
capabilities = ["NET_ADMIN", "SYS_NICE"]
[connection.edge]
kind = "caddy"
sites = "/etc/edge/sites/"
caddyfile = "/etc/edge/Caddyfile"
[connection.idp]
kind = "oidc-registration"
issuer = "https://idp.example.org/realms/home/"
registration_path = "/realms/home/clients"
[connection.plain]
kind = "oidc-registration"
issuer = "https://plain.example.org"
"#;

const SPEC: &str = r#"
[secret.more]
token = { file = "/run/agenix/app" }
other = { generate = "hex", bytes = 3 }
[postgres.more]
role = "films"
database = "films db"
template = "template_films"
extensions = ["pg_trgm", "citext"]
[container.more]
name = "films"
network = "frontend"
[gateway.more]
domain = "films.example.org"
"#;

fn machine() -> HostFile {
    let text = format!("{}{MORE}", include_str!("../../../examples/stackrun.toml"));
    let (host_file, _, problems) = host_file::parse(Path::new("stackrun.toml"), &text);
    assert!(problems.is_empty(), "{problems:?}");
    host_file
}

fn stack() -> Spec {
    let text = format!("{}{SPEC}", include_str!("../../../examples/mediamanager.toml"));
    let (spec, problems) = spec::parse(Path::new("app.toml"), text.into());
    assert!(problems.is_empty(), "{problems:?}");
    spec
}

/// One line for each list and flag that grants something.
fn said(value: &Value, field: &str, all: &mut String) {
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| said(value, &format!("{field} {key}"), all)),
        Value::Bool(true) => *all += &format!("{field}\n"),
        Value::Array(items) if !items.is_empty() => *all += &format!("{field} {value}\n"),
        _ => {}
    }
}

/// By kind, the connections that are looked at; `nothing` is none.
const USED: [(&str, &[&str]); 5] = [
    ("secret", &["nothing"]),
    ("postgres", &["postgres"]),
    ("container", &["docker", "podman"]),
    ("gateway", &["caddy", "edge"]),
    ("oidc", &["authelia", "idp", "plain"]),
];

#[test]
fn what_the_built_in_plugins_may_do() {
    let (spec, host_file) = (stack(), machine());
    let mut all = String::new();
    for instance in &spec.instances {
        let (_, used) = USED.iter().find(|(kind, _)| *kind == instance.address.kind()).unwrap();
        for name in *used {
            let connections = Vec::from_iter(host_file.connections.get(*name).cloned());
            let grants = built_in(&instance.address, &instance.section, &connections, &host_file);
            all += &format!("{} on {name}\n", instance.address);
            said(&serde_json::to_value(&grants).unwrap(), " ", &mut all);
        }
    }
    insta::assert_snapshot!(all);
}
