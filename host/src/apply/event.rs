//! What a run reports while it works: one line of JSON each with `--json`, a line of progress for a person.

use serde::Serialize;

use crate::{draft::Change, model::value::Address};

/// Something happened. No event holds a secret: failures are redacted before they come here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Event {
    /// A run that was killed is being dealt with.
    Recovering {
        what: String,
    },
    ActionBegan {
        instance: Address,
        thing: String,
        change: Change,
    },
    /// A step is about to be carried out.
    StepBegan {
        instance: Address,
        headline: String,
    },
    ActionDone {
        instance: Address,
        thing: String,
        change: Change,
        milliseconds: u128,
    },
    ActionFailed {
        instance: Address,
        thing: String,
        because: String,
    },
    /// Steps of a failed action were taken back.
    Reverted {
        instance: Address,
        thing: String,
        complete: bool,
    },
    CheckBegan {
        instance: Address,
        says: String,
    },
    CheckDone {
        instance: Address,
        id: String,
        says: String,
        held: bool,
        because: Option<String>,
        milliseconds: u128,
    },
    /// Something the person should know.
    Note {
        message: String,
    },
}

/// Where events go.
pub trait Reporter: Send + Sync {
    /// Called from the run's own thread, and from checks that run side by side.
    fn report(&self, event: Event);
}
