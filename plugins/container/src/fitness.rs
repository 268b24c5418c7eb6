//! Secrets in places that can't carry every character: a password with a `%` ends some applications' migrations.

use std::collections::BTreeSet;

use stackrun_plugin::{
    Section,
    secrets::{self, Alphabet, Fitness},
    types::{Diagnostic, Part},
};

use crate::app::{App, at_key};

/// What is wrong with the secrets of a configuration.
pub fn problems(config: &Section<'_>, app: &App<'_>) -> Vec<Diagnostic> {
    let wanted = alphabets(app);
    wanted.iter().filter_map(|(key, allowed)| problem(&at_key(config, key), allowed, app)).collect()
}

/// Each key that has an alphabet, in the contract's own words.
fn alphabets(app: &App<'_>) -> Vec<(String, String)> {
    let Some(contract) = app.contract() else { return Vec::new() };
    let database = contract.at("database");
    let password = database.string("password_key").zip(database.string("password_alphabet"));
    let keys = contract.at("config").at("keys");
    let keys = keys.entries().into_iter().filter_map(|(key, facts)| Some((key.to_owned(), facts.string("alphabet")?)));
    password.into_iter().chain(keys).collect()
}

fn problem(place: &Section<'_>, allowed: &str, app: &App<'_>) -> Option<Diagnostic> {
    let references: Vec<u32> = place
        .as_text()?
        .iter()
        .filter_map(|part| match part {
            Part::Reference(reference) => Some(*reference),
            Part::Literal(_) | Part::Address(_) => None,
        })
        .collect();
    let keeps_to = |alphabet| secrets::fits(&references, alphabet).iter().all(|fitness| *fitness != Fitness::Unfit);
    let inside = |alphabet| characters(alphabet).is_subset(&spelt_out(allowed));
    let classes = [Alphabet::PrintableAscii, Alphabet::UrlUnreserved, Alphabet::Alphanumeric];
    if references.is_empty() || classes.into_iter().any(|class| inside(class) && keeps_to(class)) {
        return None;
    }
    let title = app.title();
    // Some characters of the smallest class around may still be wrong ones, and nobody can ask for more.
    let around = classes.into_iter().rev().find(|class| spelt_out(allowed).is_subset(&characters(*class)));
    if around.is_some_and(keeps_to) {
        let said = place.warning(format!(
            "{title} can carry the characters {allowed} alone here, and this secret has others than letters and digits"
        ));
        return Some(said.help("make sure that it has no others, or generate it with generate = \"alphanumeric\""));
    }
    let said =
        place.error(format!("{title} can carry the characters {allowed} alone here, and this secret has others"));
    Some(said.help("rotate it: generate = \"alphanumeric\" makes one that fits"))
}

/// The characters of a class such as `A-Za-z0-9_-`.
fn spelt_out(class: &str) -> BTreeSet<char> {
    let characters: Vec<char> = class.chars().collect();
    let mut all = BTreeSet::new();
    let mut index = 0;
    while let Some(first) = characters.get(index) {
        match (characters.get(index + 1), characters.get(index + 2)) {
            (Some('-'), Some(last)) => {
                all.extend(*first..=*last);
                index += 3;
            }
            _ => {
                all.insert(*first);
                index += 1;
            }
        }
    }
    all
}

fn characters(alphabet: Alphabet) -> BTreeSet<char> {
    match alphabet {
        Alphabet::Alphanumeric => spelt_out("A-Za-z0-9"),
        Alphabet::UrlUnreserved => spelt_out("A-Za-z0-9._~-"),
        Alphabet::PrintableAscii => ('!'..='~').collect(),
        Alphabet::SingleLine => (' '..='~').collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_spelt_out() {
        assert_eq!(spelt_out("a-c_-"), BTreeSet::from(['a', 'b', 'c', '_', '-']));
        assert_eq!(spelt_out("A-Za-z0-9._~-"), characters(Alphabet::UrlUnreserved));
        assert!(characters(Alphabet::Alphanumeric).is_subset(&spelt_out("A-Za-z0-9_-")));
        assert!(!characters(Alphabet::UrlUnreserved).is_subset(&spelt_out("A-Za-z0-9_-")));
    }
}
