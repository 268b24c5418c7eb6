//! What one plugin planned for one instance.

use serde::{Deserialize, Serialize};

use crate::{
    capability::{Check, Step},
    model::{Diagnostic, Thing, value::Text},
};

/// What one plugin planned for one instance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// All that the instance owns, changed or not, in the order in which it is made.
    pub owns: Vec<Owned>,
    /// Changes of these things.
    pub actions: Vec<Action>,
    /// What `verify` runs.
    pub checks: Vec<Check>,
    /// Warnings and notes; errors make the plan fail.
    pub diagnostics: Vec<Diagnostic>,
}

/// A thing, and how to take it away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Owned {
    /// Which.
    pub thing: Thing,
    /// Destroy keeps it unless it is asked for by name.
    pub holds_data: bool,
    /// It was there before; undo leaves it there.
    pub adopted: bool,
    /// How destroy takes it away.
    pub undo: Vec<Move>,
    /// Reload or restart after that.
    pub undo_settle: Vec<Step>,
}

/// The change of one thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// Key of the thing.
    pub thing: String,
    /// What happens to it.
    pub change: Change,
    /// Why, in the plugin's words.
    pub reason: String,
    /// What differs.
    pub differences: Vec<Difference>,
    /// The steps, in order.
    pub moves: Vec<Move>,
    /// From this move on a killed run is finished, not taken back.
    pub no_return: Option<u32>,
    /// After the moves, and again after their reverts.
    pub settle: Vec<Step>,
    /// Decide whether the action succeeded.
    pub proof: Vec<Check>,
    /// Keys of the instance's own things whose actions come first.
    pub after: Vec<String>,
}

/// What happens to a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Change {
    Create,
    Update,
    Replace,
    Remove,
    Adopt,
}

/// What differs, as the reviewer sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// `owner`, `image`.
    pub what: String,
    /// None when there was nothing, or when it may not be told.
    pub before: Option<String>,
    /// None when it goes away.
    pub after: Option<Text>,
}

/// A step and how it is taken back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Move {
    /// The step.
    pub step: Step,
    /// Its revert.
    pub revert: Revert,
}

/// How a step is taken back when its action fails.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Revert {
    /// The host puts back what it found.
    ByHost,
    /// By these steps.
    Steps(Vec<Step>),
    /// It can't be, and why.
    None(String),
}

impl Owned {
    /// Whether several instances of a stack may own it: a directory. Whoever comes first makes it, and whoever leaves last
    /// takes it away.
    pub fn is_shared(&self) -> bool {
        let directory = |one: &Move| one.step.removes_a_folder();
        !self.undo.is_empty() && self.undo.iter().all(directory)
    }
}

impl Change {
    /// As the plan says it.
    pub fn word(self) -> &'static str {
        match self {
            Change::Create => "create",
            Change::Update => "update",
            Change::Replace => "replace",
            Change::Remove => "remove",
            Change::Adopt => "adopt",
        }
    }

    /// As the run says it when it is done.
    pub fn past(self) -> &'static str {
        match self {
            Change::Create => "created",
            Change::Update => "updated",
            Change::Replace => "replaced",
            Change::Remove => "removed",
            Change::Adopt => "adopted",
        }
    }
}
