//! The plan itself: all that apply will do, and what it was made from.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::{Binding, PluginChange};
use crate::{
    capability::{Gate, Preview},
    draft::{Action, Owned, Planned},
    model::{
        Grants, Making, Thing,
        value::{Address, Target},
    },
};

/// Version of the plan file's format.
pub const FORMAT: u32 = 1;

/// What to do about a plan that JSON can't carry.
const NOT_KEPT: &str = "nothing was changed\n  look in the spec for a number such as `nan` or `inf`, and for tables within \
                        tables a hundred deep";

/// A reviewed plan holds every step. Apply carries out these and no others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// [`FORMAT`].
    pub format: u32,
    /// `[stack] name`
    pub stack: String,
    /// What it was made from.
    pub binding: Binding,
    /// Plugins that are not those of the last run.
    #[serde(default)]
    pub plugin_changes: Vec<PluginChange>,
    /// What is not as sure as it should be, a line each.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// In the order in which they are carried out.
    pub instances: Vec<InstancePlan>,
    /// What is taken away after that, in this order.
    pub removals: Vec<Removal>,
    /// Things with data whose instance no longer wants them; they stay.
    pub kept: Vec<KeptData>,
    /// Who comes before whom, for destroy.
    pub edges: BTreeSet<(Address, Address)>,
    /// Every place that each secret goes to.
    pub secrets: Vec<SecretUse>,
    /// Checks and proofs that send something. `apply` sends them, one that has nothing to do too, and so does
    /// `verify --probes`.
    #[serde(default)]
    pub probes: Vec<Probe>,
}

/// A request that should change nothing, but sends something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// Whose check or proof it is.
    pub address: Address,
    /// What it proves, in the plugin's words.
    pub says: String,
    /// The request, whole.
    pub request: Preview,
}

/// One instance's part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstancePlan {
    /// Its address.
    pub address: Address,
    /// The plugin that planned it.
    pub plugin: String,
    /// What each of its steps is checked against again.
    pub grants: Grants,
    /// Where the values come from that it makes.
    pub makings: Vec<Making>,
    /// Instances whose outputs it uses.
    pub uses: BTreeSet<Address>,
    /// Things, actions and checks.
    pub planned: Planned,
    /// How each step looks to a reviewer, action by action.
    pub previews: Vec<StepPreviews>,
    /// Actions whose things another program writes: printed, never carried out. Indices into `planned.actions`.
    pub by_hand: BTreeSet<usize>,
    /// Things that another program writes: the instance needs them, and neither makes nor takes them away.
    pub theirs: Vec<Thing>,
}

/// The steps of one action as a reviewer sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepPreviews {
    /// One for each move.
    pub moves: Vec<Preview>,
    /// How each move is taken back when its action fails, where that takes steps of their own: one list for each move.
    #[serde(default)]
    pub reverts: Vec<Vec<Preview>>,
    /// One for each settling step.
    pub settle: Vec<Preview>,
}

/// A thing that no instance wants any longer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Removal {
    /// Whose it was.
    pub address: Address,
    /// The plugin that planned it then.
    pub plugin: String,
    /// What its undo is checked against: the grants it was planned under.
    pub grants: Grants,
    /// The thing and its undo, from state.
    pub owned: Owned,
    /// Why it goes.
    pub reason: String,
    /// How its steps look.
    pub previews: StepPreviews,
}

/// A thing with data that stays although nothing wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptData {
    /// Whose it was.
    pub address: Address,
    /// Its key, to delete it by name.
    pub key: String,
    /// For the reader: `database mediamanager`.
    pub what: String,
}

/// Where one secret goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretUse {
    /// `secret.mediamanager.token_secret`
    pub name: String,
    /// Fingerprint, or none while it is absent.
    pub fingerprint: Option<String>,
    /// In the host's words: `file /srv/…/config.toml`.
    pub places: Vec<String>,
}

impl Plan {
    /// A plan that does nothing.
    pub fn of_nothing(stack: &str) -> Self {
        Self {
            format: FORMAT,
            stack: stack.to_owned(),
            binding: Binding::default(),
            plugin_changes: Vec::new(),
            warnings: Vec::new(),
            instances: Vec::new(),
            removals: Vec::new(),
            kept: Vec::new(),
            edges: BTreeSet::new(),
            secrets: Vec::new(),
            probes: Vec::new(),
        }
    }

    /// Adds to where each secret goes what looks carried while the plan was made.
    pub fn note_carried(&mut self, carried: impl IntoIterator<Item = (Target, String)>) {
        for (secret, place) in carried {
            let name = secret.to_string();
            match self.secrets.iter_mut().find(|known| known.name == name) {
                Some(known) if known.places.contains(&place) => {}
                Some(known) => known.places.push(place),
                None => {
                    let fingerprint = self.binding.secrets.get(&name).cloned().flatten();
                    self.secrets.push(SecretUse { name, fingerprint, places: vec![place] });
                }
            }
        }
    }

