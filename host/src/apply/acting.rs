//! What a step has at hand.

use crate::{gate::Gate, observe::World};

/// The world, and the gate of the instance in whose name a step acts.
#[derive(Clone, Copy, Debug)]
pub struct Acting<'a> {
    /// The outside.
    pub world: &'a World,
    /// Checked again before each step.
    pub gate: &'a Gate,
}
