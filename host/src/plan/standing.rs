//! How each instance stands, in a word: what `status` shows.

use serde::Serialize;

use super::Plan;
use crate::{
    draft::{Action, Change},
    model::value::Address,
};

/// One instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Which.
    pub instance: Address,
    /// How.
    pub status: Status,
    /// What is not as it should be, a line each: `role mediamanager: its password is another one`.
    pub drift: Vec<String>,
}

/// In a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// As the spec says.
    Ok,
    /// Something was changed, here or in the spec.
    Drifted,
    /// Nothing of it is there.
    Missing,
    /// In state, and no longer in the spec.
    Unwanted,
}

impl Plan {
    /// How each instance stands.
    pub fn standing(&self) -> Vec<Standing> {
        let mut standing: Vec<Standing> = Vec::new();
        for instance in &self.instances {
            let actions = &instance.planned.actions;
            let line = |action: &Action| format!("{}: {}", instance.named(&action.thing), action.reason);
            let drift = actions.iter().map(line).collect();
            let all_new = actions.len() >= instance.planned.owns.len() + instance.theirs.len()
                && actions.iter().all(|action| action.change == Change::Create);
            let status = match (actions.is_empty(), all_new) {
                (true, _) => Status::Ok,
                (false, true) => Status::Missing,
                (false, false) => Status::Drifted,
            };
            standing.push(Standing { instance: instance.address.clone(), status, drift });
        }
        for removal in &self.removals {
            let line = format!("{}: {}", removal.owned.thing, removal.reason);
            match standing.iter_mut().find(|one| one.instance == removal.address) {
                Some(one) => {
                    one.status = if one.status == Status::Ok { Status::Drifted } else { one.status };
                    one.drift.push(line);
                }
                None => {
                    let instance = removal.address.clone();
                    standing.push(Standing { instance, status: Status::Unwanted, drift: vec![line] });
                }
            }
        }
        standing
    }
}
