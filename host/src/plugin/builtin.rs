//! The first-party plugins, inside the binary.
//!
//! `build.rs` writes the table from the components that `cargo xtask build` made.

include!(concat!(env!("OUT_DIR"), "/builtin.rs"));

/// Each first-party plugin's kind, and its component's bytes.
pub fn all() -> &'static [(&'static str, &'static [u8])] {
    table::<()>()
}

/// The component that handles `kind`, if it is a first-party one.
pub fn component(kind: &str) -> Option<&'static [u8]> {
    all().iter().find(|(name, _)| *name == kind).map(|(_, bytes)| *bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_a_component() {
        for kind in ["postgres", "container", "secret", "gateway", "oidc"] {
            assert!(component(kind).is_some_and(wasmparser::Parser::is_component), "{kind}");
        }
        assert_eq!(component("unheard-of"), None);
    }
}
