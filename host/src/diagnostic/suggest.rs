//! Suggestions for what was misspelt.

/// The candidate that is meant most likely; none when nothing is near.
pub fn closest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(wrong);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&folded, &fold(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= allowance(wrong, candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// One wrong letter in three.
fn allowance(wrong: &str, candidate: &str) -> usize {
    wrong.chars().count().max(candidate.chars().count()) / 3
}

/// `listen-port` and `listenPort` are meant as `listen_port`.
fn fold(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// "`a`, `b` and `c`", for messages; at most a dozen of them.
pub fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 12;
    let all: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match all.as_slice() {
        [] => "none".to_owned(),
        [only] => only.clone(),
        [some @ .., last] if all.len() <= MOST => format!("{} and {last}", some.join(", ")),
        _ => format!("{} and {} more", all[..MOST].join(", "), all.len() - MOST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let names = ["listen_port", "image", "volumes"];
        assert_eq!(closest("listenPort", names), Some("listen_port"));
        assert_eq!(closest("volume", names), Some("volumes"));
        assert_eq!(closest("imgae", names), Some("image"));
        assert_eq!(closest("command", names), None);
    }

    #[test]
    fn lists_read_as_a_sentence() {
        assert_eq!(listed([]), "none");
        assert_eq!(listed(["a"]), "`a`");
        assert_eq!(listed(["a", "b", "c"]), "`a`, `b` and `c`");
        let many: Vec<String> = (0..20).map(|n| n.to_string()).collect();
        assert!(listed(many.iter().map(String::as_str)).ends_with("`11` and 8 more"));
    }
}
