//! From TOML to trees.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Index, Piece, broken, pieces, reference::target};
use crate::model::{
    Diagnostic, Place, Segment,
    value::{Address, Part, Target, Text, Tree},
};

/// The table of an instance, its strings compiled.
pub(super) fn compile(
    table: &DeTable<'_>,
    address: &Address,
    index: &Index,
    diagnostics: &mut Vec<Diagnostic>,
) -> Tree {
    compiling(address, index, diagnostics, |walk| walk.table(table))
}

/// A value for a field of an instance, its strings compiled.
pub(super) fn compile_value(
    value: &Spanned<DeValue<'_>>,
    address: &Address,
    index: &Index,
    diagnostics: &mut Vec<Diagnostic>,
) -> Tree {
    compiling(address, index, diagnostics, |walk| walk.value(value))
}

fn compiling(
    address: &Address,
    index: &Index,
    diagnostics: &mut Vec<Diagnostic>,
    what: impl FnOnce(&mut Walk<'_>) -> Tree,
) -> Tree {
    let place = |path: &[Segment]| Place::Instance(address.clone(), path.to_vec());
    let strings = |text: &str, path: &[Segment], diagnostics: &mut Vec<Diagnostic>| {
        string(text, address, index, &mut |message, help, within| {
            let mut path = path.to_vec();
            path.push(Segment::Within { within });
            diagnostics.push(Diagnostic::error(place(&path), message).help(help));
        })
    };
    what(&mut Walk { place: &place, strings: &strings, path: Vec::new(), diagnostics })
}

/// A document whose strings are themselves: the host file, a contract.
pub fn plain(table: &DeTable<'_>, place: &dyn Fn(&[Segment]) -> Place, diagnostics: &mut Vec<Diagnostic>) -> Tree {
    let strings = |text: &str, _: &[Segment], _: &mut Vec<Diagnostic>| Tree::literal(text);
    Walk { place, strings: &strings, path: Vec::new(), diagnostics }.table(table)
}

/// A default of a schema, its strings compiled for an instance; none where a reference leads to no instance: then there
/// is no default. Two instances that could be meant are an error: the message and what to do.
pub fn from_json(
    value: &serde_json::Value,
    address: &Address,
    index: &Index,
) -> Result<Option<Tree>, (String, String)> {
    use serde_json::Value;
    Ok(Some(match value {
        Value::Null => return Ok(None),
        Value::Bool(value) => Tree::Boolean(*value),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => Tree::Integer(integer),
            None => Tree::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => {
            let mut problem = None;
            let tree = string(text, address, index, &mut |message, help, within| {
                problem.get_or_insert((message, help, within));
            });
            match problem {
                Some((_, _, within)) if leads_nowhere(&within, index) => return Ok(None),
                Some((message, help, _)) => return Err((message, help)),
                None => tree,
            }
        }
        Value::Array(items) => {
            let mut trees = Vec::with_capacity(items.len());
            for item in items {
                match from_json(item, address, index)? {
                    Some(tree) => trees.push(tree),
                    None => return Ok(None),
                }
            }
            Tree::Items(trees)
        }
        Value::Object(members) => {
            let mut entries = Vec::with_capacity(members.len());
            for (key, member) in members {
                match from_json(member, address, index)? {
                    Some(tree) => entries.push((key.clone(), tree)),
                    None => return Ok(None),
                }
            }
            Tree::Table(entries)
        }
    }))
}

fn leads_nowhere(written: &str, index: &Index) -> bool {
    let kind = written.trim_start_matches("${").split('.').next().unwrap_or_default();
    index.names(kind).is_empty()
}

/// A string with its references looked up. `problem` takes message, help, and the piece that is meant.
fn string(text: &str, from: &Address, index: &Index, problem: &mut dyn FnMut(String, String, String)) -> Tree {
    let pieces = pieces(text);
    let alone = pieces.len() == 1;
    let mut parts = Vec::with_capacity(pieces.len());
    for piece in pieces {
        parts.push(match piece {
            Piece::Literal(literal) => Part::Literal(literal.to_owned()),
            Piece::Unclosed(rest) => {
                let help = "close it with `}`; for the characters themselves write `$${`";
                problem("a reference has no end".to_owned(), help.to_owned(), rest.to_owned());
                Part::Reference(broken())
            }
            Piece::Reference(inside) => {
                let written = || format!("${{{inside}}}");
                match target(inside, from, index) {
                    Ok(Target::Output(address, field)) if field == "*" && !alone => {
                        let help = format!("`${{{address}.*}}` stands alone, as the whole value of a field");
                        problem("a table can't be part of a string".to_owned(), help, written());
                        Part::Reference(broken())
                    }
                    Ok(target) => Part::Reference(target),
                    Err(wrong) => {
                        problem(wrong.message, wrong.help, written());
                        Part::Reference(broken())
                    }
                }
            }
        });
    }
    match (alone, parts.pop()) {
        (true, Some(Part::Reference(target))) => Tree::Reference(target),
        (_, last) => Tree::Text(Text::new(parts.into_iter().chain(last))),
    }
}

type Strings<'a> = dyn Fn(&str, &[Segment], &mut Vec<Diagnostic>) -> Tree + 'a;

struct Walk<'a> {
    place: &'a dyn Fn(&[Segment]) -> Place,
    strings: &'a Strings<'a>,
    path: Vec<Segment>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Walk<'_> {
    fn table(&mut self, table: &DeTable<'_>) -> Tree {
        let mut entries = Vec::with_capacity(table.len());
        for (key, value) in table.iter() {
            self.path.push(Segment::Key(key.get_ref().to_string()));
            entries.push((key.get_ref().to_string(), self.value(value)));
            self.path.pop();
        }
        Tree::Table(entries)
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>) -> Tree {
        match value.get_ref() {
            DeValue::String(text) => (self.strings)(text, &self.path, self.diagnostics),
            DeValue::Boolean(value) => Tree::Boolean(*value),
            DeValue::Integer(written) => match i64::from_str_radix(written.as_str(), written.radix()) {
                Ok(integer) => Tree::Integer(integer),
                Err(_) => self.too_large("an integer has at most 64 bits"),
            },
            DeValue::Float(written) => match written.as_str().parse() {
                Ok(float) => Tree::Float(float),
                Err(_) => self.too_large("this is no number that a computer can hold"),
            },
            DeValue::Datetime(moment) => Tree::Moment(moment.to_string()),
            DeValue::Table(table) => self.table(table),
            DeValue::Array(items) => {
                let mut trees = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    self.path.push(Segment::Index(index));
                    trees.push(self.value(item));
                    self.path.pop();
                }
                Tree::Items(trees)
            }
        }
    }

    fn too_large(&mut self, message: &str) -> Tree {
        self.diagnostics.push(Diagnostic::error((self.place)(&self.path), message));
        Tree::Reference(broken())
    }
}
