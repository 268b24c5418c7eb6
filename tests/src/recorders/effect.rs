//! One effect on the world, as seen or as expected: two that are the same are equal.

use serde_json::Value;

use super::proxy::Request;

/// An effect, in the terms in which both a recorder and a reviewer can say it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// A statement to PostgreSQL that is no question; of a password, that it is set.
    Sql(String),
    /// A request to the container engine that is none of GET and HEAD: method, path without its version, image of a
    /// container that is made.
    Engine(String),
    /// A request to Caddy's admin API that is no GET.
    Caddy(String),
    /// A command of the operator's.
    Verb(String),
    /// A file or folder that was made, changed or removed.
    File(String),
}

impl Effect {
    /// A request to the engine, if it changes something.
    pub(super) fn of_engine(request: Request) -> Option<Self> {
        if request.is_question() {
            return None;
        }
        let image = serde_json::from_slice::<Value>(&request.body).ok();
        let image =
            image.as_ref().and_then(|body| body.get("Image")).and_then(Value::as_str).map(|id| format!(" of {id}"));
        // Podman's own part of the API has a version in front.
        let path = match request.path.split_once("/libpod/") {
            Some((_, rest)) => format!("/libpod/{rest}"),
            None => request.path,
        };
        Some(Self::Engine(format!("{} {path}{}", request.method, image.unwrap_or_default())))
    }

    /// A request to Caddy, if it changes something.
    pub(super) fn of_caddy(request: Request) -> Option<Self> {
        (!request.is_question()).then(|| Self::Caddy(format!("{} {}", request.method, request.path)))
    }

    /// A statement as both sides write it: a verifier is not told.
    #[must_use]
    pub fn sql(statement: &str) -> Self {
        let known = match statement.split_once(" PASSWORD '") {
            Some((role, _)) => format!("{role} PASSWORD (a verifier)"),
            None => statement.to_owned(),
        };
        Self::Sql(known)
    }
}

/// What one side has and the other has not, as often as it has it more.
#[must_use]
pub fn difference(seen: &[Effect], expected: &[Effect]) -> (Vec<Effect>, Vec<Effect>) {
    let less = |from: &[Effect], what: &[Effect]| {
        let mut what = what.to_vec();
        let mut left = from.to_vec();
        left.retain(|one| match what.iter().position(|other| other == one) {
            Some(at) => {
                what.swap_remove(at);
                false
            }
            None => true,
        });
        left
    };
    (less(seen, expected), less(expected, seen))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(what: &str) -> Effect {
        Effect::Engine(what.into())
    }

    #[test]
    fn one_more_and_one_less_are_found() {
        let expected = [engine("POST /a"), engine("POST /a"), Effect::sql("DROP ROLE x")];
        assert_eq!(difference(&expected, &expected), (vec![], vec![]));
        let more = [&expected[..], &[engine("POST /a")]].concat();
        assert_eq!(difference(&more, &expected), (vec![engine("POST /a")], vec![]));
        assert_eq!(difference(&expected[..2], &expected), (vec![], vec![Effect::sql("DROP ROLE x")]));
    }

    #[test]
    fn a_verifier_is_as_good_as_another_and_a_role_is_not() {
        let set = |role: &str, verifier: &str| Effect::sql(&format!("ALTER ROLE \"{role}\" PASSWORD '{verifier}'"));
        assert_eq!(set("a", "SCRAM-SHA-256$1"), set("a", "(SCRAM-SHA-256 verifier of secret.a.b)"));
        assert_ne!(set("a", "x"), set("b", "x"));
    }
}
