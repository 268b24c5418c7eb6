//! How a command ends: exit codes in one place, and the errors that lead to them.

use std::fmt;

use crate::{host_file::Unusable, model::Denial, plan::Stale, world::state::LockHeld};

/// Exit codes of every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// Anything that has no code of its own.
    Error = 1,
    /// Changes are pending (`--detailed-exitcode`).
    Pending = 2,
    /// The spec or the host file is invalid.
    Invalid = 3,
    /// The saved plan is stale.
    Stale = 4,
    /// Another run holds the lock.
    Locked = 5,
    /// Apply stopped part-way.
    PartWay = 6,
    /// A proof or a check failed.
    Unproven = 7,
    /// A plugin was denied, trapped or ran past its limits.
    Plugin = 8,
}

/// Why a command did not do what it was asked: a code, and words for the person. What is already printed has no words.
#[derive(Debug)]
pub struct Ended {
    /// The code.
    pub exit: Exit,
    /// For standard error; empty when it has been said.
    pub message: String,
}

impl Ended {
    /// With words.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// When everything has been said.
    pub fn said(exit: Exit) -> Self {
        Self::new(exit, "")
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Errors that have a code of their own are found wherever they stand in the chain.
impl From<anyhow::Error> for Ended {
    fn from(error: anyhow::Error) -> Self {
        let exit = error.chain().find_map(exit_of).unwrap_or(Exit::Error);
        Self::new(exit, format!("{error:#}"))
    }
}

fn exit_of(cause: &(dyn std::error::Error + 'static)) -> Option<Exit> {
    if cause.is::<LockHeld>() {
        return Some(Exit::Locked);
    }
    if cause.is::<Stale>() {
        return Some(Exit::Stale);
    }
    if cause.is::<Unusable>() {
        return Some(Exit::Invalid);
    }
    if cause.is::<Denial>() {
        return Some(Exit::Plugin);
    }
    None
}
