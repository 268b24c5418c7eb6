//! Ports of this machine that two new containers of one stack would publish: neither of them has it yet, so that no
//! plugin can see the other.

use std::collections::HashMap;

use super::Drafted;
use crate::{
    capability::{Step, containers::ContainerCreate},
    model::{Diagnostic, Place, value::Address},
};

/// An error for each container that publishes what an earlier one does.
pub fn refuse_shared(drafts: &[Drafted]) -> Vec<Diagnostic> {
    let mut publishers: HashMap<(&str, Option<&str>, u16), &Address> = HashMap::new();
    let mut refused = Vec::new();
    for draft in drafts {
        let moves = draft.planned.actions.iter().flat_map(|action| &action.moves);
        for one in moves {
            let Step::ContainerCreate(ContainerCreate { connection, definition }) = &one.step else { continue };
            for port in &definition.ports {
                let published = (connection.as_str(), port.host_address.as_deref(), port.host);
                match publishers.insert(published, &draft.address) {
                    Some(other) if other != &draft.address => refused.push(
                        Diagnostic::error(
                            Place::Instance(draft.address.clone(), Vec::new()),
                            format!(
                                "{} and {other} would both publish port {} of this machine",
                                draft.address, port.host
                            ),
                        )
                        .help("give one of them another one: publish_port = …"),
                    ),
                    _ => {}
                }
            }
        }
    }
    refused
}
