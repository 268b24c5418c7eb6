//! Puts the plugins' answers together to one plan.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    Binding, FORMAT, InstancePlan, KeptData, Plan, PluginChange, Removal, SecretUse, inside, order, ownership, ports,
};
use crate::{
    capability::{Step, StepKind, WrittenBy, step::Part},
    draft::{Action, Owned, Planned, Position},
    model::{
        Diagnostic, Grants, Making, Place, PluginIdentity,
        value::{Address, Target},
    },
    state::{InstanceRecord, OtherStack},
};

/// What the flow knows of one instance once its plugin has answered.
#[derive(Clone, Debug)]
pub struct Drafted {
    /// Its address.
    pub address: Address,
    /// The plugin's name.
    pub plugin: String,
    /// What the plugin planned under.
    pub grants: Grants,
    /// What the instance makes.
    pub makings: Vec<Making>,
    /// Instances whose outputs it uses.
    pub uses: BTreeSet<Address>,
    /// The plugin's answer.
    pub planned: Planned,
}

/// All that a plan is assembled from.
pub struct Assembled<'a> {
    /// `[stack] name`
    pub stack: &'a str,
    /// Every instance that the spec has. One without a draft ends the plan: it must never count as one that is gone.
    pub instances: Vec<&'a Address>,
    /// In the order of the spec.
    pub drafts: Vec<Drafted>,
    /// Who has to be done before whom.
    pub edges: BTreeSet<(Address, Address)>,
    /// What state has.
    pub recorded: &'a [InstanceRecord],
    /// What the other stacks of this machine have.
    pub others: &'a [OtherStack],
    /// The plugins of the last run.
    pub last_plugins: BTreeMap<String, PluginIdentity>,
    /// Connections with `write = "print"`.
    pub printed: BTreeSet<String>,
    /// What the plan is bound to.
    pub binding: Binding,
    /// What is shown in place of a target that is no secret; none for a secret.
    pub plain: &'a dyn Fn(&Target) -> Option<String>,
}

/// Orders, expands, and holds against what is owned. Previews are still empty.
///
/// # Errors
/// Instances that wait for each other in a ring; two claimants of one thing, in this stack or with another; a shared thing that two make differently.
pub fn assemble(parts: Assembled<'_>) -> Result<Plan, Vec<Diagnostic>> {
    let Assembled { stack, instances, mut drafts, edges, recorded, others, last_plugins, printed, binding, plain } =
        parts;
    let mut errors = ownership::refuse_unplanned(&instances, &drafts);
    errors.extend(ownership::refuse_two_claimants(&drafts));
    errors.extend(ownership::refuse_claims_of_others(&drafts, recorded, others));
    errors.extend(ports::refuse_shared(&drafts));
    let addresses: Vec<Address> = drafts.iter().map(|draft| draft.address.clone()).collect();
    let groups = settle_together(&drafts);
    let ordered = order::order_together(&addresses, &edges, &groups).map_err(|ring| vec![ring_message(&ring)]);
    let ordered = match (ordered, errors.is_empty()) {
        (Ok(ordered), true) => ordered,
        (Ok(_), false) => return Err(errors),
        (Err(ring), _) => {
            errors.extend(ring);
            return Err(errors);
        }
    };
    inside::expand(&mut drafts);
    let (removals, kept) = ownership::removals(&drafts, recorded);
    let theirs = ownership::undone_of_others(&removals, others);
    if !theirs.is_empty() {
        return Err(theirs.into_iter().map(|theirs| Diagnostic::error(Place::Nowhere, theirs)).collect());
    }
    let secrets = secret_uses(&drafts, &removals, &binding, plain);
    let mut by_address: BTreeMap<Address, Drafted> =
        drafts.into_iter().map(|draft| (draft.address.clone(), draft)).collect();
    let mut drafts: Vec<Drafted> = ordered.iter().filter_map(|address| by_address.remove(address)).collect();
    let refused = ownership::make_shared_once(&mut drafts);
    if !refused.is_empty() {
        return Err(refused);
    }
    Ok(Plan {
        format: FORMAT,
        stack: stack.to_owned(),
        plugin_changes: PluginChange::between(&last_plugins, &binding.loaded),
        binding,
        warnings: ownership::untold(others),
        instances: drafts.into_iter().map(|draft| instance_plan(draft, &printed)).collect(),
        removals,
        kept: by_name(kept),
        edges,
        secrets,
        probes: Vec::new(),
    })
}

/// Instances whose actions settle in the same way, by a number for each way.
fn settle_together(drafts: &[Drafted]) -> HashMap<&Address, usize> {
    let mut ways: Vec<&[Step]> = Vec::new();
    let mut groups = HashMap::new();
    for draft in drafts {
        let settles = draft.planned.actions.iter().map(|action| action.settle.as_slice());
        let Some(settle) = settles.into_iter().find(|settle| !settle.is_empty()) else { continue };
        let way = ways.iter().position(|way| *way == settle).unwrap_or(ways.len());
        if way == ways.len() {
            ways.push(settle);
        }
        groups.insert(&draft.address, way);
    }
    groups
}

