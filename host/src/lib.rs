//! The stackrun host runtime. One module for each stage of the flow:
//!
//! ```text
//! mediamanager.toml --spec--> instances --reference--> sections --plugin, gate, observe--> things, actions, checks
//!     --plan--> order, review --apply, step--> carried out, journalled --state--> --condition--> checks
//! ```
//!
//! `value` and `wanted` are the data that flows, `connection` and `secret` what it reaches, `host_file` and `contract`
//! what else is read, `diagnostic` how all of them speak to the person at the terminal.

// The macros panic where a reader has gone away: `render` prints.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod apply;
pub mod cache;
pub mod capability;
pub mod cli;
pub mod contract;
pub mod diagnostic;
pub mod document;
pub mod draft;
pub mod exit;
pub mod flow;
mod hex;
pub mod host_file;
pub mod model;
pub mod plan;
pub mod plugin;
pub mod reference;
pub mod render;
pub mod schema;
pub mod spec;
pub mod state;
#[cfg(test)]
mod test_support;
pub mod words;
pub mod world;
