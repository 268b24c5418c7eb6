//! How plans, runs and states look to a person. Everything here writes text with ANSI styles; where it is printed they
//! are taken out again when nobody asked for colour.

mod output;
mod plan;
mod progress;
mod standing;
mod style;

pub use output::{failed, print, print_line, print_secret, tell, tell_line};
pub use plan::plan;
pub use progress::{Human, JsonLines, reporter};
pub use standing::standing;
pub use style::error_word;
