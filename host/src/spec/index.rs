//! Finds instances: by address, and all of a kind.

use std::collections::HashMap;

use crate::model::value::Address;

/// Positions of instances in the spec.
#[derive(Clone, Debug, Default)]
pub struct Index {
    by_address: HashMap<Address, usize>,
    by_kind: HashMap<String, Vec<String>>,
}

impl Index {
    /// Of addresses in the order of the file.
    pub fn new<'a>(addresses: impl IntoIterator<Item = &'a Address>) -> Self {
        let mut index = Self::default();
        for (position, address) in addresses.into_iter().enumerate() {
            index.by_address.insert(address.clone(), position);
            index.by_kind.entry(address.kind().to_owned()).or_default().push(address.name().to_owned());
        }
        index
    }

    /// Where the instance stands in `Spec::instances`.
    pub fn position(&self, address: &Address) -> Option<usize> {
        self.by_address.get(address).copied()
    }

    /// The names of all instances of a kind, in the order of the file.
    pub fn names(&self, kind: &str) -> &[String] {
        self.by_kind.get(kind).map(Vec::as_slice).unwrap_or_default()
    }

    /// The kinds that have instances.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.by_kind.keys().map(String::as_str)
    }
}
