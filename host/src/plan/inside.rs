//! Checks that want to be asked from inside the containers that use an instance.
//!
//! A plugin says `from-consumers`; which containers these are only the whole plan knows. Here such checks become one
//! for each container, and a container's `prove-from-inside` step learns what it has to ask before its program starts.

use std::collections::BTreeMap;

use super::Drafted;
use crate::{
    capability::{Check, Condition, Step, Vantage, step::ProveFromInside},
    draft::Planned,
    model::value::Address,
};

/// A container of an instance: connection and lasting name.
type Container = (String, String);

/// Fills in both.
pub fn expand(drafts: &mut [Drafted]) {
    let containers = containers_of(drafts);
    let wanted_inside = checks_from_consumers(drafts);
    for draft in drafts.iter_mut() {
        let asked: Vec<(Address, Check)> = draft
            .uses
            .iter()
            .flat_map(|producer| {
                wanted_inside.get(producer).into_iter().flatten().map(|check| (producer.clone(), check.clone()))
            })
            .collect();
        fill_prove_from_inside(&mut draft.planned, &asked);
    }
    let consumers = consumers_of(drafts);
    for draft in drafts.iter_mut() {
        let inside: Vec<&Container> = consumers
            .get(&draft.address)
            .into_iter()
            .flatten()
            .flat_map(|consumer| containers.get(consumer).into_iter().flatten())
            .collect();
        draft.planned.checks = draft.planned.checks.drain(..).flat_map(|check| one_for_each(check, &inside)).collect();
        for proof in draft.planned.actions.iter_mut().flat_map(|action| &mut action.proof) {
            // When an action is proved, its consumers' containers may not be there yet: they prove it themselves.
            if proof.condition.vantage == Vantage::Consumers {
                proof.condition.vantage = Vantage::Host;
            }
        }
    }
}

fn containers_of(drafts: &[Drafted]) -> BTreeMap<Address, Vec<Container>> {
    let containers = |draft: &Drafted| {
        let things = draft.planned.owns.iter().map(|owned| &owned.thing).filter(|thing| thing.kind == "container");
        things.map(|thing| (thing.connection.clone(), thing.name.clone())).collect()
    };
    drafts.iter().map(|draft| (draft.address.clone(), containers(draft))).collect()
}

fn checks_from_consumers(drafts: &[Drafted]) -> BTreeMap<Address, Vec<Check>> {
    let from_consumers = |check: &&Check| check.condition.vantage == Vantage::Consumers;
    drafts
        .iter()
        .map(|draft| (draft.address.clone(), draft.planned.checks.iter().filter(from_consumers).cloned().collect()))
        .collect()
}

fn consumers_of(drafts: &[Drafted]) -> BTreeMap<Address, Vec<Address>> {
    let mut consumers: BTreeMap<Address, Vec<Address>> = BTreeMap::new();
    for draft in drafts {
        for producer in &draft.uses {
            consumers.entry(producer.clone()).or_default().push(draft.address.clone());
        }
    }
    consumers
}

fn fill_prove_from_inside(planned: &mut Planned, asked: &[(Address, Check)]) {
    for step in planned.steps_mut() {
        step.each_mut(&mut |step| {
            if let Step::ProveFromInside(ProveFromInside { connection, name, checks }) = step {
                let vantage = Vantage::Container { connection: connection.clone(), name: name.clone() };
                let seen = asked.iter().map(|(owner, check)| (owner.clone(), seen_from(check, vantage.clone())));
                *checks = seen.collect();
            }
        });
    }
}

fn one_for_each(check: Check, containers: &[&Container]) -> Vec<Check> {
    if check.condition.vantage != Vantage::Consumers {
        return vec![check];
    }
    if containers.is_empty() {
        return vec![seen_from(&check, Vantage::Host)];
    }
    let inside = |(connection, name): &&Container| {
        let vantage = Vantage::Container { connection: connection.clone(), name: name.clone() };
        let seen = seen_from(&check, vantage);
        Check { id: format!("{}@{name}", seen.id), says: format!("{} (from inside {name})", seen.says), ..seen }
    };
    containers.iter().map(inside).collect()
}

fn seen_from(check: &Check, vantage: Vantage) -> Check {
    Check { condition: Condition { vantage, ..check.condition.clone() }, ..check.clone() }
}
