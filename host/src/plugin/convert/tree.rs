//! Texts and trees, both ways. WIT has no recursive types, so a tree crosses as an arena of nodes.

use std::collections::HashSet;

use crate::{
    model::value::{Part, Text, Tree, ValueType},
    plugin::{What, bindings::stackrun::plugin::types as wit, references::References},
};

/// Deeper than any configuration file, and shallow enough for whatever walks it recursively.
const MAX_DEPTH: usize = 64;

impl References {
    /// A text as the plugin gets it.
    pub fn text_to_wit(&self, text: &Text) -> Result<wit::Text, What> {
        let part = |part: &Part| {
            Ok(match part {
                Part::Literal(literal) => wit::Part::Literal(literal.clone()),
                Part::Reference(target) => wit::Part::Reference(self.index(target)?),
                Part::Address(connection) => wit::Part::Address(connection.clone()),
            })
        };
        text.parts().iter().map(part).collect()
    }

    /// A text as the plugin gave it.
    pub fn text_from_wit(&self, text: wit::Text) -> Result<Text, What> {
        let part = |part: wit::Part| {
            Ok(match part {
                wit::Part::Literal(literal) => Part::Literal(literal),
                wit::Part::Reference(index) => Part::Reference(self.target(index)?),
                wit::Part::Address(connection) => Part::Address(connection),
            })
        };
        Ok(Text::new(text.into_iter().map(part).collect::<Result<Vec<_>, What>>()?))
    }

    /// A tree as the plugin gets it: every node before its children.
    pub fn tree_to_wit(&self, tree: &Tree) -> Result<wit::Tree, What> {
        let mut nodes = Vec::new();
        self.flatten(tree, &mut nodes)?;
        Ok(wit::Tree { nodes })
    }

    fn flatten(&self, tree: &Tree, nodes: &mut Vec<wit::Node>) -> Result<u32, What> {
        let index = nodes.len();
        // Keeps the place while children are numbered.
        nodes.push(wit::Node::Boolean(false));
        let node = match tree {
            Tree::Boolean(value) => wit::Node::Boolean(*value),
            Tree::Integer(value) => wit::Node::Integer(*value),
            Tree::Float(value) => wit::Node::Float(*value),
            Tree::Moment(value) => wit::Node::Moment(value.clone()),
            Tree::Text(text) => wit::Node::Text(self.text_to_wit(text)?),
            Tree::Reference(target) => wit::Node::Reference(self.index(target)?),
            Tree::Items(items) => {
                let items = items.iter().map(|item| self.flatten(item, nodes));
                wit::Node::Items(items.collect::<Result<_, What>>()?)
            }
            Tree::Table(entries) => {
                let entries = entries.iter().map(|(key, value)| {
                    let value = self.flatten(value, nodes)?;
                    Ok(wit::Entry { key: key.clone(), value })
                });
                wit::Node::Table(entries.collect::<Result<_, What>>()?)
            }
        };
        nodes[index] = node;
        u32::try_from(index).map_err(|_| What::Host("the section has too many values".into()))
    }

    /// A tree as the plugin gave it. Children come after their parent, so no ring can be; no node has two parents, so
    /// a small arena can't stand for a huge tree.
    pub fn tree_from_wit(&self, tree: wit::Tree) -> Result<Tree, What> {
        let mut nodes = tree.nodes.into_iter().map(Some).collect();
        self.unfold(&mut nodes, 0, 0)
    }

    fn unfold(&self, nodes: &mut Vec<Option<wit::Node>>, index: usize, depth: usize) -> Result<Tree, What> {
        if depth > MAX_DEPTH {
            return Err(What::TooMuch(format!("a tree deeper than {MAX_DEPTH} levels")));
        }
        let node = match nodes.get_mut(index) {
            Some(node) => node.take().ok_or_else(|| incoherent(format!("node {index} of a tree has two parents")))?,
            None => return Err(incoherent(format!("a tree has no node {index}"))),
        };
        let child = |child: u32| match usize::try_from(child) {
            Ok(child) if child > index => Ok(child),
            _ => Err(incoherent(format!("node {child} of a tree is a child of node {index}, which comes after it"))),
        };
        Ok(match node {
            wit::Node::Boolean(value) => Tree::Boolean(value),
            wit::Node::Integer(value) => Tree::Integer(value),
            wit::Node::Float(value) => Tree::Float(value),
            wit::Node::Moment(value) => Tree::Moment(value),
            wit::Node::Text(text) => Tree::Text(self.text_from_wit(text)?),
            wit::Node::Reference(reference) => Tree::Reference(self.target(reference)?),
            wit::Node::Items(items) => {
                let items = items.into_iter().map(|item| self.unfold(nodes, child(item)?, depth + 1));
                Tree::Items(items.collect::<Result<_, What>>()?)
            }
            wit::Node::Table(entries) => {
                let keys: HashSet<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
                if keys.len() < entries.len() {
                    return Err(incoherent(format!("the table at node {index} of a tree has a key twice")));
                }
                let entries = entries.into_iter().map(|wit::Entry { key, value }| {
                    let value = self.unfold(nodes, child(value)?, depth + 1)?;
                    Ok((key, value))
                });
                Tree::Table(entries.collect::<Result<_, What>>()?)
            }
        })
    }
}

