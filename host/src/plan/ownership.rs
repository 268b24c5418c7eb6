//! What is owned: two claimants are refused, what nobody wants any longer is taken away, data stays.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Drafted, KeptData, Removal, StepPreviews, Thing};
use crate::{
    diagnostic::{Diagnostic, Place},
    state::{InstanceRecord, OwnedRecord},
    value::Address,
};

/// The identity of a thing in the world.
type Identity<'a> = (&'a str, &'a str, &'a str);

fn identity(thing: &Thing) -> Identity<'_> {
    (&thing.connection, &thing.kind, &thing.name)
}

/// Two instances of this stack that claim the same thing.
pub fn refuse_two_claimants(drafts: &[Drafted]) -> Vec<Diagnostic> {
    let mut claims: HashMap<Identity<'_>, &Address> = HashMap::new();
    let mut refused = Vec::new();
    for draft in drafts {
        for owned in &draft.planned.owns {
            let thing = &owned.thing;
            match claims.insert(identity(thing), &draft.address) {
                Some(other) if other != &draft.address => refused.push(
                    Diagnostic::error(
                        Place::Instance(draft.address.clone(), Vec::new()),
                        format!("{} and {other} both claim the {thing} behind `{}`", draft.address, thing.connection),
                    )
                    .help("give one of them another name"),
                ),
                _ => {}
            }
        }
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
