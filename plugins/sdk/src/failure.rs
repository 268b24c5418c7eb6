//! Failures in words.

use crate::types::Failure;

/// Why a question has no answer, for a diagnostic. Of a denial the host tells the rest by itself.
pub fn explain(failure: &Failure) -> String {
    match failure {
        Failure::Denied(why) | Failure::Unreachable(why) | Failure::Other(why) => why.clone(),
        Failure::TimedOut => "no answer in time".to_owned(),
        Failure::TooLarge => "the answer is too large".to_owned(),
        Failure::NotYet => "the question depends on a value that does not exist yet".to_owned(),
    }
}
