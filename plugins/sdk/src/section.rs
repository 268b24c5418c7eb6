//! Walking a tree that the host hands over, and speaking about places in it.
//!
//! ```
//! use stackrun_plugin::{Section, types::{Diagnostic, Instance}};
//!
//! fn check(instance: &Instance) -> Vec<Diagnostic> {
//!     let mut problems = Vec::new();
//!     let section = Section::of(instance);
//!     let role = section.known_or("role", &instance.name, &mut problems);
//!     for client in section.items("clients") {
//!         if client.as_string().is_some_and(|network| !network.contains('/')) {
//!             let wrong = client.error(format!("{role} can't come from there: this is no network"));
//!             problems.push(wrong.help("write it as 10.88.0.0/16"));
//!         }
//!     }
//!     problems
//! }
//! ```
//!
//! The host has checked the tree against the plugin's schema and filled in its defaults before, so a value of the wrong
//! type is met only where the schema leaves it open; it reads as absent.

use crate::{
    Value,
    types::{Connection, Diagnostic, Document, Instance, Node, Part, Segment, Severity, Text, Tree},
};

/// A place in a tree: a table, a list or a scalar, or nothing where a key is absent. A place knows its path, so that
/// what is said of it is underlined in the user's file.
#[derive(Clone, Debug)]
pub struct Section<'a> {
    tree: &'a Tree,
    node: Option<&'a Node>,
    document: Document,
    path: Vec<Segment>,
}

impl<'a> Section<'a> {
    /// The root of an instance's section.
    pub fn of(instance: &'a Instance) -> Self {
        Self::new(&instance.section, Document::Spec, Vec::new())
    }

    /// The settings of a connection, in the host file.
    pub fn settings(connection: &'a Connection) -> Self {
        Self::new(&connection.settings, Document::HostFile, vec![Segment::Key(connection.name.clone())])
    }

    /// The contract that an instance is held against.
    pub fn contract(instance: &'a Instance) -> Option<Self> {
        instance.contract.as_ref().map(|tree| Self::new(tree, Document::Contract, Vec::new()))
    }

    /// The root of any tree; `path` is what leads to it in its document.
    pub fn new(tree: &'a Tree, document: Document, path: Vec<Segment>) -> Self {
        Self { tree, node: tree.nodes.first(), document, path }
    }

    // ---- going on ----------------------------------------------------------------------------------------

    /// The member of a table, which may be absent.
    pub fn at(&self, key: &str) -> Self {
        let node = match self.node {
            Some(Node::Table(entries)) => {
                entries.iter().find(|entry| entry.key == key).and_then(|entry| self.look_up(entry.value))
            }
            _ => None,
        };
        self.step(node, Segment::Key(key.to_owned()))
    }

    /// The elements of the list at `key`; none when it is absent.
    pub fn items(&self, key: &str) -> Vec<Self> {
        self.at(key).as_items()
    }

    /// The elements of this list.
    pub fn as_items(&self) -> Vec<Self> {
        let Some(Node::Items(items)) = self.node else { return Vec::new() };
        let places = items.iter().zip(0..);
        places.map(|(item, index)| self.step(self.look_up(*item), Segment::Index(index))).collect()
    }

    /// The keys of this table with what stands there, in the user's order.
    pub fn entries(&self) -> Vec<(&'a str, Self)> {
        let Some(Node::Table(entries)) = self.node else { return Vec::new() };
        let place = |value, key: &str| self.step(self.look_up(value), Segment::Key(key.to_owned()));
        entries.iter().map(|entry| (entry.key.as_str(), place(entry.value, &entry.key))).collect()
    }

