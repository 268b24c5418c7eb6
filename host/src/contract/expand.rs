//! Fills what the contract takes from an instance into the configuration: `database = "${postgres.*}"`.
//!
//! The reference stands for a whole table, where the contract's `into` says; or under the key `"*"` of that table or of
//! one above it, and then keys that are written out win:
//!
//! ```toml
//! [container.app.config]
//! database     = "${postgres.*}"      # into = "database"
//! kinto."*"    = "${postgres.*}"      # into = "kinto", which has other keys too
//! ```

use toml::Value;

use super::{Contract, facts::Mapping};
use crate::{
    diagnostic::listed,
    model::{
        Diagnostic, Place, Segment,
        value::{Address, Part, Target, Text, Tree},
    },
    spec::Instance,
};

/// Replaces every `${kind.*}` of a section.
pub(crate) fn expand(instance: &mut Instance, contract: Option<&Contract>, diagnostics: &mut Vec<Diagnostic>) {
    // Nearly every section has none: look before taking it apart.
    if !instance.section.targets().into_iter().any(is_spread) {
        return;
    }
    // A contract that is named and not there has been reported.
    let reported = contract.is_none() && instance.section.get("contract").is_some();
    let mut expanding = Expanding { address: &instance.address, contract, reported, path: Vec::new(), diagnostics };
    let section = std::mem::replace(&mut instance.section, Tree::Boolean(false));
    instance.section = expanding.walk(section);
}

/// A table, and where it belongs below `config`.
type Placed = (Vec<String>, Vec<(String, Tree)>);

fn is_spread(target: &Target) -> bool {
    matches!(target, Target::Output(_, field) if field == "*")
}

struct Expanding<'a> {
    address: &'a Address,
    contract: Option<&'a Contract>,
    reported: bool,
    path: Vec<String>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Expanding<'_> {
    fn walk(&mut self, tree: Tree) -> Tree {
        match tree {
            Tree::Table(entries) => {
                let mut filled = Vec::with_capacity(entries.len());
                let mut spreads = Vec::new();
                for (key, value) in entries {
                    self.path.push(key.clone());
                    match &value {
                        Tree::Reference(target) if key == "*" && is_spread(target) => {
                            self.path.pop();
                            spreads.push(target.clone());
                            continue;
                        }
                        _ => filled.push((key, self.walk(value))),
                    }
                    self.path.pop();
                }
                for target in spreads {
                    self.path.push("*".to_owned());
                    let found = self.mapping(&target);
                    self.path.pop();
                    if let Some((into, table)) = found {
                        merge(&mut filled, &into[self.depth().min(into.len())..], table);
                    }
                }
                Tree::Table(filled)
            }
            Tree::Items(items) => Tree::Items(items.into_iter().map(|item| self.walk(item)).collect()),
            Tree::Reference(target) if is_spread(&target) => match self.mapping(&target) {
                Some((_, table)) => Tree::Table(table),
                None => Tree::Reference(crate::spec::broken()),
            },
            other => other,
        }
    }

    /// How far below `config` this is.
    fn depth(&self) -> usize {
        self.path.len().saturating_sub(1)
    }

    /// The table that the contract makes of an instance, and where it belongs below `config`.
    fn mapping(&mut self, target: &Target) -> Option<Placed> {
        let Target::Output(source, _) = target else { return None };
        let kind = source.kind();
        let Some(contract) = self.contract else {
            if self.reported {
                return None;
            }
            self.error(
                format!("nothing says which keys `${{{kind}.*}}` fills"),
                format!("name the contract of the application (contract = \"…\"), or write the keys out: host = \"${{{kind}.host}}\""),
            );
            return None;
        };
        let Some(mapping) = contract.facts.outputs.get(kind) else {
            let kinds = listed(contract.facts.outputs.keys().map(String::as_str));
            self.error(
                format!("the contract `{}` does not say which keys `${{{kind}.*}}` fills", contract.name),
                format!("it does for {kinds}; else write the keys out"),
            );
            return None;
        };
        let into: Vec<String> = mapping.into.split('.').map(str::to_owned).collect();
        if !self.fits(&into) {
            let wanted = format!("config.{}", mapping.into);
            self.error(
                format!("`${{{kind}.*}}` belongs elsewhere: the application reads it at `{wanted}`"),
                format!("write {wanted} = \"${{{kind}.*}}\""),
            );
            return None;
        }
        Some((into, table(mapping, source)))
    }

    /// At its place as a whole, or spread there or above.
    fn fits(&self, into: &[String]) -> bool {
        match self.path.split_first() {
            Some((config, path)) if config == "config" => match path.split_last() {
                Some((star, above)) if star == "*" => into.starts_with(above),
                _ => path == into,
            },
            _ => false,
        }
    }

    fn error(&mut self, message: String, help: String) {
        let path = self.path.iter().map(|key| Segment::Key(key.clone())).collect();
        self.diagnostics.push(Diagnostic::error(Place::Instance(self.address.clone(), path), message).help(help));
    }
}

/// What is written out wins.
fn merge(entries: &mut Vec<(String, Tree)>, into: &[String], table: Vec<(String, Tree)>) {
    let Some((first, rest)) = into.split_first() else {
        for (key, value) in table {
            if !entries.iter().any(|(there, _)| *there == key) {
                entries.push((key, value));
            }
        }
        return;
    };
    let position = entries.iter().position(|(key, _)| key == first).unwrap_or_else(|| {
        entries.push((first.clone(), Tree::Table(Vec::new())));
        entries.len() - 1
    });
    if let Tree::Table(inner) = &mut entries[position].1 {
        merge(inner, rest, table);
    }
}

/// The right sides of the mapping are texts over the outputs of `source`.
fn table(mapping: &Mapping, source: &Address) -> Vec<(String, Tree)> {
    let mut filled = Vec::new();
    for (key, value) in &mapping.keys {
        let path: Vec<String> = key.split('.').map(str::to_owned).collect();
        let Some((last, above)) = path.split_last() else { continue };
        merge(&mut filled, above, vec![(last.clone(), tree(value, source))]);
    }
    filled
}

fn tree(value: &Value, source: &Address) -> Tree {
    match value {
        Value::String(text) => string(text, source),
        Value::Integer(value) => Tree::Integer(*value),
        Value::Float(value) => Tree::Float(*value),
        Value::Boolean(value) => Tree::Boolean(*value),
        Value::Datetime(value) => Tree::Moment(value.to_string()),
        Value::Array(items) => Tree::Items(items.iter().map(|item| tree(item, source)).collect()),
        Value::Table(table) => {
            Tree::Table(table.iter().map(|(key, value)| (key.clone(), tree(value, source))).collect())
        }
    }
}

/// `postgresql://${role}@${host}`: here a reference is the name of an output alone.
fn string(text: &str, source: &Address) -> Tree {
    use crate::spec::{Piece, pieces};
    let part = |piece: Piece<'_>| match piece {
        Piece::Literal(literal) | Piece::Unclosed(literal) => Part::Literal(literal.to_owned()),
        Piece::Reference(name) => Part::Reference(Target::Output(source.clone(), name.to_owned())),
    };
    let text = Text::new(pieces(text).into_iter().map(part));
    match text.as_reference() {
        Some(target) => Tree::Reference(target.clone()),
        None => Tree::Text(text),
    }
}
