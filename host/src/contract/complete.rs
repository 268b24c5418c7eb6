//! Completes a spec: kinds are looked up, defaults and tables of the contract filled in.

use std::collections::BTreeSet;

use super::{Contracts, expand};
use crate::{
    diagnostic::{closest, listed},
    model::{Diagnostic, Place, diagnostic::keys, value::Tree},
    plugin::builtin,
    schema::Catalog,
    spec::{Instance, Spec, from_json},
};

impl Catalog {
    /// Fills in the defaults of the schemas and the tables of the contracts, and says what can't be.
    pub fn complete(&self, spec: &mut Spec, contracts: &Contracts) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        let Spec { instances, index, .. } = spec;
        for instance in instances.iter_mut() {
            let Some(description) = self.description(instance.address.kind()) else {
                diagnostics.push(self.unknown_kind(instance));
                continue;
            };
            fill_defaults(instance, &description.section_schema, index, &mut diagnostics);
            expand(instance, contracts.of(&instance.address), &mut diagnostics);
        }
        diagnostics
    }

    fn unknown_kind(&self, instance: &Instance) -> Diagnostic {
        let (kind, name) = (instance.address.kind(), instance.address.name());
        // Of the built-in plugins only those are loaded that the spec needs.
        let kinds: BTreeSet<&str> =
            self.kind_names().chain(builtin::all().iter().map(|builtin| builtin.kind)).collect();
        let help = match closest(kind, kinds.iter().copied()) {
            Some(near) => format!("did you mean `[{near}.{name}]`?"),
            None => {
                format!("there is {}; a plugin by others is named in the host file: [plugin.{kind}]", listed(kinds))
            }
        };
        let place = Place::Instance(instance.address.clone(), Vec::new());
        Diagnostic::error(place, format!("no plugin handles the kind `{kind}`")).help(help)
    }
}

/// Fields that are absent get the `default` of their property. One that refers to an instance which is not there stays
/// absent; whether it may, the schema says.
fn fill_defaults(
    instance: &mut Instance,
    schema: &serde_json::Value,
    index: &crate::spec::Index,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let Some(properties) = schema.get("properties").and_then(serde_json::Value::as_object) else { return };
    let address = &instance.address;
    let Tree::Table(entries) = &mut instance.section else { return };
    for (name, property) in properties {
        let Some(default) = property.get("default") else { continue };
        if entries.iter().any(|(there, _)| there == name) {
            continue;
        }
        match from_json(default, address, index) {
            Ok(Some(value)) => entries.push((name.clone(), value)),
            Ok(None) => {}
            Err((message, help)) => {
                let place = Place::Instance(address.clone(), keys([name.as_str()]));
                let message = format!("`{name}` is not given, and its default is not clear: {message}");
                diagnostics.push(Diagnostic::error(place, message).help(help));
            }
        }
    }
}
