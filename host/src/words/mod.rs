//! Words on their way to a person: what others wrote is escaped by `text`, and all goes out by `sink`.

pub mod sink;
pub mod text;

pub use text::{is_unseen, printable, quoted, shell_line, text, toml_key};
