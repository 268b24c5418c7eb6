//! Schemas of sections: every plugin brings one, and every section is held against its own before the plugin sees it.

mod check;
mod known;
mod message;
mod project;
mod sections;
mod whole;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, OnceLock},
};

pub use check::{Checker, Problem};
pub use known::Known;

use crate::model::{Description, OutputType};

/// The plugins of this run, by the kind that each handles. A schema is compiled when the first section needs it.
#[derive(Debug, Default)]
pub struct Catalog {
    kinds: BTreeMap<String, Kind>,
}

#[derive(Debug)]
struct Kind {
    description: Arc<Description>,
    outputs: HashMap<String, usize>,
    /// Made when it is first used.
    checker: OnceLock<Checker>,
}

impl Catalog {
    /// Of what the plugins say of themselves; of two with one kind, the last.
    pub fn new(descriptions: impl IntoIterator<Item = Arc<Description>>) -> Self {
        let kind = |description: Arc<Description>| {
            let names = description.outputs.iter().enumerate().map(|(index, output)| (output.name.clone(), index));
            let outputs = names.collect();
            (description.kind.clone(), Kind { description, outputs, checker: OnceLock::new() })
        };
        Self { kinds: descriptions.into_iter().map(kind).collect() }
    }

    /// What the plugin of a kind says of itself.
    pub fn description(&self, kind: &str) -> Option<&Description> {
        self.kinds.get(kind).map(|kind| &*kind.description)
    }

    /// The kinds of these plugins.
    pub fn kind_names(&self) -> impl Iterator<Item = &str> {
        self.kinds.keys().map(String::as_str)
    }

    /// All descriptions, in the order of their kinds.
    pub fn descriptions(&self) -> impl Iterator<Item = &Description> {
        self.kinds.values().map(|kind| &*kind.description)
    }

    /// What a kind declares of an output of this name; `*` stands for any.
    pub fn output(&self, kind: &str, name: &str) -> Option<&OutputType> {
        let kind = self.kinds.get(kind)?;
        let index = kind.outputs.get(name).or_else(|| kind.outputs.get("*"))?;
        kind.description.outputs.get(*index)
    }
}
