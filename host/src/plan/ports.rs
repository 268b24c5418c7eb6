//! Ports that two instances of the stack would publish.

use super::Drafted;
use crate::{
    capability::step::{SharedPort, shared_ports},
    model::{Diagnostic, Place},
};

/// An error for each container that publishes what an earlier one does.
pub fn refuse_shared(drafts: &[Drafted]) -> Vec<Diagnostic> {
    let steps = drafts.iter().flat_map(|draft| {
        let moves = draft.planned.actions.iter().flat_map(|action| &action.moves);
        moves.map(|one| (&draft.address, &one.step))
    });
    let refused = shared_ports(steps).into_iter().map(|SharedPort { later, first, port }| {
        let message = format!("{later} and {first} would both publish port {port} of this machine");
        Diagnostic::error(Place::Instance(later, Vec::new()), message)
            .help("give one of them another one: publish_port = …")
    });
    refused.collect()
}
