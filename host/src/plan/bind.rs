//! What a plan was made from, and whether it still is what would run.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{InstancePlan, Plan};
use crate::model::PluginIdentity;

/// What a plan was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// Where the spec was.
    pub spec_path: PathBuf,
    /// SHA-256 of its bytes.
    pub spec: String,
    /// `--set` values, in order.
    pub set: Vec<String>,
    /// Where the host file was.
    pub host_file_path: PathBuf,
    /// SHA-256 of its bytes.
    pub host_file: String,
    /// Each plugin, by name.
    #[serde(default)]
    pub loaded: BTreeMap<String, PluginIdentity>,
    /// Each secret that the stack makes, with its fingerprint; none while it is absent.
    pub secrets: BTreeMap<String, Option<String>>,
    /// Each question that was asked, with a digest of its answer: to explain, not to decide.
    pub observations: BTreeMap<String, String>,
}

/// A plugin that is not the one of the last run. It plans for what the other has made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginChange {
    /// Its name.
    pub plugin: String,
    /// The last run's.
    pub before: PluginIdentity,
    /// This plan's.
    pub now: PluginIdentity,
}

impl PluginChange {
    /// Plugins that both have, each as another one.
    pub fn between(
        before: &BTreeMap<String, PluginIdentity>,
        now: &BTreeMap<String, PluginIdentity>,
    ) -> Vec<PluginChange> {
        let changed = now.iter().filter_map(|(name, now)| {
            let before = before.get(name).filter(|before| *before != now)?;
            Some(PluginChange { plugin: name.clone(), before: before.clone(), now: now.clone() })
        });
        changed.collect()
    }

    /// What differs, most telling first.
    pub fn differences(&self) -> Vec<String> {
        let (before, now) = (&self.before, &self.now);
        let more = |of: &PluginIdentity, than: &PluginIdentity| {
            let more = of.capabilities.iter().filter(|one| !than.capabilities.contains(one));
            more.cloned().collect::<Vec<_>>().join(", ")
        };
        let (gained, lost) = (more(now, before), more(before, now));
        let short = |digest: &str| digest.chars().take(12).collect::<String>();
        let lines = [
            (!gained.is_empty()).then(|| format!("it now uses {gained}")),
            (!lost.is_empty()).then(|| format!("it no longer uses {lost}")),
            (before.version != now.version).then(|| format!("version {} is now {}", before.version, now.version)),
            (before.digest != now.digest)
                .then(|| format!("its component {} is now {}", short(&before.digest), short(&now.digest))),
        ];
        lines.into_iter().flatten().collect()
    }
}

/// A saved plan that is no longer what would run, with what changed since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// One line each, most telling first.
    pub changes: Vec<String>,
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the plan is stale: planning again gives another one, and nothing was changed")?;
        for change in &self.changes {
            writeln!(f, "  - {change}")?;
        }
        write!(f, "  make a new plan, and review it")
    }
}

impl std::error::Error for Stale {}

impl Stale {
    /// Holds a saved plan against one made now. What decides is whether the same would be done; digests of inputs and
    /// observations only explain.
    pub fn between(saved: &Plan, fresh: &Plan) -> Option<Stale> {
        let decides = |plan: &Plan| Plan {
            binding: Binding { secrets: plan.binding.secrets.clone(), ..Binding::default() },
            warnings: Vec::new(),
            ..plan.clone()
        };
        if decides(saved) == decides(fresh) {
            return None;
        }
        let mut changes = input_changes(&saved.binding, &fresh.binding);
        changes.extend(secret_changes(&saved.binding, &fresh.binding));
        changes.extend(observation_changes(&saved.binding, &fresh.binding));
        changes.extend(action_changes(saved, fresh));
        if changes.is_empty() {
            changes.push("what state knows of the stack changed".to_owned());
        }
        Some(Stale { changes })
    }
}

fn input_changes(saved: &Binding, fresh: &Binding) -> Vec<String> {
    let mut changes = Vec::new();
    if saved.spec != fresh.spec {
        changes.push(format!("the spec {} changed", fresh.spec_path.display()));
    }
    if saved.set != fresh.set {
        changes.push("other values were given with --set".to_owned());
    }
    if saved.host_file != fresh.host_file {
        changes.push(format!("the host file {} changed", fresh.host_file_path.display()));
    }
    let changed = PluginChange::between(&saved.loaded, &fresh.loaded);
    changes.extend(changed.iter().map(|change| format!("plugin `{}` changed", change.plugin)));
    changes
}

fn secret_changes(saved: &Binding, fresh: &Binding) -> Vec<String> {
    let told = |fingerprint: &Option<String>| if fingerprint.is_some() { "there" } else { "absent" };
    let changed = fresh.secrets.iter().filter_map(|(name, now)| {
        let before = saved.secrets.get(name)?;
        (before != now).then(|| match (before, now) {
            (Some(_), Some(_)) => format!("secret {name} has another value"),
            (before, now) => format!("secret {name} was {} and is now {}", told(before), told(now)),
        })
    });
    changed.collect()
}

fn observation_changes(saved: &Binding, fresh: &Binding) -> Vec<String> {
    let changed = fresh
        .observations
        .iter()
        .filter(|(question, answer)| saved.observations.get(*question).is_some_and(|before| before != *answer));
    changed.map(|(question, _)| format!("another answer to: {question}")).collect()
}

fn action_changes(saved: &Plan, fresh: &Plan) -> Vec<String> {
    let named = |plan: &Plan| -> BTreeMap<String, InstancePlan> {
        plan.instances.iter().map(|instance| (instance.address.to_string(), instance.clone())).collect()
    };
    let (before, now) = (named(saved), named(fresh));
    let mut changes = Vec::new();
    for (address, instance) in &now {
        match before.get(address) {
            None => changes.push(format!("{address} is new")),
            Some(earlier) if earlier.planned.actions != instance.planned.actions => {
                changes.push(format!("{address} would be changed in another way"));
            }
            Some(earlier) if earlier != instance => changes.push(format!("{address} stands differently")),
            Some(_) => {}
        }
    }
    changes.extend(
        before.keys().filter(|address| !now.contains_key(*address)).map(|address| format!("{address} is gone")),
    );
    if saved.removals != fresh.removals {
        changes.push("other things would be removed".to_owned());
    }
    changes
}
