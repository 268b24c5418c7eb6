//! Texts with holes, and text of others, as a reader may see them.

use crate::model::value::{Part, Target, Text};

/// A text with its holes shown by name: `postgres://(secret secret.mediamanager.database_password)@…`.
pub fn text(text: &Text) -> String {
    let part = |part: &Part| match part {
        Part::Literal(literal) => printable(literal),
        Part::Reference(target) => hole(target),
        Part::Address(connection) => format!("(address of {connection})"),
    };
    text.parts().iter().map(part).collect()
}

/// A hole by name.
pub fn hole(target: &Target) -> String {
    match target {
        Target::Output(..) => format!("({target}, known later)"),
        Target::Made(..) | Target::Derived(..) => format!("(secret {target})"),
    }
}

/// Words of a plugin, a server or a file, with control characters escaped: nobody else moves the reader's cursor.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\t' => shown.push_str("    "),
            hidden if is_unseen(hidden) => shown.extend(hidden.escape_unicode()),
            plain => shown.push(plain),
        }
    }
    shown
}

/// A string as TOML has it, with escapes for what a reader can't see: it can be shown, and pasted.
pub fn quoted(text: &str) -> String {
    let mut shown = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => shown.extend(['\\', character]),
            hidden if is_unseen(hidden) => shown.push_str(&format!("\\U{:08X}", u32::from(hidden))),
            plain => shown.push(plain),
        }
    }
    shown.push('"');
    shown
}

/// A key as TOML has it.
pub fn toml_key(name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if bare { name.to_owned() } else { quoted(name) }
}

/// A command as a shell takes it, so that it can be copied.
pub fn shell_line<'a>(words: impl IntoIterator<Item = &'a String>) -> String {
    words.into_iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" ")
}

fn shell_word(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./:=@%+,".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", printable(word).replace('\'', r"'\''"))
    }
}

/// What a terminal obeys or a reader can't see: control characters, line and paragraph separators, characters that turn
/// the direction of what follows (Unicode UAX #9), and those without a width. The only list of them.
pub fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_not_obeyed() {
        assert_eq!(printable("a\u{1b}[2Jb\r\u{202e}c\td"), "a\\u{1b}[2Jb\\u{d}\\u{202e}c    d");
    }

    #[test]
    fn what_has_no_width_or_breaks_a_line_is_shown() {
        assert_eq!(printable("ad\u{200b}min"), "ad\\u{200b}min");
        for unseen in
            "\u{85}\u{9b}\u{ad}\u{61c}\u{200d}\u{2028}\u{2029}\u{2060}\u{2066}\u{2069}\u{feff}\u{e0041}".chars()
        {
            let shown = printable(&format!("a{unseen}b"));
            assert_eq!(shown, format!("a{}b", unseen.escape_unicode()));
        }
        assert_eq!(printable("größer als 5 µs: ✓"), "größer als 5 µs: ✓");
    }

    #[test]
    fn toml_gets_the_string_back_and_a_reader_sees_it() {
        for text in ["/srv/app", "it's \"quoted\" \\", "a\u{202e}b\n\u{1b}[2J\u{e0041}", ""] {
            let shown = quoted(text);
            assert!(!shown.chars().any(is_unseen), "{shown}");
            let back: toml::Table = toml::from_str(&format!("it = {shown}")).unwrap();
            assert_eq!(back["it"].as_str(), Some(text));
        }
    }

    #[test]
    fn a_shell_gets_the_words_back() {
        let words = ["plain/a.b=c", "two words", "it's \"$HOME\" `id` \\", ""].map(str::to_owned);
        let line = shell_line(&words);
        let echoed = std::process::Command::new("sh").args(["-c", &format!("printf '%s|' {line}")]).output().unwrap();
        assert_eq!(String::from_utf8(echoed.stdout).unwrap(), words.map(|word| format!("{word}|")).concat());
        assert!(line.starts_with("plain/a.b=c 'two words' "), "{line}");
    }

    #[test]
    fn holes_are_named() {
        let target = Target::Made("secret.app".parse().unwrap(), "password".to_owned());
        let shown = text(&Text::new([Part::Literal("x=".into()), Part::Reference(target)]));
        assert_eq!(shown, "x=(secret secret.app.password)");
    }
}
