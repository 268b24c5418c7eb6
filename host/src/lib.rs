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
pub mod cli;
pub mod condition;
pub mod connection;
pub mod contract;
pub mod diagnostic;
pub mod document;
pub mod exit;
#[cfg(test)]
mod fixtures;
pub mod flow;
pub mod gate;
mod hex;
pub mod host_file;
pub mod observe;
pub mod plan;
pub mod plugin;
pub mod reference;
pub mod render;
pub mod schema;
pub mod secret;
pub mod spec;
pub mod state;
pub mod step;
pub mod value;
pub mod wanted;
