//! What is owned: two claimants are refused, what is shared is made once, what nobody wants any longer is taken away,
//! data stays.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{Drafted, KeptData, Removal, StepPreviews};
use crate::{
    draft::{Move, Owned},
    model::{Diagnostic, Place, Thing, value::Address},
    state::{InstanceRecord, OwnedRecord},
};

/// The identity of a thing in the world.
type Identity<'a> = (&'a str, &'a str, &'a str);

fn identity(thing: &Thing) -> Identity<'_> {
    (&thing.connection, &thing.kind, &thing.name)
}

/// Instances that the spec has and nobody has planned. What they own would look like left over, and be taken away.
pub fn refuse_unplanned(instances: &[&Address], drafts: &[Drafted]) -> Vec<Diagnostic> {
    let planned: HashSet<&Address> = drafts.iter().map(|draft| &draft.address).collect();
    let missing = instances.iter().filter(|address| !planned.contains(*address));
    let message = |address: &Address| format!("{address} is in the spec, and no plugin has planned it");
    let refuse = |address: &&Address| {
        Diagnostic::error(Place::Instance((*address).clone(), Vec::new()), message(address))
            .help("nothing was changed; this is a fault of the plugin of that kind, or of stackrun")
    };
    missing.map(refuse).collect()
}

/// Two instances of this stack that claim the same thing.
pub fn refuse_two_claimants(drafts: &[Drafted]) -> Vec<Diagnostic> {
    let mut claims: HashMap<Identity<'_>, (&Address, &Owned)> = HashMap::new();
    let mut refused = Vec::new();
    for draft in drafts {
        for owned in &draft.planned.owns {
            let thing = &owned.thing;
            match claims.insert(identity(thing), (&draft.address, owned)) {
                Some((other, theirs)) if other != &draft.address && !(owned.is_shared() && theirs.is_shared()) => {
                    refused.push(
                        Diagnostic::error(
                            Place::Instance(draft.address.clone(), Vec::new()),
                            format!(
                                "{} and {other} both claim the {thing} behind `{}`",
                                draft.address, thing.connection
                            ),
                        )
                        .help("give one of them another name"),
                    )
                }
                _ => {}
            }
        }
    }
    refused
}

/// Shared things are made by the first instance that wants them, in the order in which they are carried out.
///
/// # Errors
/// Two instances want the same thing made in different ways.
pub fn make_shared_once(drafts: &mut [Drafted]) -> Vec<Diagnostic> {
    let mut made: HashMap<Thing, (Address, Vec<Move>)> = HashMap::new();
    let mut refused = Vec::new();
    for draft in drafts {
        let shared: HashMap<&str, &Thing> = draft
            .planned
            .owns
            .iter()
            .filter(|owned| owned.is_shared())
            .map(|owned| (owned.thing.key.as_str(), &owned.thing))
            .collect();
        draft.planned.actions.retain(|action| {
            let Some(&thing) = shared.get(action.thing.as_str()) else { return true };
            match made.get(thing) {
                None => {
                    made.insert(thing.clone(), (draft.address.clone(), action.moves.clone()));
                    return true;
                }
                Some((other, moves)) if *moves != action.moves => refused.push(
                    Diagnostic::error(
                        Place::Instance(draft.address.clone(), Vec::new()),
                        format!("{} and {other} both make the {thing}, each with another owner or mode", draft.address),
                    )
                    .help("have both want it alike, or give one of them a directory of its own"),
                ),
                Some(_) => {}
            }
            false
        });
    }
    refused
}

/// What state has and the plan no longer lists, in the order in which it is taken away: the reverse of the order in
/// which it was made. Things with data are kept, and said to be.
pub fn removals(drafts: &[Drafted], recorded: &[InstanceRecord]) -> (Vec<Removal>, Vec<KeptData>) {
    let wanted: BTreeSet<Identity<'_>> =
        drafts.iter().flat_map(|draft| &draft.planned.owns).map(|owned| identity(&owned.thing)).collect();
    let present: BTreeMap<&Address, &Drafted> = drafts.iter().map(|draft| (&draft.address, draft)).collect();
    let (mut removals, mut kept) = (Vec::new(), Vec::new());
    for record in recorded.iter().rev() {
        for OwnedRecord { owned, grants, .. } in record.owns.iter().rev() {
            if wanted.contains(&identity(&owned.thing)) {
                continue;
            }
            if owned.holds_data {
                let (address, key) = (record.address.clone(), owned.thing.key.clone());
                kept.push(KeptData { address, key, what: owned.thing.to_string() });
                continue;
            }
            let reason = match present.get(&record.address) {
                Some(_) => format!("{} no longer needs it", record.address),
                None => format!("{} is no longer in the spec", record.address),
            };
            removals.push(Removal {
                address: record.address.clone(),
                plugin: record.plugin.clone(),
                grants: grants.clone(),
                owned: owned.clone(),
                reason,
                previews: StepPreviews::default(),
            });
        }
    }
    (removals, kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_that_nobody_planned_ends_the_plan() {
        let address = Address::new("gateway", "app");
        let refused = refuse_unplanned(&[&address], &[]);
        assert_eq!(refused.len(), 1);
        assert!(refused.iter().all(Diagnostic::is_error), "{refused:?}");
        assert!(refuse_unplanned(&[], &[]).is_empty());
    }
}
