//! One effect on the world, as seen or as expected, and whether the two sides are the same.

use super::pattern::{self, HOLE};

/// An effect, in the terms in which both a recorder and a reviewer can say it. What is expected may have gaps
/// ([`pattern`]).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// A statement to PostgreSQL that is no question, with its database; of a password, that it is set.
    Sql(String),
    /// A login to PostgreSQL in another name than the superuser's, and other than the application's own.
    Login(String),
    /// A request to the container engine that is none of GET and HEAD: method, path without its version, body.
    Engine(String),
    /// A request to Caddy's admin API that is no GET, with its body.
    Caddy(String),
    /// A request to a server over HTTP that is no look, with its headers and body.
    Http(String),
    /// A command of the operator's with its arguments, and its user.
    Verb(String),
    /// A file or folder that was made, changed or removed: how often, and what it is now.
    File(String),
}

/// An effect that a plan holds.
#[derive(Debug, Clone)]
pub struct Expected {
    /// What.
    pub effect: Effect,
    /// How often at least.
    pub at_least: usize,
    /// How often at most, where that is bounded.
    pub at_most: Option<usize>,
}

impl Expected {
    /// A step: it happens once.
    #[must_use]
    pub fn once(effect: Effect) -> Self {
        Self { effect, at_least: 1, at_most: Some(1) }
    }

    /// What is asked until it holds: once or more.
    #[must_use]
    pub fn asked(effect: Effect) -> Self {
        Self { effect, at_least: 1, at_most: None }
    }
}

impl Effect {
    /// A statement as both sides write it: a verifier is not told.
    #[must_use]
    pub fn sql(database: &str, statement: &str) -> Self {
        let known = match statement.split_once(" PASSWORD '") {
            Some((role, _)) => format!("{role} PASSWORD (a verifier)"),
            None => statement.to_owned(),
        };
        Self::Sql(format!("in {database}: {known}"))
    }

    fn matches(&self, seen: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(seen) && pattern::matches(self.text(), seen.text())
    }

    fn text(&self) -> &str {
        match self {
            Self::Sql(text)
            | Self::Login(text)
            | Self::Engine(text)
            | Self::Caddy(text)
            | Self::Http(text)
            | Self::Verb(text)
            | Self::File(text) => text,
        }
    }
}

/// What was seen and is not expected (or more often than that), and what is expected and was not seen.
#[must_use]
pub fn difference(seen: &[Effect], expected: &[Expected]) -> (Vec<Effect>, Vec<Effect>) {
    let mut groups: Vec<(Expected, usize)> = Vec::new();
    for one in expected {
        match groups.iter_mut().find(|(known, _)| known.effect == one.effect) {
            Some((known, _)) => {
                known.at_least += one.at_least;
                known.at_most = known.at_most.zip(one.at_most).map(|(known, more)| known + more);
            }
            None => groups.push((one.clone(), 0)),
        }
    }
    // What has no gap is found first: a gap could take what belongs there.
    groups.sort_by_key(|(one, _)| one.effect.text().contains(HOLE));
    let mut more = Vec::new();
    for effect in seen {
        let fits = |(one, count): &&mut (Expected, usize)| {
            one.at_most.is_none_or(|most| *count < most) && one.effect.matches(effect)
        };
        match groups.iter_mut().find(fits) {
            Some((_, count)) => *count += 1,
            None => more.push(effect.clone()),
        }
    }
    let less = groups.into_iter().flat_map(|(one, count)| {
        let missing = one.at_least.saturating_sub(count);
        std::iter::repeat_n(one.effect, missing)
    });
    (more, less.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine(what: &str) -> Effect {
        Effect::Engine(what.into())
    }

    #[test]
    fn one_more_and_one_less_are_found() {
        let seen = [engine("POST /a"), engine("POST /a"), Effect::sql("m", "DROP ROLE x")];
        let expected: Vec<Expected> = seen.iter().cloned().map(Expected::once).collect();
        assert_eq!(difference(&seen, &expected), (vec![], vec![]));
        let more = [&seen[..], &[engine("POST /a")]].concat();
        assert_eq!(difference(&more, &expected), (vec![engine("POST /a")], vec![]));
        assert_eq!(difference(&seen[..2], &expected), (vec![], vec![Effect::sql("m", "DROP ROLE x")]));
    }

    #[test]
    fn what_is_asked_until_it_holds_has_no_upper_bound() {
        let expected = [Expected::once(engine("POST /a")), Expected::asked(engine("POST /a"))];
        assert_eq!(difference(&vec![engine("POST /a"); 5], &expected), (vec![], vec![]));
        assert_eq!(difference(&[engine("POST /a")], &expected), (vec![], vec![engine("POST /a")]));
    }

    #[test]
    fn a_verifier_is_as_good_as_another_and_a_role_is_not() {
        let set =
            |role: &str, verifier: &str| Effect::sql("m", &format!("ALTER ROLE \"{role}\" PASSWORD '{verifier}'"));
        assert_eq!(set("a", "SCRAM-SHA-256$1"), set("a", "(SCRAM-SHA-256 verifier of secret.a.b)"));
        assert_ne!(set("a", "x"), set("b", "x"));
    }

    #[test]
    fn a_gap_does_not_take_what_is_expected_as_it_stands() {
        let with_gap = engine(&format!("POST {HOLE}"));
        let expected = [Expected::once(with_gap), Expected::once(engine("POST b"))];
        assert_eq!(difference(&[engine("POST b"), engine("POST c")], &expected), (vec![], vec![]));
    }
}