    /// Whether apply has nothing to change. Actions by hand don't count: apply does not carry them out.
    pub fn is_empty(&self) -> bool {
        self.removals.is_empty() && self.actions().next().is_none()
    }

    /// Whether somebody has something to change, apply or a person.
    pub fn is_pending(&self) -> bool {
        !self.is_empty() || self.by_hand() > 0
    }

    /// How many actions are to be done by hand.
    pub fn by_hand(&self) -> usize {
        self.instances.iter().map(|instance| instance.by_hand.len()).sum()
    }

    /// As text that gives this very plan when it is read: a run that is killed is put right by what the journal has of it,
    /// and a saved plan is carried out.
    ///
    /// # Errors
    /// It holds something that JSON can't: a number that is none, or without an end; tables nested without measure.
    pub fn to_json(&self, write: impl FnOnce(&Self) -> serde_json::Result<String>) -> Result<String> {
        let text = write(self).context("the plan can't be kept as JSON")?;
        match serde_json::from_str::<Self>(&text) {
            Ok(read) if &read == self => Ok(text),
            Ok(_) => bail!("the plan can't be kept: it reads as another one; {NOT_KEPT}"),
            Err(error) => bail!("the plan can't be kept, because it could not be read again: {error}; {NOT_KEPT}"),
        }
    }

    /// The actions that apply carries out, with their instances, in order.
    pub fn actions(&self) -> impl Iterator<Item = (&InstancePlan, &Action)> {
        self.instances.iter().flat_map(|instance| {
            let carried_out = move |(index, action)| (!instance.by_hand.contains(&index)).then_some((instance, action));
            instance.planned.actions.iter().enumerate().filter_map(carried_out)
        })
    }

    /// Whether an instance needs what another has done to be true: by a value that it uses, or by an order, its own or
    /// that of one in between.
    pub fn needs(&self, instance: &InstancePlan, other: &Address) -> bool {
        instance.uses.contains(other) || comes_after(&self.edges, &instance.address, other)
    }

    /// How many of each change: `create` 3, `replace` 1; removals count as `remove`.
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for (_, action) in self.actions() {
            *counts.entry(action.change.word()).or_default() += 1;
        }
        if !self.removals.is_empty() {
            *counts.entry(crate::draft::Change::Remove.word()).or_default() += self.removals.len();
        }
        counts
    }
}

/// Whether one comes after another by edges (before, after), however many.
pub fn comes_after(edges: &BTreeSet<(Address, Address)>, one: &Address, other: &Address) -> bool {
    let (mut seen, mut ahead) = (BTreeSet::new(), vec![other]);
    while let Some(before) = ahead.pop() {
        // No address is smaller than one without letters.
        let first = (before.clone(), Address::new("", ""));
        let followers = edges.range(first..).take_while(|(from, _)| from == before);
        for (_, after) in followers {
            if after == one {
                return true;
            }
            if seen.insert(after) {
                ahead.push(after);
            }
        }
    }
    false
}

impl InstancePlan {
    /// The thing that an action changes, for a reader: `role mediamanager`; its key where the plan lists no such thing.
    pub fn named(&self, key: &str) -> String {
        self.thing(key).map_or_else(|| key.to_owned(), ToString::to_string)
    }

    /// The thing with this key.
    pub fn thing(&self, key: &str) -> Option<&Thing> {
        self.planned.owns.iter().map(|owned| &owned.thing).chain(&self.theirs).find(|thing| thing.key == key)
    }

    /// The gate for this instance's steps.
    pub fn gate(&self, stack: &str) -> Gate {
        Gate::new(self.plugin.clone(), stack, self.address.clone(), self.grants.clone())
    }
}

impl Removal {
    /// The gate for the undo: what it was planned under.
    pub fn gate(&self, stack: &str) -> Gate {
        Gate::new(self.plugin.clone(), stack, self.address.clone(), self.grants.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_after_follows_every_edge_and_no_other() {
        let name = |name: &str| Address::new("kind", name);
        let edge = |(before, after)| (name(before), name(after));
        let edges = BTreeSet::from([("a", "b"), ("b", "c"), ("c", "a"), ("a", "d"), ("x", "y")].map(edge));
        for (one, other, after) in [("c", "a", true), ("d", "b", true), ("b", "d", false), ("y", "a", false)] {
            assert_eq!(comes_after(&edges, &name(one), &name(other)), after, "{one} after {other}");
        }
    }
}
