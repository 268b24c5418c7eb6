//! What kinds, instances and stacks may be called.
//!
//! An instance's name becomes a role and a database of PostgreSQL (63 bytes, then it cuts off in silence), a container
//! (letters, digits, `_`, `.`, `-`, beginning with a letter or digit), a file of the gateway and of the store (no `/`),
//! and a client id (unreserved characters of RFC 3986). What all of them take is allowed. The stack's name stands in
//! marker lines, labels and the names of state files, so the same holds for it.

/// The most bytes that a name may have: PostgreSQL's `NAMEDATALEN` less one.
pub const LONGEST: usize = 63;

/// What is wrong, and what to do.
pub type Problem = (String, String);

/// A kind: lower-case letters, digits and dashes, as plugins are called.
pub fn kind(kind: &str) -> Result<(), Problem> {
    if kind == "host" {
        let message = "`host` is no kind: `${host.NAME}` comes from the host file".to_owned();
        return Err((message, "folders are named in the host file, under `[folders]`".to_owned()));
    }
    let first = kind.starts_with(|c: char| c.is_ascii_lowercase());
    if first && kind.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
        return Ok(());
    }
    let help = "a kind is the name of a plugin: a lower-case letter, then letters, digits and dashes";
    Err((format!("`{kind}` can't be a kind"), help.to_owned()))
}

/// The name of an instance.
pub fn instance(name: &str) -> Result<(), Problem> {
    object(name, "an instance")
}

/// The name of a stack.
pub fn stack(name: &str) -> Result<(), Problem> {
    object(name, "a stack")
}

fn object(name: &str, what: &str) -> Result<(), Problem> {
    if name.len() > LONGEST {
        let message = format!("the name of {what} has {} bytes, at most {LONGEST} are possible", name.len());
        let help = "PostgreSQL would cut off the rest, and two names could become one".to_owned();
        return Err((message, help));
    }
    let first = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if first && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')) {
        return Ok(());
    }
    let help = "a letter or a digit, then letters, digits, `_`, `.` and `-`: it becomes the name of files, containers \
                and database roles";
    Err((format!("`{name}` can't be the name of {what}"), help.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_three_bytes_are_a_name_and_sixty_four_are_not() {
        assert_eq!(instance(&"a".repeat(63)), Ok(()));
        assert!(instance(&"a".repeat(64)).is_err());
    }

    #[test]
    fn names_are_what_files_containers_and_roles_take() {
        for good in ["mediamanager", "MediaManager", "media-manager", "a.b", "0", "x_1"] {
            assert_eq!(instance(good), Ok(()), "{good}");
        }
        for bad in ["", ".", "..", "-a", "_a", "a b", "a/b", "a'b", "a\"b", "ä", "a\n", "a$b"] {
            assert!(instance(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn kinds_are_lower_case() {
        assert_eq!(kind("systemd-unit2"), Ok(()));
        for bad in ["", "Postgres", "2fa", "a_b", "a.b", "host"] {
            assert!(kind(bad).is_err(), "{bad:?}");
        }
    }
}
