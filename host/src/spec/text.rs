//! The syntax of references in strings.
//!
//! | written | means |
//! |---|---|
//! | `${postgres.host}` | the output of the only instance of that kind, or of the one with the referring one's name |
//! | `${postgres.media.host}` | the output of that instance; its name may have dots |
//! | `${postgres.*}`, `${postgres.media.*}` | what the contract takes from it, as a table |
//! | `${host.media}` | a folder of the host file |
//! | `$${` | the characters `${` |
//!
//! Everything else is itself; a `$` alone needs no escape.

/// A piece of a string, before anything is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'s> {
    /// Characters.
    Literal(&'s str),
    /// What stands between `${` and `}`.
    Reference(&'s str),
    /// A `${` that no `}` follows, and all after it.
    Unclosed(&'s str),
}

/// The pieces of a string, in order.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            // `$${`: all but the first `$` of it stands for itself.
            pieces.push(Piece::Literal(&rest[..at - 1]));
            pieces.push(Piece::Literal("${"));
            rest = &rest[at + 2..];
            continue;
        }
        pieces.push(Piece::Literal(&rest[..at]));
        let inside = &rest[at + 2..];
        match inside.find('}') {
            Some(end) => {
                pieces.push(Piece::Reference(&inside[..end]));
                rest = &inside[end + 1..];
            }
            None => {
                pieces.push(Piece::Unclosed(&rest[at..]));
                rest = "";
            }
        }
    }
    pieces.push(Piece::Literal(rest));
    pieces.retain(|piece| *piece != Piece::Literal(""));
    pieces
}

/// A string that stands for these characters and refers to nothing.
pub fn escape(text: &str) -> String {
    text.replace("${", "$${")
}

/// A reference, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference<'s> {
    /// `postgres`
    pub kind: &'s str,
    /// `media`, when it is given.
    pub name: Option<&'s str>,
    /// `host`, or `*`
    pub field: &'s str,
}

impl<'s> Reference<'s> {
    /// `kind.field` or `kind.name.field`; none for anything else.
    pub fn parse(inside: &'s str) -> Option<Self> {
        let (kind, rest) = inside.split_once('.')?;
        let (name, field) = match rest.rsplit_once('.') {
            Some((name, field)) => (Some(name), field),
            None => (None, rest),
        };
        let sound = !kind.is_empty() && !field.is_empty() && name != Some("");
        (sound && !inside.contains(char::is_whitespace)).then_some(Self { kind, name, field })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn references_are_found_between_literals() {
        let found = pieces("https://${gateway.domain}:${x.y.port}/");
        let wanted = [
            Piece::Literal("https://"),
            Piece::Reference("gateway.domain"),
            Piece::Literal(":"),
            Piece::Reference("x.y.port"),
            Piece::Literal("/"),
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_dollar_alone_is_a_dollar() {
        assert_eq!(pieces("$5 $ {x} $$"), [Piece::Literal("$5 $ {x} $$")]);
    }

    #[test]
    fn two_dollars_escape_a_brace() {
        assert_eq!(pieces("a$${b.c}"), [Piece::Literal("a"), Piece::Literal("${"), Piece::Literal("b.c}")]);
    }

    #[test]
    fn an_unclosed_reference_is_told_apart() {
        assert_eq!(pieces("a${b.c"), [Piece::Literal("a"), Piece::Unclosed("${b.c")]);
    }

    #[test]
    fn a_reference_has_a_kind_a_field_and_perhaps_a_name() {
        let with = |kind, name, field| Some(Reference { kind, name, field });
        assert_eq!(Reference::parse("postgres.host"), with("postgres", None, "host"));
        assert_eq!(Reference::parse("postgres.media.host"), with("postgres", Some("media"), "host"));
        assert_eq!(Reference::parse("postgres.me.dia.*"), with("postgres", Some("me.dia"), "*"));
        for bad in ["", "postgres", ".", "a.", ".b", "a..b", " a.b", "a.b ", "a b.c"] {
            assert_eq!(Reference::parse(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn an_escaped_string_stands_for_itself(text in "[${}a.]*|.*") {
            let escaped = escape(&text);
            let back: String = pieces(&escaped)
                .into_iter()
                .map(|piece| match piece {
                    Piece::Literal(literal) => literal.to_owned(),
                    other => format!("<{other:?}>"),
                })
                .collect();
            prop_assert_eq!(back, text);
        }
    }
}
