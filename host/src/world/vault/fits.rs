//! Whether a secret keeps to an alphabet, for places that can't carry others.

use serde::{Deserialize, Serialize};

/// Named classes, never a pattern of a plugin's own: a pattern is an oracle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alphabet {
    /// `[A-Za-z0-9]`
    Alphanumeric,
    /// `[A-Za-z0-9._~-]`
    UrlUnreserved,
    /// U+0021 to U+007E
    PrintableAscii,
    /// Anything but control characters.
    SingleLine,
}

/// What may be told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Fitness {
    Fit,
    Unfit,
    NotYetKnown,
}

impl Alphabet {
    pub(crate) const ALL: [Alphabet; 4] =
        [Alphabet::Alphanumeric, Alphabet::UrlUnreserved, Alphabet::PrintableAscii, Alphabet::SingleLine];

    pub(crate) fn fits(self, value: &str) -> bool {
        value.chars().all(|c| match self {
            Alphabet::Alphanumeric => c.is_ascii_alphanumeric(),
            Alphabet::UrlUnreserved => c.is_ascii_alphanumeric() || "._~-".contains(c),
            Alphabet::PrintableAscii => c.is_ascii_graphic(),
            Alphabet::SingleLine => !c.is_control(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_alphabet_is_what_it_says() {
        let fits = |value: &str| Alphabet::ALL.map(|alphabet| alphabet.fits(value));
        assert_eq!(fits("aZ9"), [true, true, true, true]);
        assert_eq!(fits("a-b._~"), [false, true, true, true]);
        assert_eq!(fits("a%b"), [false, false, true, true]);
        assert_eq!(fits("a b é"), [false, false, false, true]);
        assert_eq!(fits("a\nb"), [false, false, false, false]);
    }
}
