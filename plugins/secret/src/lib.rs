//! The secret plugin: secrets that are generated once, read from files by others, or set by hand; and files with
//! secrets in them.
//!
//! It never sees one: it declares where each comes from, and everything else goes by reference.
#![allow(unsafe_code)] // `export!` writes the component's entry points

mod plan;
mod wish;

use stackrun_plugin::{
    Value,
    guest::{Description, Guest, Offered, Output, Planned},
    secrets::{self, Making},
    types::{Diagnostic, Instance, Severity},
};
use wish::{Secret, Source, Wish};

struct SecretPlugin;

impl Guest for SecretPlugin {
    fn describe() -> Description {
        Description {
            kind: "secret".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            about: "Secrets by name: generated once, read from files by others, or set by hand".to_owned(),
            section_schema: include_str!("schema.json").to_owned(),
            connections: Vec::new(),
            outputs: vec![stackrun_plugin::secret_output("*", "Each secret under its name")],
            capabilities: vec!["files".to_owned()],
        }
    }

    fn check(instance: Instance) -> Vec<Diagnostic> {
        Wish::of(&instance).problems
    }

    fn outputs(instance: Instance) -> Result<Offered, Vec<Diagnostic>> {
        let wish = Wish::of(&instance);
        if wish.problems.iter().any(|said| said.severity == Severity::Error) {
            return Err(wish.problems);
        }
        let outputs = wish.secrets.iter().enumerate().map(|(position, secret)| Output {
            name: secret.name.clone(),
            value: Value::Reference((instance.references.len() + position) as u32).into(),
            true_after: match secret.source {
                Source::File { .. } => Vec::new(),
                _ => vec![plan::key(&secret.name)],
            },
        });
        Ok(Offered {
            outputs: outputs.collect(),
            makes: wish.secrets.iter().map(making).collect(),
            diagnostics: Vec::new(),
        })
    }

    fn plan(instance: Instance) -> Result<Planned, Vec<Diagnostic>> {
        plan::plan(&instance)
    }
}

fn making(secret: &Secret<'_>) -> Making {
    match &secret.source {
        Source::File { path, key } => secrets::from_file(&secret.name, path, key.as_deref()),
        Source::Generated { .. } | Source::ByHand { .. } => secrets::stored(&secret.name),
    }
}

stackrun_plugin::export!(SecretPlugin);
