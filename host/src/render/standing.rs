//! `status` as a person reads it.

use std::fmt::Write;

use super::style::{Meaning, styled};
use crate::{
    plan::{Standing, Status},
    words::printable,
};

/// A line for each instance, and one for each thing that is not as it should be.
pub fn standing(standing: &[Standing]) -> String {
    let mut out = String::new();
    let width = standing.iter().map(|one| one.instance.to_string().len()).max().unwrap_or_default();
    for one in standing {
        let word = match one.status {
            Status::Ok => styled(Meaning::Create, "as it should be"),
            Status::Drifted => styled(Meaning::Update, "not as it should be"),
            Status::Missing => styled(Meaning::Remove, "not there"),
            Status::Unwanted => styled(Meaning::Remove, "no longer wanted"),
        };
        let _ = writeln!(out, "{:width$}  {word}", one.instance.to_string());
        for line in &one.drift {
            let _ = writeln!(out, "    {}", printable(line));
        }
    }
    out
}
