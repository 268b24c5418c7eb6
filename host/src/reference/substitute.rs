//! Puts values in the place of targets.

use crate::model::value::{Part, Target, Text, Tree};

/// The most characters and nodes that one value may grow to: outputs that repeat others could double for ever.
const LARGEST: usize = 4 << 20;

/// Why a value can't be put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// A list or a table within a longer string.
    NotScalar(Target),
    /// A digest of something that is no reference.
    NothingToDerive(Target),
    /// It grows beyond all measure.
    TooLarge,
}

/// What a target stands for; none leaves it as it is.
pub(super) type Values<'v> = dyn FnMut(&Target) -> Result<Option<Tree>, Problem> + 'v;

/// A copy with every target replaced that has a value. A value that stands alone keeps its type.
pub(super) fn tree(tree: &Tree, values: &mut Values<'_>) -> Result<Tree, Problem> {
    let mut size = 0;
    walk(tree, values, &mut size)
}

fn walk(tree: &Tree, values: &mut Values<'_>, size: &mut usize) -> Result<Tree, Problem> {
    Ok(match tree {
        Tree::Reference(target) => {
            let value = one(target, values)?;
            grow(size, weight(&value))?;
            value
        }
        // A text of one reference is that reference: plugins may write either.
        Tree::Text(text) => match text.as_reference() {
            Some(target) => match one(target, values)? {
                Tree::Reference(same) => Tree::Text(Text::new([Part::Reference(same)])),
                value => {
                    grow(size, weight(&value))?;
                    value
                }
            },
            None => {
                let filled = fill(text, values)?;
                grow(size, text_weight(&filled))?;
                Tree::Text(filled)
            }
        },
        Tree::Items(items) => Tree::Items(items.iter().map(|item| walk(item, values, size)).collect::<Result<_, _>>()?),
        Tree::Table(entries) => {
            let filled = entries.iter().map(|(key, value)| Ok((key.clone(), walk(value, values, size)?)));
            Tree::Table(filled.collect::<Result<_, Problem>>()?)
        }
        scalar => scalar.clone(),
    })
}

/// The value of a target that stands alone.
fn one(target: &Target, values: &mut Values<'_>) -> Result<Tree, Problem> {
    match target {
        Target::Derived(form, of) => match one(of, values)? {
            Tree::Reference(source) => Ok(Tree::Reference(Target::Derived(*form, Box::new(source)))),
            Tree::Text(text) => match text.as_reference() {
                Some(source) => Ok(Tree::Reference(Target::Derived(*form, Box::new(source.clone())))),
                None => Err(Problem::NothingToDerive((**of).clone())),
            },
            _ => Err(Problem::NothingToDerive((**of).clone())),
        },
        target => Ok(values(target)?.unwrap_or_else(|| Tree::Reference(target.clone()))),
    }
}

fn fill(text: &Text, values: &mut Values<'_>) -> Result<Text, Problem> {
    let mut parts = Vec::with_capacity(text.parts().len());
    for part in text.parts() {
        match part {
            Part::Reference(target) => {
                let value = one(target, values)?.to_text().ok_or_else(|| Problem::NotScalar(target.clone()))?;
                parts.extend(value.parts().iter().cloned());
            }
            other => parts.push(other.clone()),
        }
    }
    Ok(Text::new(parts))
}

fn grow(size: &mut usize, by: usize) -> Result<(), Problem> {
    *size = size.saturating_add(by);
    if *size > LARGEST { Err(Problem::TooLarge) } else { Ok(()) }
}

fn weight(tree: &Tree) -> usize {
    match tree {
        Tree::Text(text) => text_weight(text),
        Tree::Items(items) => 1 + items.iter().map(weight).sum::<usize>(),
        Tree::Table(entries) => 1 + entries.iter().map(|(key, value)| key.len() + weight(value)).sum::<usize>(),
        _ => 1,
    }
}

fn text_weight(text: &Text) -> usize {
    let part = |part: &Part| match part {
        Part::Literal(literal) => literal.len(),
        _ => 16,
    };
    1 + text.parts().iter().map(part).sum::<usize>()
}