fn incoherent(what: String) -> What {
    What::Incoherent(what)
}

/// A type as the plugin gets it.
pub fn type_to_wit(value_type: ValueType) -> wit::ValueType {
    match value_type {
        ValueType::Text => wit::ValueType::Text,
        ValueType::Integer => wit::ValueType::Integer,
        ValueType::Boolean => wit::ValueType::Boolean,
        ValueType::Items => wit::ValueType::Items,
        ValueType::Table => wit::ValueType::Table,
    }
}

/// A type as the plugin gave it.
pub fn type_from_wit(value_type: wit::ValueType) -> ValueType {
    match value_type {
        wit::ValueType::Text => ValueType::Text,
        wit::ValueType::Integer => ValueType::Integer,
        wit::ValueType::Boolean => ValueType::Boolean,
        wit::ValueType::Items => ValueType::Items,
        wit::ValueType::Table => ValueType::Table,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::value::{Address, Target};

    fn references() -> References {
        let targets = ["a", "b"].map(|name| Target::Made(Address::new("secret", "s"), name.into()));
        References::new(targets.to_vec(), Some(Vec::new()))
    }

    fn any_text() -> impl Strategy<Value = Text> {
        let part = prop_oneof![
            "[a-z\"\\\\\n]{0,3}".prop_map(Part::Literal),
            "[ab]".prop_map(|name| Part::Reference(Target::Made(Address::new("secret", "s"), name))),
            "[a-z]{1,3}".prop_map(Part::Address),
        ];
        prop::collection::vec(part, 0..4).prop_map(Text::new)
    }

    fn any_tree() -> impl Strategy<Value = Tree> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Tree::Boolean),
            any::<i64>().prop_map(Tree::Integer),
            (-1e9..1e9).prop_map(Tree::Float),
            any_text().prop_map(Tree::Text),
            "[ab]".prop_map(|name| Tree::Reference(Target::Made(Address::new("secret", "s"), name))),
        ];
        leaf.prop_recursive(5, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Tree::Items),
                prop::collection::btree_map("[a-z]{1,4}", inner, 0..5)
                    .prop_map(|map| Tree::Table(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_tree_comes_back_as_it_went(tree in any_tree()) {
            let references = references();
            let there = references.tree_to_wit(&tree).unwrap();
            prop_assert_eq!(references.tree_from_wit(there).unwrap(), tree);
        }
    }

    fn refused(nodes: Vec<wit::Node>) -> String {
        references().tree_from_wit(wit::Tree { nodes }).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        use wit::Node::{Boolean, Items, Reference, Table};
        let entry = |key: &str, value| wit::Entry { key: key.into(), value };
        let cases = [
            (vec![], "a tree has no node 0"),
            (vec![Items(vec![0])], "node 0 of a tree is a child of node 0, which comes after it"),
            (vec![Items(vec![1]), Items(vec![0])], "node 0 of a tree is a child of node 1, which comes after it"),
            (vec![Items(vec![1, 1]), Boolean(true)], "node 1 of a tree has two parents"),
            (vec![Items(vec![7])], "a tree has no node 7"),
            (vec![Table(vec![entry("k", 1), entry("k", 2)])], "the table at node 0 of a tree has a key twice"),
        ];
        for (nodes, why) in cases {
            assert_eq!(refused(nodes), format!("its answer does not hold together: {why}"));
        }
        assert_eq!(refused(vec![Reference(2)]), "it used reference 2, which was not handed out in this call");
        let deep = (1..=100).map(|index| Items(vec![index])).collect();
        assert_eq!(refused(deep), "it hands over more than is taken: a tree deeper than 64 levels");
    }
}
