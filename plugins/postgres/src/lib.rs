//! The postgres plugin: a role, a database that it owns, and the rules that let it in.
//!
//! [`wish`] is what the section asks for, [`look`] what the server has, [`rules`] how pg_hba.conf is matched; [`access`]
//! decides which rules are needed, and [`plan`] puts all of it together.
#![allow(unsafe_code)] // `export!` writes the component's entry points

mod access;
mod look;
mod names;
mod plan;
mod rules;
mod wish;

use stackrun_plugin::{
    Section, Value, address, connection,
    guest::{Description, Guest, Offered, Output, Planned},
    output, secret_output,
    types::{Diagnostic, Instance, ValueType},
};
use wish::Wish;

struct Postgres;

const DEFAULT_PORT: i64 = 5432;

impl Guest for Postgres {
    fn describe() -> Description {
        Description {
            kind: "postgres".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            about: "A role and a database that it owns, let in from the networks of its clients".to_owned(),
            section_schema: include_str!("schema.json").to_owned(),
            connections: vec![connection(&["postgresql"], include_str!("settings.json"))],
            outputs: vec![
                output("host", ValueType::Text, "Address of the server, as whoever reads it sees it"),
                output("port", ValueType::Integer, "TCP port of the server"),
                output("role", ValueType::Text, "Role to log in as"),
                output("user", ValueType::Text, "The same as `role`"),
                output("database", ValueType::Text, "Name of the database"),
                output("dbname", ValueType::Text, "The same as `database`"),
                secret_output("password", "Password of the role"),
                output("url", ValueType::Text, "postgresql://ROLE@HOST:PORT/DATABASE, without the password"),
            ],
            capabilities: vec!["sql".to_owned()],
        }
    }

    fn check(instance: Instance) -> Vec<Diagnostic> {
        Wish::of(&instance).1
    }

    fn outputs(instance: Instance) -> Result<Offered, Vec<Diagnostic>> {
        let (wish, problems) = Wish::of(&instance);
        let Some(wish) = wish else { return Err(problems) };
        Ok(Offered { makes: Vec::new(), outputs: outputs(&instance, &wish), diagnostics: Vec::new() })
    }

    fn plan(instance: Instance) -> Result<Planned, Vec<Diagnostic>> {
        let (wish, problems) = Wish::of(&instance);
        match wish {
            Some(wish) => plan::plan(&instance, &wish),
            None => Err(problems),
        }
    }
}

/// All of them are known at once, and true when the role can log in: whoever uses one comes after that.
fn outputs(instance: &Instance, wish: &Wish) -> Vec<Output> {
    let connection = instance.connections.first();
    let port = connection.and_then(|connection| Section::settings(connection).integer("port"));
    let port = port.or_else(|| connection.and_then(port_of_url)).unwrap_or(DEFAULT_PORT);
    let mut values = vec![
        ("port", Value::Integer(port)),
        ("role", Value::from(wish.role.clone())),
        ("user", Value::from(wish.role.clone())),
        ("database", Value::from(wish.database.clone())),
        ("dbname", Value::from(wish.database.clone())),
    ];
    if let Some(connection) = connection {
        values.push(("host", Value::Text(address(&*connection.name))));
        values.push(("url", Value::Text(url(wish, &connection.name, port))));
    }
    if let Some(password) = wish.password {
        values.push(("password", Value::Reference(password)));
    }
    let true_after: Vec<String> =
        ["role", "database", "admission"].map(str::to_owned).into_iter().chain(wish.extension_keys()).collect();
    let output = |(name, value): (&str, Value)| Output {
        name: name.to_owned(),
        value: value.into(),
        true_after: true_after.clone(),
    };
    values.into_iter().map(output).collect()
}

fn url(wish: &Wish, connection: &str, port: i64) -> stackrun_plugin::types::Text {
    let (role, database) = (names::in_url(&wish.role), names::in_url(&wish.database));
    let mut text = stackrun_plugin::literal(format!("postgresql://{role}@"));
    text.extend(address(connection));
    text.extend(stackrun_plugin::literal(format!(":{port}/{database}")));
    text
}

/// The port that stands in the connection's `url`.
fn port_of_url(connection: &stackrun_plugin::types::Connection) -> Option<i64> {
    let url = Section::settings(connection).string("url")?;
    let authority = url.split_once("://")?.1.split('/').next()?;
    authority.rsplit_once(':')?.1.parse().ok()
}

stackrun_plugin::export!(Postgres);
