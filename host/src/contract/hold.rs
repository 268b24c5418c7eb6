//! Holds a spec against the contract of its application, as far as that can be done offline.

mod environment;
mod keys;
mod mounts;
mod values;

use super::{Contract, Contracts};
use crate::{
    model::{Diagnostic, Place, Segment, diagnostic::keys as path_of, value::Tree},
    schema::{Catalog, Known},
    spec::{Instance, Spec},
};

/// All that contradicts the contracts. The spec is completed.
pub fn hold(spec: &Spec, catalog: &Catalog, contracts: &Contracts) -> Vec<Diagnostic> {
    let known = Known { catalog, offered: None, host_file: None };
    let mut diagnostics = Vec::new();
    for instance in &spec.instances {
        if let Some(contract) = contracts.of(&instance.address) {
            let mut holding = Holding { instance, contract, known, diagnostics: &mut diagnostics };
            holding.config();
            holding.environment();
            holding.run();
            holding.mounts();
        }
    }
    diagnostics
}

/// One instance and its contract.
struct Holding<'a> {
    instance: &'a Instance,
    contract: &'a Contract,
    known: Known<'a>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Holding<'_> {
    fn place(&self, path: Vec<Segment>) -> Place {
        Place::Instance(self.instance.address.clone(), path)
    }

    fn error(&mut self, path: Vec<Segment>, message: impl Into<String>, help: Option<String>) {
        let diagnostic = Diagnostic::error(self.place(path), message);
        self.diagnostics.push(Diagnostic { help, ..diagnostic });
    }

    fn warning(&mut self, path: Vec<Segment>, message: impl Into<String>, help: Option<String>) {
        let diagnostic = Diagnostic::warning(self.place(path), message);
        self.diagnostics.push(Diagnostic { help, ..diagnostic });
    }

    fn title(&self) -> &str {
        &self.contract.facts.title
    }

    /// Port, memory and user that the spec gives, beside those that the application has.
    fn run(&mut self) {
        let run = &self.contract.facts.run;
        let field = |name: &str| self.instance.section.get(name);
        if let (Some(Tree::Integer(given)), Some(real)) = (field("listen_port"), run.listen_port) {
            let moved = field("environment").and_then(|table| table.get("PORT")).is_some();
            if *given != i64::from(real) && !moved {
                let message = format!("{} listens on {real}, not on {given}", self.title());
                self.error(
                    path_of(["listen_port"]),
                    message,
                    Some(format!("write listen_port = {real}, or leave it out")),
                );
            }
        }
        if let (Some(user), Some(start)) = (field("user").and_then(Tree::as_str), run.start_user)
            && user.split(':').next() != Some(start.to_string().as_str())
            && !(start == 0 && user.split(':').next() == Some("root"))
        {
            let message = format!("{} has to be started as user {start}, not as {user}", self.title());
            self.error(path_of(["user"]), message, Some("leave the field out".to_owned()));
        }
    }
}
