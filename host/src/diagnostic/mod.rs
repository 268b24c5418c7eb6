//! Messages for the person at the terminal: what is wrong, where in which of their files, and what to do.
//!
//! `source` turns a `Place` into bytes of a file, `render` shows many messages at once, for people and as JSON.

mod render;
mod source;
mod suggest;

pub use render::{render, to_json};
pub use source::{Source, Sources};
pub use suggest::{closest, listed};

#[cfg(test)]
mod tests;
