//! Texts with gaps: what a plan shows, where it shows the name of a secret in place of the secret.

/// Stands for a secret: some of the characters that generated secrets, digests and numbers are made of.
pub const HOLE: char = '\u{1}';
/// Stands for whatever the rest of a text is: of an encrypted file nothing is known.
pub const ANYTHING: char = '\u{2}';

/// Whether a text is the pattern with its gaps filled.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let Some(at) = pattern.find([HOLE, ANYTHING]) else { return pattern == text };
    let Some(rest) = text.strip_prefix(&pattern[..at]) else { return false };
    let gap = &pattern[at..];
    if gap.starts_with(ANYTHING) {
        return !rest.is_empty();
    }
    let after = &gap[HOLE.len_utf8()..];
    let filled = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"+/=$:._-%".contains(byte)).count();
    (1..=filled).rev().any(|length| matches(after, &rest[length..]))
}

/// A line of a preview with what `named` has for each `(secret NAME)`, and a gap for `(…, known later)`.
#[must_use]
pub fn of_shown(line: &str, named: impl Fn(&str) -> String) -> String {
    let mut pattern = String::new();
    let mut rest = line;
    while let Some((before, held)) = rest.split_once('(') {
        pattern.push_str(before);
        let Some((words, after)) = held.split_once(')') else {
            pattern.push('(');
            rest = held;
            continue;
        };
        rest = after;
        match words.strip_prefix("secret ") {
            Some(name) => pattern.push_str(&named(name)),
            None if words.ends_with(", known later") => pattern.push(HOLE),
            None => {
                pattern.push('(');
                rest = held;
            }
        }
    }
    pattern + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(_: &str) -> String {
        HOLE.to_string()
    }

    #[test]
    fn a_secret_that_is_known_stands_in_its_place() {
        assert_eq!(of_shown("a = (secret x.y) (b)", |name| format!("<{name}>")), "a = <x.y> (b)");
    }

    #[test]
    fn a_gap_is_filled_and_all_around_it_is_the_same() {
        let pattern = of_shown("password = \"(secret a.b)\" # (secret digest of c)", gap);
        assert!(matches(&pattern, "password = \"x$1/=\" # yy"));
        for other in
            ["password = \"\" # yy", "password = \"x\" # yy!", "password = \"x\", a=\"y\" # yy", "password = \"x"]
        {
            assert!(!matches(&pattern, other), "{other}");
        }
        let later = of_shown("f(x) = (a.id, known later) (b", gap);
        assert!(matches(&later, "f(x) = 17 (b") && !matches(&later, "f(y) = 17 (b"));
        assert!(matches("a\u{2}", "a\nb") && !matches("a\u{2}", "a"));
    }
}
