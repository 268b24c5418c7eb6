//! Texts with holes.

use stackrun_plugin::types::{Part, Text};

/// The string, if it has no holes.
pub fn known(text: &Text) -> Option<String> {
    let literal = |part: &Part| match part {
        Part::Literal(literal) => Some(literal.clone()),
        Part::Reference(_) | Part::Address(_) => None,
    };
    text.iter().map(literal).collect()
}

/// A text with something behind it.
pub fn with(text: &Text, behind: &str) -> Text {
    let mut joined = text.clone();
    match joined.last_mut() {
        Some(Part::Literal(last)) => last.push_str(behind),
        _ => joined.push(Part::Literal(behind.to_owned())),
    }
    joined
}

/// Whether two texts are the same characters and holes, however they are cut.
pub fn same(one: &Text, other: &Text) -> bool {
    pieces(one) == pieces(other)
}

#[derive(PartialEq)]
enum Piece {
    Literal(String),
    Reference(u32),
    Address(String),
}

fn pieces(text: &Text) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for part in text {
        match (pieces.last_mut(), part) {
            (Some(Piece::Literal(last)), Part::Literal(more)) => last.push_str(more),
            (_, Part::Literal(literal)) if literal.is_empty() => {}
            (_, Part::Literal(literal)) => pieces.push(Piece::Literal(literal.clone())),
            (_, Part::Reference(reference)) => pieces.push(Piece::Reference(*reference)),
            (_, Part::Address(connection)) => pieces.push(Piece::Address(connection.clone())),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use stackrun_plugin::{literal, reference};

    use super::*;

    #[test]
    fn texts_are_compared_by_what_they_say() {
        let site = reference(3);
        assert!(same(
            &with(&site, "/callback"),
            &[Part::Reference(3), Part::Literal("/call".into()), Part::Literal("back".into())].to_vec()
        ));
        assert!(!same(&with(&site, "/callback"), &with(&reference(4), "/callback")));
        assert_eq!(known(&with(&literal("https://a"), "/b")).as_deref(), Some("https://a/b"));
        assert_eq!(known(&site), None);
    }
}
