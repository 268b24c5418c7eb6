//! A plugin for the tests: it panics where its section says so, in the words that stand there.
#![allow(unsafe_code)] // `export!` writes the component's entry points

use stackrun_plugin::{
    Section,
    guest::{Description, Guest, Offered, Planned},
    types::{Diagnostic, Instance},
};

struct Panics;

impl Guest for Panics {
    fn describe() -> Description {
        Description {
            kind: "panics".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            about: "Panics where its section says so".to_owned(),
            section_schema: r#"{ "type": "object", "additionalProperties": { "type": "string" } }"#.to_owned(),
            connections: Vec::new(),
            outputs: Vec::new(),
            capabilities: Vec::new(),
        }
    }

    fn check(instance: Instance) -> Vec<Diagnostic> {
        panics(&instance, "check");
        Vec::new()
    }

    fn outputs(instance: Instance) -> Result<Offered, Vec<Diagnostic>> {
        panics(&instance, "outputs");
        Ok(Offered { makes: Vec::new(), outputs: Vec::new(), diagnostics: Vec::new() })
    }

    fn plan(instance: Instance) -> Result<Planned, Vec<Diagnostic>> {
        panics(&instance, "plan");
        Ok(Planned { owns: Vec::new(), actions: Vec::new(), checks: Vec::new(), diagnostics: Vec::new() })
    }
}

fn panics(instance: &Instance, call: &str) {
    if let Some(words) = Section::of(instance).string(call) {
        panic!("{words}");
    }
}

stackrun_plugin::export!(Panics);
