//! Environment files: `KEY=VALUE` lines.
//!
//! Their readers disagree: systemd's `EnvironmentFile`, a shell that sources the file, dotenv libraries, and
//! `podman --env-file`, which takes everything behind `=` as it is. What is written here reads the same in as many of
//! them as can be:
//!
//! | value | written as | read by |
//! |---|---|---|
//! | letters, digits and `_./:@%+,^=-` | as it is | all |
//! | no `'` and no `\` | `'value'` | systemd, shells, dotenv |
//! | else | `"value"`, with `\` before `"`, `\`, `$` and `` ` `` | systemd, shells |
//! | line breaks and other control characters | refused | |
//!
//! Reading takes an unquoted value as it is, undoes the two ways of quoting, and expands nothing. (The dotenv crates
//! replace `$NAME` inside values, which would change a secret that holds a dollar sign.) A line that is neither `KEY=VALUE`
//! nor a comment is an error: a decrypted secret with warnings around it must not be taken for one without.

use zeroize::Zeroizing;

/// A value as it stands behind `KEY=`. The error says what the format can't carry, without the value.
pub fn value(value: &str) -> Result<Zeroizing<String>, &'static str> {
    if value.chars().any(char::is_control) {
        return Err("an environment file can't carry line breaks and other control characters");
    }
    // A shell makes a home of `~`, at the front and after a colon.
    let plain = |c: char| c.is_ascii_alphanumeric() || "_./:@%+,^=-".contains(c);
    Ok(Zeroizing::new(if value.chars().all(plain) {
        value.to_owned()
    } else if !value.contains(['\'', '\\']) {
        format!("'{value}'")
    } else {
        let mut quoted = String::with_capacity(value.len() + 8);
        quoted.push('"');
        for c in value.chars() {
            if matches!(c, '"' | '\\' | '$' | '`') {
                quoted.push('\\');
            }
            quoted.push(c);
        }
        quoted.push('"');
        quoted
    }))
}

/// Whether something can be the name of a variable.
pub fn is_key(key: &str) -> bool {
    !key.starts_with(|c: char| c.is_ascii_digit())
        && !key.is_empty()
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A line that can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong, without its text: it may hold a secret.
    pub problem: &'static str,
}

/// All variables of a file, in its order. Of two with one name the last counts for whoever reads them in order.
pub fn parse(text: &str) -> Result<Vec<(String, Zeroizing<String>)>, BadLine> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let bad = |problem| BadLine { line: index + 1, problem };
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let line = line.strip_prefix("export ").map_or(line, str::trim_start);
        let (key, rest) = line.split_once('=').ok_or_else(|| bad("it is neither KEY=VALUE nor a comment"))?;
        if !is_key(key) {
            return Err(bad("what stands before `=` is no name of a variable"));
        }
        found.push((key.to_owned(), unquote(rest).map_err(bad)?));
    }
    Ok(found)
}

fn unquote(text: &str) -> Result<Zeroizing<String>, &'static str> {
    let open = "it has an opening quote without a closing one at its end";
    if let Some(rest) = text.strip_prefix('\'') {
        let inner = rest.strip_suffix('\'').ok_or(open)?;
        return match inner.contains('\'') {
            true => Err("it has a quote inside quotes"),
            false => Ok(Zeroizing::new(inner.to_owned())),
        };
    }
    let Some(rest) = text.strip_prefix('"') else { return Ok(Zeroizing::new(text.to_owned())) };
    let mut value = Zeroizing::new(String::with_capacity(rest.len()));
    let mut characters = rest.chars();
    while let Some(c) = characters.next() {
        match c {
            '"' if characters.as_str().is_empty() => return Ok(value),
            '"' => return Err("it has a quote inside quotes"),
            '\\' => match characters.next().ok_or(open)? {
                escaped @ ('"' | '\\' | '$' | '`') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            c => value.push(c),
        }
    }
    Err(open)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap().into_iter().map(|(key, value)| (key, value.to_string())).collect()
    }

    #[test]
    fn reads_what_agenix_and_others_put_on_a_machine() {
        let found = read("# secrets\nTOKEN_SECRET=abc$def#x=\nexport DB='a b'\n\nQ=\"a\\\"b\\\\c\\n\"\n");
        let expected = [("TOKEN_SECRET", "abc$def#x="), ("DB", "a b"), ("Q", "a\"b\\c\\n")];
        assert_eq!(found, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_warning_around_a_secret_is_not_swallowed() {
        let text = "warning: Git tree is dirty\nTOKEN_SECRET=abc\n";
        assert_eq!(parse(text).unwrap_err().line, 1);
        assert!(parse("TOKEN_SECRET='abc").is_err());
        assert!(parse("TOKEN SECRET=abc").is_err());
    }

    proptest! {
        #[test]
        fn a_value_arrives_unchanged_or_is_refused(text in r#"([ -~]|['"\\$`%{}\n\t#;= é漢😀]){0,24}"#) {
            match value(&text) {
                Ok(written) => prop_assert_eq!(read(&format!("K={}", *written)), [("K".to_owned(), text)]),
                Err(_) => prop_assert!(text.chars().any(char::is_control)),
            }
        }
    }

    /// All values of a file, as a real shell finds them.
    fn by_shell(values: &[String]) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("env");
        let lines = values.iter().enumerate().map(|(n, text)| format!("V{n}={}\n", *value(text).unwrap()));
        std::fs::write(&file, lines.collect::<String>()).unwrap();
        let shown: String = (0..values.len()).map(|n| format!("printf '%s\\n' \"$V{n}\"; ")).collect();
        let script = format!(". {}; {shown}", file.display());
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_shell_reads_the_same() {
        let values = [
            "plain",
            "",
            "a b",
            "it's",
            "$HOME",
            "`id`",
            "a\\b\"c$d`e'f",
            "{{x}} %s !x *",
            "é漢😀",
            "a=b#c;d&e|f",
            "~",
            "~root/x",
            "a:~/b",
        ];
        let values = values.map(str::to_owned);
        assert_eq!(by_shell(&values), values);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn a_shell_reads_whatever_is_written(
            values in proptest::collection::vec(r#"([ -~]|['"\\$`%{}!*#;= é漢😀]){0,24}"#, 1..40),
        ) {
            prop_assert_eq!(by_shell(&values), values);
        }
    }
}
