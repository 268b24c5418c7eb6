//! Why a question has no answer, for a person.

use stackrun_plugin::types::Failure;

/// One sentence about what was asked for.
pub fn failure(what: &str, failure: &Failure) -> String {
    let why = match failure {
        Failure::Denied(why) | Failure::Unreachable(why) | Failure::Other(why) => why.clone(),
        Failure::TimedOut => "no answer in time".to_owned(),
        Failure::TooLarge => "the answer is too large".to_owned(),
        Failure::NotYet => "it depends on a value that does not exist yet".to_owned(),
    };
    format!("{what}: {why}")
}
