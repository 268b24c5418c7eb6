//! Completes a spec: kinds are looked up, defaults and tables of the contract filled in. Then sections are held against
//! schemas.

use std::collections::BTreeSet;

use super::{Catalog, Checker};
use crate::{
    contract::{self, Contracts},
    diagnostic::{Diagnostic, Place, closest, keys, listed},
    model::value::{Target, Tree, ValueType},
    plugin::builtin,
    reference::Known,
    spec::{Instance, Spec, from_json, is_broken},
};

impl Catalog {
    /// Fills in the defaults of the schemas and the tables of the contracts, and says what can't be.
    pub fn complete(&self, spec: &mut Spec, contracts: &Contracts) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        let Spec { instances, index, .. } = spec;
        for instance in instances.iter_mut() {
            let Some(kind) = self.kinds.get(instance.address.kind()) else {
                diagnostics.push(self.unknown_kind(instance));
                continue;
            };
            fill_defaults(instance, &kind.description.section_schema, index, &mut diagnostics);
            contract::expand(instance, contracts.of(&instance.address), &mut diagnostics);
        }
        diagnostics
    }

    /// Holds the sections of a completed spec against the schemas of their kinds.
    pub fn check(&self, spec: &Spec) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        for instance in &spec.instances {
            let Some(kind) = self.kinds.get(instance.address.kind()) else { continue };
            let place = |path| Place::Instance(instance.address.clone(), path);
            let checker = kind.checker.get_or_init(|| Checker::new(kind.description.section_schema.clone()));
            let problems = checker.check(&instance.section, &|target| self.promised(target));
            diagnostics.extend(problems.into_iter().map(|problem| Diagnostic {
                help: problem.help,
                ..Diagnostic::error(place(problem.path), problem.message)
            }));
        }
        diagnostics
    }

    /// The type that a reference promises; none when nobody knows.
    fn promised(&self, target: &Target) -> Option<ValueType> {
        let known = match target {
            Target::Output(address, name) => {
                crate::spec::folder_of(target).is_some() || self.output(address.kind(), name).is_some()
            }
            _ => true,
        };
        if is_broken(target) || !known {
            return None;
        }
        Some(Known { catalog: self, offered: None, host_file: None }.kind_of(target).0)
    }

    fn unknown_kind(&self, instance: &Instance) -> Diagnostic {
        let (kind, name) = (instance.address.kind(), instance.address.name());
        // Of the built-in plugins only those are loaded that the spec needs.
        let kinds: BTreeSet<&str> =
            self.kinds.keys().map(String::as_str).chain(builtin::all().iter().map(|builtin| builtin.kind)).collect();
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