    fn look_up(&self, index: u32) -> Option<&'a Node> {
        self.tree.nodes.get(usize::try_from(index).ok()?)
    }

    fn step(&self, node: Option<&'a Node>, segment: Segment) -> Self {
        let path = self.path.iter().cloned().chain([segment]).collect();
        Self { tree: self.tree, node, document: self.document, path }
    }

    // ---- reading -----------------------------------------------------------------------------------------

    /// Whether anything stands here.
    pub fn is_present(&self) -> bool {
        self.node.is_some()
    }

    /// The scalar at `key` as a text with its holes.
    pub fn text(&self, key: &str) -> Option<Text> {
        self.at(key).as_text()
    }

    /// The string at `key`; none when it is absent or holds a reference that is not known by now.
    pub fn string(&self, key: &str) -> Option<String> {
        self.at(key).as_string()
    }

    /// The string at `key`, or this one.
    pub fn string_or(&self, key: &str, otherwise: &str) -> String {
        self.string(key).unwrap_or_else(|| otherwise.to_owned())
    }

    /// The string at `key`, or `otherwise` where there is none; an error where a reference stands that is not known by
    /// now: for what names things, which `check` and `outputs` have to know as well as `plan`.
    pub fn known_or(&self, key: &str, otherwise: &str, problems: &mut Vec<Diagnostic>) -> String {
        let place = self.at(key);
        if place.is_present() && place.as_string().is_none() {
            problems
                .push(place.error(format!("`{key}` must be known when the plan is made: give it as a plain string")));
        }
        self.string_or(key, otherwise)
    }

    /// The integer at `key`.
    pub fn integer(&self, key: &str) -> Option<i64> {
        self.at(key).as_integer()
    }

    /// The boolean at `key`.
    pub fn boolean(&self, key: &str) -> Option<bool> {
        self.at(key).as_boolean()
    }

    /// A scalar as a text: numbers and booleans in the way TOML writes them.
    pub fn as_text(&self) -> Option<Text> {
        match self.node? {
            Node::Boolean(value) => Some(crate::literal(value.to_string())),
            Node::Integer(value) => Some(crate::literal(value.to_string())),
            Node::Float(value) => Some(crate::literal(value.to_string())),
            Node::Moment(value) => Some(crate::literal(value.clone())),
            Node::Text(text) => Some(text.clone()),
            Node::Reference(reference) => Some(crate::reference(*reference)),
            Node::Items(_) | Node::Table(_) => None,
        }
    }

    /// The string that stands here, if it is known as a whole.
    pub fn as_string(&self) -> Option<String> {
        let Node::Text(text) = self.node? else { return None };
        let known = |part: &'a Part| match part {
            Part::Literal(literal) => Some(literal.as_str()),
            Part::Reference(_) | Part::Address(_) => None,
        };
        text.iter().map(known).collect()
    }

    /// The integer that stands here.
    pub fn as_integer(&self) -> Option<i64> {
        match self.node? {
            Node::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The boolean that stands here.
    pub fn as_boolean(&self) -> Option<bool> {
        match self.node? {
            Node::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// The reference that stands here, if it is one and nothing else.
    pub fn as_reference(&self) -> Option<u32> {
        match self.node? {
            Node::Reference(reference) => Some(*reference),
            Node::Text(text) => match text.as_slice() {
                [Part::Reference(reference)] => Some(*reference),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether this is a table or a list.
    pub fn is_compound(&self) -> bool {
        matches!(self.node, Some(Node::Table(_) | Node::Items(_)))
    }

    /// All that stands here, as a value of its own.
    pub fn to_value(&self) -> Option<Value> {
        self.node.map(|node| Value::from_node(self.tree, node))
    }

    // ---- speaking ----------------------------------------------------------------------------------------

    /// An error at this place.
    pub fn error(&self, message: impl Into<String>) -> Diagnostic {
        self.say(Severity::Error, message)
    }

    /// A warning at this place.
    pub fn warning(&self, message: impl Into<String>) -> Diagnostic {
        self.say(Severity::Warning, message)
    }

    /// A note at this place.
    pub fn note(&self, message: impl Into<String>) -> Diagnostic {
        self.say(Severity::Note, message)
    }

    fn say(&self, severity: Severity, message: impl Into<String>) -> Diagnostic {
        diagnostic(severity, self.document, self.path.clone(), message)
    }
}

/// A message about a place; [`Section::error`] and its sisters fill in the place.
pub fn diagnostic(
    severity: Severity,
    document: Document,
    path: Vec<Segment>,
    message: impl Into<String>,
) -> Diagnostic {
    Diagnostic { severity, document, path, message: message.into(), help: None }
}

impl Diagnostic {
    /// The same with what to do about it.
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance() -> Tree {
        Value::table([
            ("role", Value::from("media")),
            ("password", Value::Reference(0)),
            ("adopt", Value::from(true)),
            ("clients", Value::items(["10.88.0.0/16", "10.89.0.0/24"])),
        ])
        .into()
    }

    #[test]
    fn reads_what_is_there_and_nothing_else() {
        let tree = instance();
        let section = Section::new(&tree, Document::Spec, Vec::new());
        assert_eq!(section.string("role").as_deref(), Some("media"));
        assert_eq!(section.string("password"), None, "a reference is no known string");
        assert_eq!(section.at("password").as_reference(), Some(0));
        assert_eq!(section.boolean("adopt"), Some(true));
        assert_eq!(section.string_or("template", "template1"), "template1");
        let mut problems = Vec::new();
        assert_eq!(section.known_or("role", "app", &mut problems), "media");
        assert_eq!(section.known_or("template", "template1", &mut problems), "template1");
        assert!(problems.is_empty());
        section.known_or("password", "app", &mut problems);
        assert_eq!(problems.len(), 1, "a reference is not silently replaced by what stands for nothing");
        assert!(!section.at("template").is_present());
        let clients: Vec<_> = section.items("clients").iter().filter_map(Section::as_string).collect();
        assert_eq!(clients, ["10.88.0.0/16", "10.89.0.0/24"]);
    }

    #[test]
    fn speaks_of_the_place() {
        let tree = instance();
        let section = Section::new(&tree, Document::Spec, Vec::new());
        let said = section.items("clients")[1].error("no network").help("10.88.0.0/16");
        assert!(matches!(&said.path[..], [Segment::Key(key), Segment::Index(1)] if key == "clients"));
        assert_eq!(said.help.as_deref(), Some("10.88.0.0/16"));
    }
}
