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
