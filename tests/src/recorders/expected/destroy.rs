//! What taking a stack away does, by the undo of each thing in the plan that made it.
//!
//! `destroy` prints its own plan as text alone; the undo of each thing stands in the JSON of the plan that was applied.

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Around, World, list, step};
use crate::recorders::Expected;

/// All effects of `destroy`, with the data of the instances in `data` or without.
///
/// # Errors
/// A step that the matcher does not know.
pub fn effects(plan: &Value, data: &[&str], around: &Around<'_>) -> Result<Vec<Expected>> {
    let mut world = World::new(plan, around);
    let mut settled = Vec::new();
    // Backwards: a folder goes after the file in it.
    for instance in list(plan, "/instances").iter().rev() {
        let address = instance["address"].as_str().context("an instance without an address")?;
        for owned in list(instance, "/planned/owns").iter().rev() {
            if owned["holds_data"] == true && !data.contains(&address) {
                continue;
            }
            for one in list(owned, "/undo") {
                step::carried_out(&one["step"], None, address, &mut world)?;
            }
            for one in list(owned, "/undo_settle") {
                if !settled.contains(&one) {
                    settled.push(one);
                    step::carried_out(one, None, address, &mut world)?;
                }
            }
        }
    }
    world.finish()
}
