//! The first-party plugins, inside the binary.
//!
//! `build.rs` writes the table from the components that `cargo xtask build` made, and from their `grants.toml`.

include!(concat!(env!("OUT_DIR"), "/builtin.rs"));

/// A first-party plugin.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// The kind that it handles.
    pub kind: &'static str,
    /// The component.
    pub bytes: &'static [u8],
    /// SHA-256 of the component.
    pub digest: [u8; 32],
    /// Its `grants.toml`.
    pub grants: &'static str,
}

/// All of them.
pub fn all() -> &'static [Builtin] {
    table::<()>()
}

/// The one that handles `kind`, if there is one.
pub fn of(kind: &str) -> Option<&'static Builtin> {
    all().iter().find(|builtin| builtin.kind == kind)
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::{capability::grants::lines, model::GrantLines};

    #[test]
    fn what_they_bring_can_match() {
        for builtin in all() {
            let grants: GrantLines =
                toml::from_str(builtin.grants).unwrap_or_else(|why| panic!("{}: {why}", builtin.kind));
            let lines = lines(&grants);
            assert!(!lines.is_empty(), "{}", builtin.kind);
            for line in lines {
                assert_eq!(line.problem(), None, "{}: {line:?}", builtin.kind);
            }
        }
    }

    #[test]
    fn each_kind_is_a_component() {
        for kind in ["postgres", "container", "secret", "gateway", "oidc"] {
            let found = of(kind).unwrap_or_else(|| panic!("{kind} is not there"));
            assert!(wasmparser::Parser::is_component(found.bytes), "{kind}");
            assert_eq!(found.digest, <[u8; 32]>::from(Sha256::digest(found.bytes)), "{kind}");
        }
        assert!(of("unheard-of").is_none());
    }
}
