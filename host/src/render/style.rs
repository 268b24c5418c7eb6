//! The few styles there are.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

/// What a piece of text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Meaning {
    Create,
    Update,
    Remove,
    Warning,
    Heading,
    Quiet,
}

impl Meaning {
    fn style(self) -> Style {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        match self {
            Meaning::Create => colour(AnsiColor::Green),
            Meaning::Update => colour(AnsiColor::Yellow),
            Meaning::Remove => colour(AnsiColor::Red),
            Meaning::Warning => colour(AnsiColor::Yellow).bold(),
            Meaning::Heading => Style::new().bold(),
            Meaning::Quiet => Style::new().dimmed(),
        }
    }
}

/// The text in the style of its meaning.
pub fn styled(meaning: Meaning, text: impl Display) -> String {
    let style = meaning.style();
    format!("{style}{text}{style:#}")
}

/// What an error message begins with.
pub fn error_word() -> String {
    let style = Style::new().fg_color(Some(AnsiColor::Red.into())).bold();
    format!("{style}error:{style:#}")
}
