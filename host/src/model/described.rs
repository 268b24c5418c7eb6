//! What a plugin says of itself and of an instance, and what it is handed.

use std::{collections::HashSet, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    Making, Thing,
    value::{Address, Target, Tree, ValueType},
};
use crate::model::Diagnostic;

/// What a plugin says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// The kind that it handles.
    pub kind: String,
    /// Semantic version of the plugin.
    pub version: String,
    /// One line.
    pub about: String,
    /// JSON Schema of the section.
    pub section_schema: serde_json::Value,
    /// Connections that an instance needs.
    pub connections: Vec<ConnectionWant>,
    /// What an instance offers.
    pub outputs: Vec<OutputType>,
    /// Interfaces it imports.
    pub capabilities: Vec<String>,
}

/// Which build of a plugin it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginIdentity {
    /// Semantic version, as it says.
    pub version: String,
    /// SHA-256 of the component.
    pub digest: String,
    /// Interfaces it imports.
    pub capabilities: Vec<String>,
}

/// Keyword of a section's schema: what its plugin reads at the root of a contract.
pub(crate) const CONTRACT: &str = "x-contract";

impl Description {
    /// Of a contract, what the plugin said that it reads; all of it, if it said nothing.
    pub fn of_contract(&self, contract: &Arc<Tree>) -> Arc<Tree> {
        let (Some(names), Tree::Table(entries)) = (self.section_schema.get(CONTRACT), contract.as_ref()) else {
            return Arc::clone(contract);
        };
        let reads = |name: &str| names.as_array().is_some_and(|names| names.iter().any(|one| one == name));
        Arc::new(Tree::Table(entries.iter().filter(|(name, _)| reads(name)).cloned().collect()))
    }
}

/// A connection that an instance needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionWant {
    /// Field of the section that picks one by name.
    pub field: String,
    /// Kinds that will do.
    pub kinds: Vec<String>,
    /// Whether it can do without.
    pub required: bool,
    /// JSON Schema of the settings that the plugin reads.
    pub settings_schema: serde_json::Value,
}

/// A typed output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputType {
    /// `*` offers any name.
    pub name: String,
    /// Its type.
    pub value_type: ValueType,
    /// Whether it is a secret.
    pub secret: bool,
    /// One line.
    pub about: String,
}

/// An instance as its plugin is handed it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InstanceView {
    /// Its address.
    pub address: Address,
    /// `[stack] name`.
    pub stack: String,
    /// The section; before `outputs` are known its references are [`Target::Output`].
    pub section: Tree,
    /// Every target of the section once, in order, with what may be known of it.
    pub references: Vec<(Target, ReferenceInfo)>,
    /// What the instance makes, as `outputs` declared it, in order, with what may be known of each. Empty before `plan`.
    pub makes: Vec<(Target, ReferenceInfo)>,
    /// The connections that its description asks for.
    pub connections: Vec<ConnectionView>,
    /// The contract, as a tree.
    pub contract: Option<Arc<Tree>>,
    /// Instances that refer to this one.
    pub consumers: Vec<ConsumerView>,
    /// What it owned after the last run, and whether its last proof held.
    pub owned: Vec<(Thing, bool)>,
}

impl InstanceView {
    /// Every string of the section and of the settings of its connections, whole and, of a path, each of its names.
    pub fn words(&self) -> HashSet<String> {
        let mut texts = self.section.literals();
        texts.extend(self.connections.iter().flat_map(|connection| connection.settings.literals()));
        texts.into_iter().flat_map(|text| std::iter::once(text).chain(text.split('/'))).map(str::to_owned).collect()
    }
}

/// What a plugin may know of a reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReferenceInfo {
    /// As the user's file calls it.
    pub name: String,
    /// Whether it is a secret.
    pub secret: bool,
    /// Its type.
    pub value_type: ValueType,
    /// False while it exists only after some step of this plan.
    pub available: bool,
}

/// A connection as a plugin sees it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConnectionView {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Its settings, without verbs; empty offline.
    pub settings: Tree,
}

/// An instance that refers to this one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConsumerView {
    /// Its address.
    pub address: Address,
    /// The connections it uses.
    pub connections: Vec<String>,
}

/// What an instance offers to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Offered {
    /// What it makes.
    pub makes: Vec<Making>,
    /// Its outputs.
    pub outputs: Vec<Output>,
    /// Warnings and notes.
    pub diagnostics: Vec<Diagnostic>,
}

/// One output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Its value, which may hold references.
    pub value: Tree,
    /// Keys of the instance's things that must be done before it is true.
    pub true_after: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_section_and_of_the_connections() {
        let table = |entries: &[(&str, Tree)]| {
            Tree::Table(entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
        };
        let list = Tree::Items(vec![Tree::literal("deep.example.org"), Tree::Integer(7)]);
        let settings = table(&[("fragment", Tree::literal("/etc/authelia/clients.yml"))]);
        let view = InstanceView {
            address: Address::new("gateway", "app"),
            stack: "media".into(),
            section: table(&[("domain", Tree::literal("app.example.org")), ("more", table(&[("list", list)]))]),
            references: Vec::new(),
            makes: Vec::new(),
            connections: vec![ConnectionView { name: "edge".into(), kind: "caddy".into(), settings }],
            contract: None,
            consumers: Vec::new(),
            owned: Vec::new(),
        };
        let words = view.words();
        for held in ["app.example.org", "deep.example.org", "clients.yml", "/etc/authelia/clients.yml"] {
            assert!(words.contains(held), "{held}");
        }
        for other in ["example.org", "app.example.or", "domain", "clients", "root:x:0"] {
            assert!(!words.contains(other), "{other}");
        }
    }
}
