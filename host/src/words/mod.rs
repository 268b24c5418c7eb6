//! Words on their way to a person: what others wrote is escaped here.

pub mod text;

pub use text::{is_unseen, printable, quoted, shell_line, text, toml_key};
