//! Names of roles and databases.

/// PostgreSQL keeps this many bytes of a name.
const LONGEST: usize = 63;

/// Why a role or a database can't be called so; the host refuses such names as well.
pub fn problem(name: &str) -> Option<String> {
    const KEYWORDS: [&str; 9] =
        ["all", "sameuser", "samerole", "samegroup", "replication", "public", "none", "current_user", "session_user"];
    let lower = name.to_lowercase();
    if name.is_empty() {
        Some("the name is empty".to_owned())
    } else if name.len() > LONGEST {
        Some(format!("the name is {} bytes long, and PostgreSQL cuts names after {LONGEST} bytes", name.len()))
    } else if name.chars().any(char::is_control) {
        Some("the name holds a control character".to_owned())
    } else if name.starts_with(['+', '@', '/']) {
        Some("a name that starts with `+`, `@` or `/` means something else in pg_hba.conf".to_owned())
    } else if KEYWORDS.contains(&&*lower) {
        Some("the name is a keyword of pg_hba.conf or of SQL".to_owned())
    } else if ["postgres", "template0", "template1"].contains(&&*lower) || lower.starts_with("pg_") {
        Some("the name is the server's own".to_owned())
    } else {
        None
    }
}

/// The start of a name that is made from others, within the limit.
pub fn cut(mut name: String) -> String {
    while name.len() > LONGEST {
        name.pop();
    }
    name
}

/// As a part of an URL carries it (RFC 3986 unreserved, the rest percent-encoded).
pub fn in_url(name: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    name.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_none() {
        for name in ["", "postgres", "PG_x", "all", "+group", "@file", "/regex", "a\nb", &"x".repeat(64)] {
            assert!(problem(name).is_some(), "{name:?}");
        }
        for name in ["media-manager", "Media", "it's \"quoted\"", "ü b", &"x".repeat(63)] {
            assert!(problem(name).is_none(), "{name:?}");
        }
    }

    #[test]
    fn an_url_carries_any_name() {
        assert_eq!(in_url("media_1"), "media_1");
        assert_eq!(in_url("a b/ü@"), "a%20b%2F%C3%BC%40");
        assert_eq!(cut("é".repeat(40)).len(), 62);
    }
}
