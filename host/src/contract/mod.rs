//! Contracts: what is known of an application, how it really reads its configuration and behaves. Data files: those of
//! `contracts/` are inside the binary, a spec may name its own by path. A second application is a second file.
//!
//! `facts` is what the host itself reads; plugins get the whole file as a tree. `expand` fills `"${postgres.*}"` into
//! tables, `hold` holds a spec against its contract.

mod complete;
mod expand;
mod facts;
mod hold;

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::{Arc, LazyLock},
};

use serde::Deserialize;
use serde_json::Value;
use toml::de::DeTable;

use expand::expand;
pub use facts::Facts;
pub use hold::hold;

use crate::{
    diagnostic::{Source, closest, listed},
    model::{
        Diagnostic, Document, Place, Segment,
        diagnostic::keys,
        value::{Address, Target, Tree},
    },
    schema::Checker,
    spec::{Instance, Spec, plain, syntax_error, syntax_errors},
    world::disk,
};

/// Those inside the binary, by name.
const SHIPPED: [(&str, &str); 2] = [
    ("kinto", include_str!("../../../contracts/kinto.toml")),
    ("mediamanager", include_str!("../../../contracts/mediamanager.toml")),
];

/// The schema of contracts, written as TOML for those who read it.
static SCHEMA: LazyLock<Checker> = LazyLock::new(|| Checker::new(schema()));

/// A contract, read and held against its schema.
#[derive(Clone, Debug)]
pub struct Contract {
    /// As the spec names it.
    pub name: String,
    /// For underlining.
    pub source: Source,
    /// All of it, as plugins are handed it.
    pub tree: Arc<Tree>,
    /// What the host itself reads.
    pub facts: Facts,
}

/// The contracts of one spec.
#[derive(Clone, Debug, Default)]
pub struct Contracts {
    by_name: BTreeMap<String, Arc<Contract>>,
    by_address: HashMap<Address, Arc<Contract>>,
    by_user: HashMap<Address, Arc<Contract>>,
}

impl Contracts {
    /// Every contract that an instance names with `contract`. What is wrong with one is in the messages, and the
    /// instance has none then.
    pub fn load(spec: &Spec) -> (Self, Vec<Diagnostic>) {
        let mut contracts = Self::default();
        let mut tried: HashMap<&str, Option<Arc<Contract>>> = HashMap::new();
        let mut diagnostics = Vec::new();
        for instance in &spec.instances {
            let Some(name) = instance.section.get("contract").and_then(Tree::as_str) else { continue };
            let contract =
                tried.entry(name).or_insert_with(|| read(name, instance, spec, &mut diagnostics).map(Arc::new));
            if let Some(contract) = contract {
                contracts.by_name.insert(name.to_owned(), Arc::clone(contract));
                contracts.by_address.insert(instance.address.clone(), Arc::clone(contract));
                for target in instance.section.targets() {
                    if let Target::Output(used, _) = target {
                        contracts.by_user.entry(used.clone()).or_insert_with(|| Arc::clone(contract));
                    }
                }
            }
        }
        (contracts, diagnostics)
    }

    /// The contract that an instance names.
    pub fn of(&self, address: &Address) -> Option<&Contract> {
        self.by_address.get(address).map(Arc::as_ref)
    }

    /// The contract that an instance names, else that of the first instance of the file which refers to it.
    pub fn of_or_of_user(&self, address: &Address) -> Option<&Contract> {
        self.of(address).or_else(|| self.by_user.get(address).map(Arc::as_ref))
    }

    /// For underlining.
    pub fn sources(&self) -> BTreeMap<String, Source> {
        self.by_name.iter().map(|(name, contract)| (name.clone(), contract.source.clone())).collect()
    }
}

/// The JSON Schema of contracts.
pub fn schema() -> Value {
    // Ours, and read by a test: it is TOML.
    toml::from_str(include_str!("schema.toml")).unwrap_or(Value::Bool(true))
}

fn read(name: &str, instance: &Instance, spec: &Spec, diagnostics: &mut Vec<Diagnostic>) -> Option<Contract> {
    let place = || Place::Instance(instance.address.clone(), keys(["contract"]));
    // A test holds those inside the binary against the schema, so that no run has to.
    let (source, schema) = if name.contains('/') || name.ends_with(".toml") {
        let path = spec.path.parent().unwrap_or(Path::new("")).join(name);
        match disk::read_named_text(&path) {
            Ok(text) => (Source::new(path.display().to_string(), text), Some(&*SCHEMA)),
            Err(error) => {
                let message = format!("the contract {} can't be read: {error:#}", path.display());
                diagnostics.push(Diagnostic::error(place(), message).help("the path starts at the spec's folder"));
                return None;
            }
        }
    } else {
        match SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
            Some((_, text)) => (Source::new(format!("contract {name}"), *text), None),
            None => {
                let names = || SHIPPED.iter().map(|(name, _)| *name);
                let help = match closest(name, names()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => {
                        format!("there is {}; one of your own is a path: contract = \"./{name}.toml\"", listed(names()))
                    }
                };
                diagnostics.push(Diagnostic::error(place(), format!("there is no contract `{name}`")).help(help));
                return None;
            }
        }
    };
    parse(name, source, schema, diagnostics)
}

/// What is wrong with a contract points into the contract.
fn parse(name: &str, source: Source, schema: Option<&Checker>, diagnostics: &mut Vec<Diagnostic>) -> Option<Contract> {
    let before = diagnostics.len();
    let (document, errors) = DeTable::parse_recoverable(&source.text);
    diagnostics.extend(syntax_errors(&errors, &Document::Contract(name.to_owned()), &source.text));
    if diagnostics.len() > before {
        return None;
    }
    let place = |path: &[Segment]| Place::Contract(name.to_owned(), path.to_vec());
    let tree = plain(document.get_ref(), &place, diagnostics);
    let problems = schema.map(|schema| schema.check(&tree, &|_| None)).unwrap_or_default();
    diagnostics.extend(
        problems.into_iter().map(|problem| Diagnostic {
            help: problem.help,
            ..Diagnostic::error(place(&problem.path), problem.message)
        }),
    );
    if diagnostics.len() > before {
        return None;
    }
    match Facts::deserialize(toml::de::Deserializer::from(document)) {
        Ok(facts) => Some(Contract { name: name.to_owned(), source, tree: Arc::new(tree), facts }),
        Err(error) => {
            diagnostics.push(syntax_error(&error, Document::Contract(name.to_owned()), &source.text));
            None
        }
    }
}

#[cfg(test)]
mod tests;
