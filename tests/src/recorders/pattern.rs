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

/// A line of a preview with gaps for `(secret …)` and for `(…, known later)`.
#[must_use]
pub fn of_shown(line: &str) -> String {
    let mut pattern = String::new();
    let mut rest = line;
    while let Some((before, named)) = rest.split_once('(') {
        pattern.push_str(before);
        match named.split_once(')') {
            Some((name, after)) if name.starts_with("secret ") || name.ends_with(", known later") => {
                pattern.push(HOLE);
                rest = after;
            }
            _ => {
                pattern.push('(');
                rest = named;
            }
        }
    }
    pattern + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_filled_and_all_around_it_is_the_same() {
        let pattern = of_shown("password = \"(secret a.b)\" # (secret digest of c)");
        assert!(matches(&pattern, "password = \"x$1/=\" # yy"));
        for other in
            ["password = \"\" # yy", "password = \"x\" # yy!", "password = \"x\", a=\"y\" # yy", "password = \"x"]
        {
            assert!(!matches(&pattern, other), "{other}");
        }
        let later = of_shown("f(x) = (a.id, known later) (b");
        assert!(matches(&later, "f(x) = 17 (b") && !matches(&later, "f(y) = 17 (b"));
        assert!(matches("a\u{2}", "a\nb") && !matches("a\u{2}", "a"));
    }
}
