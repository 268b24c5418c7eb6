//! What a step has at hand.

use std::collections::HashMap;

use super::{Gate, Step};
use crate::{model::value::Address, world::World};

/// The gates of a run, by instance.
pub type Gates = HashMap<Address, Gate>;

/// The world, and the gate of the instance in whose name a step acts.
#[derive(Clone, Copy, Debug)]
pub struct Acting<'a> {
    /// The outside.
    pub world: &'a World,
    /// Checked again before each step.
    pub gate: &'a Gate,
    /// The gates of all instances of the run: what another instance wants proved is asked in its name.
    pub gates: &'a Gates,
}

impl<'a> Acting<'a> {
    /// The same world in the name of another instance; none when the run knows no such instance.
    pub fn in_the_name_of(&self, instance: &Address) -> Option<Acting<'a>> {
        self.gates.get(instance).map(|gate| Acting { gate, ..*self })
    }

    /// One line: what a step does, with the values of holes that are no secrets.
    pub fn headline(&self, step: &Step) -> String {
        step.shown(&|target| self.world.vault.plain_marker(target)).headline()
    }
}
