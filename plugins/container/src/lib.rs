//! The container plugin.
#![allow(unsafe_code)] // `export!` writes the component's entry points

use stackrun_plugin::exports::stackrun::plugin::guest::{Description, Guest, Offered, Planned};
use stackrun_plugin::stackrun::plugin::types::{Diagnostic, Instance};

struct Plugin;

impl Guest for Plugin {
    fn describe() -> Description {
        Description {
            kind: "container".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            about: "A container, with its configuration file and its health".into(),
            section_schema: r#"{"type": "object", "additionalProperties": false}"#.into(),
            connections: Vec::new(),
            outputs: Vec::new(),
            capabilities: Vec::new(),
        }
    }

    fn check(_: Instance) -> Vec<Diagnostic> {
        Vec::new()
    }

    fn outputs(_: Instance) -> Result<Offered, Vec<Diagnostic>> {
        Ok(Offered { makes: Vec::new(), outputs: Vec::new(), diagnostics: Vec::new() })
    }

    fn plan(_: Instance) -> Result<Planned, Vec<Diagnostic>> {
        Ok(Planned { owns: Vec::new(), actions: Vec::new(), checks: Vec::new(), diagnostics: Vec::new() })
    }
}

stackrun_plugin::export!(Plugin);
