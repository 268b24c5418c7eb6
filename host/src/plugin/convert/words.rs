//! A plugin's own words. They end on a terminal, so what moves a cursor or reorders text is shown, not obeyed.

use crate::words::is_unseen;

/// One line.
pub fn line(words: &str) -> String {
    words.chars().fold(String::with_capacity(words.len()), |mut line, character| {
        match is_unseen(character) {
            true => line.extend(character.escape_default()),
            false => line.push(character),
        }
        line
    })
}

/// Several lines; the breaks between them stay.
pub fn lines(words: &str) -> String {
    words.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_that_it_would_obey() {
        assert_eq!(line("a\u{1b}[2Kb\nc\u{202e}d"), "a\\u{1b}[2Kb\\nc\\u{202e}d");
        assert_eq!(line("a\u{61c}b\u{ad}c"), "a\\u{61c}b\\u{ad}c");
        assert_eq!(lines("a\rb\nc"), "a\\rb\nc");
        assert_eq!(line("größer als 5 µs: ✓"), "größer als 5 µs: ✓");
    }
}
