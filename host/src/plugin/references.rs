//! The table of references of one call: which index the plugin knows each target by.
//!
//! | indices | what |
//! |---|---|
//! | 0.. | the references that the instance was handed, in order |
//! | then | what the instance makes, in the order in which `outputs` declares it |
//! | from 2^31 | derived ones, in the order in which they were made |
//!
//! In `outputs` the makings are known only when the call has answered, so a derived reference keeps the index it was
//! made from, and is looked up at the end. That is also why derived ones have a range of their own.

use std::collections::HashMap;

use super::What;
use crate::model::value::{Form, Target};

const DERIVED: u32 = 1 << 31;

/// A digest of an encoding of a digest is more than anybody needs, and plans are serialized recursively.
const MAX_DEPTH: u8 = 4;

/// References of one call.
#[derive(Debug, Default)]
pub struct References {
    given: Vec<Target>,
    makes: Option<Vec<Target>>,
    derived: Vec<Derived>,
    known_as: HashMap<Target, u32>,
}

#[derive(Clone, Copy, Debug)]
struct Derived {
    form: Form,
    of: u32,
    depth: u8,
}

impl References {
    /// `makes` is none while the instance has not declared what it makes.
    pub fn new(given: Vec<Target>, makes: Option<Vec<Target>>) -> Self {
        let all = given.iter().chain(makes.iter().flatten());
        let known_as = all.zip(0..).map(|(target, index)| (target.clone(), index)).collect();
        Self { given, makes, derived: Vec::new(), known_as }
    }

    /// Declares what the instance makes, once `outputs` has said so.
    pub fn declare(&mut self, makes: Vec<Target>) {
        self.makes = Some(makes);
    }

    /// What an index stands for.
    pub fn target(&self, index: u32) -> Result<Target, What> {
        if let Some(Derived { form, of, .. }) = self.derived_at(index) {
            return Ok(Target::Derived(form, Box::new(self.target(of)?)));
        }
        let position = usize::try_from(index).unwrap_or(usize::MAX);
        let made = || self.makes.as_ref()?.get(position.checked_sub(self.given.len())?);
        self.given.get(position).or_else(made).cloned().ok_or(What::ForgedReference(index))
    }

    /// The index that the plugin knows a target by.
    pub fn index(&self, target: &Target) -> Result<u32, What> {
        self.known_as.get(target).copied().ok_or_else(|| {
            What::Host(format!("`{target}` is used and was not handed over; this is a mistake in stackrun"))
        })
    }

    /// Hands out a reference to a value computed from another.
    pub fn derive(&mut self, form: Form, of: u32, most: usize) -> Result<u32, What> {
        let depth = match self.derived_at(of) {
            Some(derived) => derived.depth + 1,
            None if self.makes.is_none() && of < DERIVED => 1,
            None => self.target(of).map(|_| 1)?,
        };
        if depth > MAX_DEPTH {
            return Err(What::TooMuch(format!("more than {MAX_DEPTH} derived references on top of each other")));
        }
        if self.derived.len() >= most {
            return Err(What::TooMuch(format!("more than {most} derived references")));
        }
        let position = u32::try_from(self.derived.len()).map_err(|_| What::ForgedReference(of))?;
        self.derived.push(Derived { form, of, depth });
        Ok(DERIVED + position)
    }

    fn derived_at(&self, index: u32) -> Option<Derived> {
        let position = usize::try_from(index.checked_sub(DERIVED)?).ok()?;
        self.derived.get(position).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::{Address, Encoding};

    fn made(name: &str) -> Target {
        Target::Made(Address::new("secret", "s"), name.into())
    }

    const BASE64: Form = Form::Encoded(Encoding::Base64);

    #[test]
    fn an_index_that_was_not_handed_out_is_an_error() {
        let references = References::new(vec![made("a")], Some(vec![made("b")]));
        assert_eq!(references.target(0).unwrap(), made("a"));
        assert_eq!(references.target(1).unwrap(), made("b"));
        for forged in [2, DERIVED - 1, DERIVED, u32::MAX] {
            assert!(matches!(references.target(forged), Err(What::ForgedReference(index)) if index == forged));
        }
    }

    #[test]
    fn a_derived_one_of_something_that_outputs_has_yet_to_declare_is_looked_up_at_the_end() {
        let mut references = References::new(vec![made("a")], None);
        let derived = references.derive(BASE64, 1, 10).unwrap();
        assert!(references.target(derived).is_err());
        references.declare(vec![made("b")]);
        assert_eq!(references.target(derived).unwrap(), Target::Derived(BASE64, Box::new(made("b"))));
    }

    #[test]
    fn derived_ones_are_limited_in_depth_and_number() {
        let mut references = References::new(vec![made("a")], Some(vec![]));
        let mut top = 0;
        for _ in 0..MAX_DEPTH {
            top = references.derive(BASE64, top, 100).unwrap();
        }
        assert!(matches!(references.derive(BASE64, top, 100), Err(What::TooMuch(_))));
        assert!(matches!(references.derive(BASE64, 0, 4), Err(What::TooMuch(_))));
        assert!(matches!(references.derive(BASE64, 1, 100), Err(What::ForgedReference(1))));
    }
}
