//! New secrets.

use serde::{Deserialize, Serialize};

/// Which characters a generated secret is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Generator {
    Alphanumeric,
    Hex,
    Base64url,
}

impl Generator {
    /// Characters of a secret of this length, which counts characters for `Alphanumeric`, bytes else.
    pub fn characters(self, length: u32) -> u64 {
        match self {
            Generator::Alphanumeric => length.into(),
            Generator::Hex => 2 * u64::from(length),
            Generator::Base64url => (4 * u64::from(length)).div_ceil(3),
        }
    }
}
