//! The configuration, key by key.

use std::collections::BTreeMap;

use super::Holding;
use crate::{
    contract::facts::{Key, KeyType, Mapping, UnknownKeys},
    diagnostic::closest,
    model::{Segment, diagnostic::keys as path_of, value::Tree},
    spec::is_broken,
};

impl Holding<'_> {
    /// Keys that the application does not know, that are missing, or whose values it can't use.
    pub(super) fn config(&mut self) {
        let Some(config) = self.instance.section.get("config") else { return };
        let given = self.given(config);
        for (key, (path, value)) in given.iter().filter(|(_, (_, value))| !is_reported(value)) {
            match self.contract.facts.config.keys.get(key) {
                Some(facts) => self.value(key, facts, path, value),
                None => self.unknown(key, path, &given),
            }
        }
        // A table that could not be filled may have been meant to bring what is missing.
        if !given.values().any(|(_, value)| is_reported(value)) {
            self.missing(&given);
        }
        self.without_effect(&given);
    }

    /// The keys of the configuration as the contract names them. A table that the contract takes for a key is one.
    fn given<'t>(&self, config: &'t Tree) -> BTreeMap<String, (Vec<Segment>, &'t Tree)> {
        let mut given = BTreeMap::new();
        self.collect(config, String::new(), path_of(["config"]), &mut given);
        given
    }

    fn collect<'t>(
        &self,
        tree: &'t Tree,
        name: String,
        path: Vec<Segment>,
        given: &mut BTreeMap<String, (Vec<Segment>, &'t Tree)>,
    ) {
        match tree {
            Tree::Table(entries) if !self.contract.facts.config.keys.contains_key(&name) => {
                for (key, value) in entries {
                    let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                    let mut path = path.clone();
                    path.push(Segment::Key(key.clone()));
                    self.collect(value, name, path, given);
                }
            }
            leaf => {
                given.insert(name, (path, leaf));
            }
        }
    }

    fn unknown(&mut self, key: &str, path: &[Segment], given: &BTreeMap<String, (Vec<Segment>, &Tree)>) {
        let config = &self.contract.facts.config;
        let near = closest_key(key, config.keys.keys().filter(|known| !given.contains_key(*known)).map(String::as_str));
        let mut path = path.to_vec();
        if let Some(Segment::Key(name)) = path.pop() {
            path.push(Segment::Name { name });
        }
        let title = self.title().to_owned();
        match (config.unknown_keys, near) {
            (UnknownKeys::Fatal, near) => {
                let help = near.map(|near| format!("did you mean `{near}`?"));
                let message =
                    format!("{title} does not start with a key that it does not know, and it knows no `{key}`");
                self.error(path, message, help);
            }
            (UnknownKeys::Ignored, Some(near)) => {
                let message = format!("{title} knows no `{key}`, and says nothing about it");
                self.error(path, message, Some(format!("did you mean `{near}`?")));
            }
            // The contract names what matters; there may be more.
            (UnknownKeys::Ignored, None) => {
                let message = format!("the contract of {title} does not name `{key}`");
                let help = "look at its spelling: a key that the application does not know has no effect";
                self.warning(path, message, Some(help.to_owned()));
            }
        }
    }

    fn missing(&mut self, given: &BTreeMap<String, (Vec<Segment>, &Tree)>) {
        let facts = &self.contract.facts;
        let on = |key: &String| match (given.get(key), facts.config.keys.get(key)) {
            (Some((_, Tree::Boolean(value))), _) => *value,
            (Some(_), _) => true,
            (None, Some(Key { default: Some(toml::Value::Boolean(value)), .. })) => *value,
            (None, _) => false,
        };
        let absent = facts.config.keys.iter().filter(|(name, _)| !given.contains_key(*name));
        let absent = absent.filter(|(_, key)| key.required || key.required_if.as_ref().is_some_and(on));
        let absent: Vec<(&String, &Key)> = absent.collect();
        for (name, key) in absent {
            let why = key.required_if.as_ref().filter(|_| !key.required).map(|on| format!(", since `{on}` is on"));
            let message = format!("`{name}` is missing{}", why.unwrap_or_default());
            let filled = facts.outputs.iter().find(|(_, mapping)| brings(mapping, name));
            let help = match (&key.help, filled) {
                (_, Some((kind, Mapping { into, .. }))) if given.keys().any(|key| lies_in(key, into).is_some()) => {
                    Some(format!("fill the table beside what is there: {into}.\"*\" = \"${{{kind}.*}}\""))
                }
                (_, Some((kind, mapping))) => Some(format!("fill the table: {} = \"${{{kind}.*}}\"", mapping.into)),
                (Some(help), None) => Some(help.clone()),
                (None, None) => {
                    key.default.as_ref().map(|default| format!("without it, {} takes {default}", facts.title))
                }
            };
            let mut path = path_of(["config"]);
            path.extend(name.split('.').map(|part| Segment::Key(part.to_owned())));
            self.error(path, message, help);
        }
    }

    fn without_effect(&mut self, given: &BTreeMap<String, (Vec<Segment>, &Tree)>) {
        let facts = &self.contract.facts;
        let mut warnings = Vec::new();
        for (name, (path, value)) in given {
            let Some(key) = facts.config.keys.get(name) else { continue };
            let off = matches!((key.value_type, value), (KeyType::Boolean, Tree::Boolean(false)));
            for needed in key.needs.iter().filter(|needed| !off && !given.contains_key(*needed)) {
                warnings.push((path.clone(), format!("`{name}` has no effect without `{needed}`")));
            }
        }
        for (path, message) in warnings {
            self.warning(path, message, None);
        }
    }
}

/// Whether a value is a reference about which something has been said.
fn is_reported(value: &Tree) -> bool {
    value.targets().into_iter().any(is_broken)
}

/// Whether what the contract takes from an instance has this key.
fn brings(mapping: &Mapping, key: &str) -> bool {
    lies_in(key, &mapping.into).is_some_and(|name| mapping.keys.contains_key(name))
}

/// The name of a key within a table.
fn lies_in<'k>(key: &'k str, table: &str) -> Option<&'k str> {
    key.strip_prefix(table)?.strip_prefix('.')
}

/// Nearest by the whole key, or by its last part within the same table.
fn closest_key<'k>(wrong: &str, known: impl Iterator<Item = &'k str> + Clone) -> Option<&'k str> {
    let (table, last) = wrong.rsplit_once('.').unwrap_or(("", wrong));
    let same_table = known.clone().filter_map(|key| match key.rsplit_once('.') {
        Some((above, name)) if above == table => Some((name, key)),
        None if table.is_empty() => Some((key, key)),
        _ => None,
    });
    let names: Vec<(&str, &str)> = same_table.collect();
    let near = closest(last, names.iter().map(|(name, _)| *name));
    near.and_then(|near| names.iter().find(|(name, _)| *name == near))
        .map(|(_, key)| *key)
        .or_else(|| closest(wrong, known))
}
