//! Quoting: of SQL, which takes no parameters in `CREATE ROLE` and its like, and of pg_hba.conf.

/// A name as SQL takes it, always in double quotes: `"Media"`.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A string as SQL takes it, whatever `standard_conforming_strings` says: a backslash makes it an `E''` string.
pub fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    match doubled.contains('\\') {
        true => format!(" E'{}'", doubled.replace('\\', "\\\\")),
        false => format!("'{doubled}'"),
    }
}

/// A name as pg_hba.conf and pg_ident.conf take it. In quotes, a keyword or a leading `+` means nothing but itself.
pub fn hba_token(name: &str) -> String {
    const KEYWORDS: [&str; 8] =
        ["all", "sameuser", "samerole", "samegroup", "samehost", "samenet", "replication", "none"];
    let plain = name.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.'))
        && !KEYWORDS.contains(&name);
    match plain {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_end_nothing() {
        assert_eq!(identifier(r#"a"; DROP TABLE x; --"#), r#""a""; DROP TABLE x; --""#);
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal(r"a\'"), r" E'a\\'''");
        assert_eq!(hba_token("media-manager"), "media-manager");
        assert_eq!(hba_token("all"), "\"all\"");
        assert_eq!(hba_token("+group"), "\"+group\"");
        assert_eq!(hba_token("Media \"M\""), "\"Media \"\"M\"\"\"");
    }
}
