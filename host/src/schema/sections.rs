//! Sections held against the schemas of their kinds.

use super::{Catalog, Checker, Known};
use crate::{
    model::{
        Diagnostic, Place,
        value::{Target, ValueType},
    },
    spec::{Spec, is_broken},
};

impl Catalog {
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
}
