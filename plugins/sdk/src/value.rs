//! Building trees. WIT has no recursive types, so a [`Tree`] is an arena; a [`Value`] is the same thing as Rust has it.

use crate::types::{Entry, Node, Part, Reference, Text, Tree};

/// A value as TOML, JSON or YAML have it, where strings may have holes. Tables keep their order.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Value {
    Boolean(bool),
    Integer(i64),
    Float(f64),
    /// A TOML date-time, RFC 3339.
    Moment(String),
    Text(Text),
    Items(Vec<Value>),
    Table(Vec<(String, Value)>),
    /// Nothing but one reference: it keeps the type of what it refers to.
    Reference(Reference),
}

/// A text without holes.
pub fn literal(text: impl Into<String>) -> Text {
    vec![Part::Literal(text.into())]
}

/// A text that is one reference.
pub fn reference(reference: Reference) -> Text {
    vec![Part::Reference(reference)]
}

/// The address of a connection as whoever reads it sees it; only for outputs.
pub fn address(connection: impl Into<String>) -> Text {
    vec![Part::Address(connection.into())]
}

impl Value {
    /// A table of these members.
    pub fn table<K: Into<String>>(entries: impl IntoIterator<Item = (K, Value)>) -> Self {
        Value::Table(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// A list of these elements.
    pub fn items<V: Into<Value>>(items: impl IntoIterator<Item = V>) -> Self {
        Value::Items(items.into_iter().map(Into::into).collect())
    }

    /// The member of a table.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Value::Table(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    pub(crate) fn from_node(tree: &Tree, node: &Node) -> Self {
        // The host vouches for the indices; one that leads nowhere reads as an empty table.
        let child = |index: &u32| {
            let node = usize::try_from(*index).ok().and_then(|index| tree.nodes.get(index));
            node.map_or(Value::Table(Vec::new()), |node| Value::from_node(tree, node))
        };
        match node {
            Node::Boolean(value) => Value::Boolean(*value),
            Node::Integer(value) => Value::Integer(*value),
            Node::Float(value) => Value::Float(*value),
            Node::Moment(value) => Value::Moment(value.clone()),
            Node::Text(text) => Value::Text(text.clone()),
            Node::Reference(reference) => Value::Reference(*reference),
            Node::Items(items) => Value::Items(items.iter().map(child).collect()),
            Node::Table(entries) => {
                Value::Table(entries.iter().map(|entry| (entry.key.clone(), child(&entry.value))).collect())
            }
        }
    }

    fn add_to(self, nodes: &mut Vec<Node>) -> u32 {
        let index = nodes.len();
        nodes.push(Node::Boolean(false)); // its place: children come after their parents
        nodes[index] = match self {
            Value::Boolean(value) => Node::Boolean(value),
            Value::Integer(value) => Node::Integer(value),
            Value::Float(value) => Node::Float(value),
            Value::Moment(value) => Node::Moment(value),
            Value::Text(text) => Node::Text(text),
            Value::Reference(reference) => Node::Reference(reference),
            Value::Items(items) => Node::Items(items.into_iter().map(|item| item.add_to(nodes)).collect()),
            Value::Table(entries) => {
                let entries = entries.into_iter();
                Node::Table(entries.map(|(key, value)| Entry { key, value: value.add_to(nodes) }).collect())
            }
        };
        index as u32
    }
}

impl From<&Tree> for Value {
    fn from(tree: &Tree) -> Self {
        tree.nodes.first().map_or(Value::Table(Vec::new()), |root| Value::from_node(tree, root))
    }
}

impl From<Value> for Tree {
    fn from(value: Value) -> Self {
        let mut nodes = Vec::new();
        value.add_to(&mut nodes);
        Tree { nodes }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(literal(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::Text(literal(text))
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        Value::Text(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Boolean(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Integer(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_come_after_their_parents() {
        let value = Value::table([("a", Value::items(["x", "y"])), ("b", Value::from(1))]);
        let tree = Tree::from(value);
        for (index, node) in tree.nodes.iter().enumerate() {
            let children: Vec<u32> = match node {
                Node::Items(items) => items.clone(),
                Node::Table(entries) => entries.iter().map(|entry| entry.value).collect(),
                _ => Vec::new(),
            };
            assert!(children.iter().all(|child| *child as usize > index));
        }
        let again = Value::from(&tree);
        assert!(matches!(again.get("b"), Some(Value::Integer(1))));
        assert!(matches!(again.get("a"), Some(Value::Items(items)) if items.len() == 2));
    }
}