fn instance_plan(draft: Drafted, printed: &BTreeSet<String>) -> InstancePlan {
    let mut planned = draft.planned;
    planned.actions = in_own_order(std::mem::take(&mut planned.actions));
    let writes_printed = |action: &Action| {
        let owned = planned.owns.iter().find(|owned| owned.thing.key == action.thing);
        owned.is_some_and(|owned| printed.contains(&owned.thing.connection))
            && action.moves.iter().any(|one| writes_a_file(&one.step))
    };
    let by_hand: BTreeSet<usize> = planned
        .actions
        .iter()
        .enumerate()
        .filter(|(_, action)| writes_printed(action))
        .map(|(index, _)| index)
        .collect();
    // What another program writes is not ours to take away, whether it is as it should be or not.
    let written_by_others = |owned: &Owned| {
        printed.contains(&owned.thing.connection) && owned.undo.iter().any(|one| writes_a_file(&one.step))
    };
    let (theirs, owns) = std::mem::take(&mut planned.owns).into_iter().partition(written_by_others);
    planned.owns = owns;
    InstancePlan {
        address: draft.address,
        plugin: draft.plugin,
        grants: draft.grants,
        makings: draft.makings,
        uses: draft.uses,
        planned,
        previews: Vec::new(),
        by_hand,
        theirs: Vec::into_iter(theirs).map(|owned| owned.thing).collect(),
    }
}

/// The steps that `write = "print"` keeps from being carried out.
fn writes_a_file(step: &Step) -> bool {
    step.facts().written_by == WrittenBy::WhoeverKeepsTheFile
}

/// Actions in the order of `after`; else as the plugin listed them.
fn in_own_order(actions: Vec<Action>) -> Vec<Action> {
    let keys: Vec<Address> = actions.iter().map(|action| Address::new("thing", action.thing.clone())).collect();
    let edges = actions
        .iter()
        .zip(&keys)
        .flat_map(|(action, key)| {
            action.after.iter().map(move |before| (Address::new("thing", before.clone()), key.clone()))
        })
        .collect();
    let Ok(ordered) = order::order(&keys, &edges) else { return actions };
    let mut by_key: BTreeMap<Address, Action> = keys.into_iter().zip(actions).collect();
    ordered.iter().filter_map(|key| by_key.remove(key)).collect()
}

fn by_name(mut kept: Vec<KeptData>) -> Vec<KeptData> {
    kept.sort_by(|a, b| (&a.address, &a.key).cmp(&(&b.address, &b.key)));
    kept
}

fn ring_message(ring: &order::Ring) -> Diagnostic {
    let mut members: Vec<String> = ring.0.iter().map(ToString::to_string).collect();
    members.extend(members.first().cloned());
    Diagnostic::error(
        ring.0.first().map_or(Place::Nowhere, |address| Place::Instance(address.clone(), Vec::new())),
        format!("these instances wait for each other: {}", members.join(" before ")),
    )
    .help("take one of the references out, or write its value")
}

/// Every place that each secret goes to, in the order of the plan: whatever apply may carry out or ask, reverts and
/// removals included.
fn secret_uses(
    drafts: &[Drafted],
    removals: &[Removal],
    binding: &Binding,
    plain: &dyn Fn(&Target) -> Option<String>,
) -> Vec<SecretUse> {
    let mut uses = Uses { places: BTreeMap::new(), plain };
    for draft in drafts {
        draft.planned.visit(&mut |visited| {
            let when = match visited.position {
                Position::Step | Position::Settle | Position::Proof | Position::Check => "",
                Position::Revert => " (when it is taken back)",
                // What a later run does stands in that run's plan.
                Position::Undo(_) | Position::UndoRevert | Position::UndoSettle => return,
            };
            uses.note(visited.part, when);
        });
    }
    for removal in removals {
        removal.owned.visit(&mut |visited| uses.note(visited.part, ""));
    }
    let used = uses.places.into_iter().map(|(name, places)| SecretUse {
        fingerprint: binding.secrets.get(&name).cloned().flatten(),
        name,
        places,
    });
    used.collect()
}

struct Uses<'a> {
    places: BTreeMap<String, Vec<String>>,
    plain: &'a dyn Fn(&Target) -> Option<String>,
}

impl Uses<'_> {
    fn note(&mut self, part: Part<'_>, when: &str) {
        match part {
            Part::Step(step) => {
                let fills = step.facts().fills;
                if !fills.is_empty() {
                    self.goes_to(&fills, &format!("{}{when}", step.shown(self.plain).place()));
                }
            }
            Part::Condition(condition) => {
                let Some((_, targets)) = condition.sends().filter(|(_, targets)| !targets.is_empty()) else { return };
                if let Some((place, _)) = condition.with_known(self.plain).sends() {
                    self.goes_to(&targets, &format!("{place}{when}"));
                }
            }
        }
    }

    fn goes_to(&mut self, targets: &[&Target], place: &str) {
        for target in targets {
            if matches!(target.source(), Target::Made(..)) && (self.plain)(target.source()).is_none() {
                let of = self.places.entry(target.source().to_string()).or_default();
                let place = match target {
                    Target::Derived(form, _) if form.is_salted() => format!("{place} (as a digest)"),
                    _ => place.to_owned(),
                };
                if !of.contains(&place) {
                    of.push(place);
                }
            }
        }
    }
}
