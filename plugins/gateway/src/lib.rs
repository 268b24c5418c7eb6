//! The gateway plugin: a site of Caddy's in front of an application.
//!
//! [`wish`] is what the section asks for, [`site`] the file that Caddy reads, [`plan`] compares it with the world and
//! says what to do.
#![allow(unsafe_code)] // `export!` writes the component's entry points

mod live;
mod plan;
mod site;
mod wish;

use stackrun_plugin::{
    Value, connection,
    guest::{Description, Guest, Offered, Output, Planned},
    output,
    types::{Diagnostic, Instance, ValueType},
};
use wish::Wish;

struct Gateway;

impl Guest for Gateway {
    fn describe() -> Description {
        Description {
            kind: "gateway".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            about: "A site of Caddy's in front of an application".to_owned(),
            section_schema: include_str!("schema.json").to_owned(),
            connections: vec![connection(&["caddy"], include_str!("settings.json"))],
            outputs: vec![
                output("url", ValueType::Text, "Address of the site, without a path: https://media.example.org"),
                output("domain", ValueType::Text, "Host name of the site"),
            ],
            capabilities: vec!["files".to_owned(), "http".to_owned(), "services".to_owned()],
        }
    }

    fn check(instance: Instance) -> Vec<Diagnostic> {
        Wish::of(&instance).1
    }

    /// An address that is known before the site is there: it orders nothing, so that the application can be told it.
    fn outputs(instance: Instance) -> Result<Offered, Vec<Diagnostic>> {
        let (wish, problems) = Wish::of(&instance);
        let Some(wish) = wish else { return Err(problems) };
        let output =
            |name: &str, value: Value| Output { name: name.to_owned(), value: value.into(), true_after: vec![] };
        Ok(Offered {
            makes: Vec::new(),
            outputs: vec![output("url", wish.url().into()), output("domain", wish.domain.into())],
            diagnostics: Vec::new(),
        })
    }

    fn plan(instance: Instance) -> Result<Planned, Vec<Diagnostic>> {
        plan::plan(&instance)
    }
}

stackrun_plugin::export!(Gateway);
