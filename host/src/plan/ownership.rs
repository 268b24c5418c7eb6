//! What is owned: two claimants are refused, what is shared is made once, what nobody wants any longer is taken away,
//! data stays.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use super::{Drafted, KeptData, Removal, StepPreviews};
use crate::{
    capability::{Destroys, Step, StepKind, step::Part},
    draft::{Move, Owned},
    model::{Diagnostic, Place, Thing, value::Address},
    state::{InstanceRecord, OtherStack, OthersThing, OwnedRecord},
    words,
};

/// The identity of a thing in the world.
type Identity<'a> = [&'a str; 3];

/// Two things of the same identity are one.
pub fn identity(thing: &Thing) -> Identity<'_> {
    [&thing.connection, &thing.kind, &thing.name]
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

/// Things that state knows as another instance's, or that another stack has.
pub fn refuse_claims_of_others(
    drafts: &[Drafted],
    recorded: &[InstanceRecord],
    others: &[OtherStack],
) -> Vec<Diagnostic> {
    let mut holders: HashMap<Identity<'_>, Vec<(&Address, &Owned)>> = HashMap::new();
    for record in recorded {
        for OwnedRecord { owned, .. } in &record.owns {
            holders.entry(identity(&owned.thing)).or_default().push((&record.address, owned));
        }
    }
    let elsewhere = elsewhere(others);
    let mut refused = Vec::new();
    for draft in drafts {
        for owned in &draft.planned.owns {
            let (thing, address) = (&owned.thing, &draft.address);
            let mut refuse = |message: String, help: String| {
                let place = Place::Instance(address.clone(), Vec::new());
                refused.push(Diagnostic::error(place, format!("{address} claims {message}")).help(help));
            };
            let known = holders.get(&identity(thing)).into_iter().flatten();
            let mut of_others =
                known.filter(|(holder, held)| *holder != address && !(owned.is_shared() && held.is_shared()));
            if let Some((holder, held)) = of_others.next() {
                refuse(
                    format!("the {thing} behind `{}`, which stackrun has made for {holder}", thing.connection),
                    format!("give it another name, or: {}", forget("SPEC", holder, &held.thing)),
                );
            }
            if let Some((stack, theirs)) = elsewhere.get(&identity(thing))
                && !(theirs.only_when_empty && owned.is_shared() && !owned.holds_data)
            {
                refuse(
                    format!(
                        "the {thing} behind `{}`, which is {}'s of the stack `{stack}`",
                        thing.connection, theirs.address
                    ),
                    format!("give it another name, or: {}", forget(stack, &theirs.address, &theirs.thing)),
                );
            }
        }
    }
    refused
}

/// What other stacks have, by its identity.
fn elsewhere(others: &[OtherStack]) -> HashMap<Identity<'_>, (&str, &OthersThing)> {
    let told = others.iter().filter_map(|other| Some((other.name.as_str(), other.owns.as_ref().ok()?)));
    told.flat_map(|(name, owns)| owns.iter().map(move |one| (identity(&one.thing), (name, one)))).collect()
}

fn forget(stack: &str, address: &Address, thing: &Thing) -> String {
    words::shell_line(&["stackrun", "forget", stack, &address.to_string(), &thing.key].map(str::to_owned))
}

/// What would be taken away and is another stack's, in words: the thing itself, or what a step of its undo takes.
pub fn undone_of_others(removals: &[Removal], others: &[OtherStack]) -> Vec<String> {
    let elsewhere = elsewhere(others);
    let files = elsewhere.values().filter(|(_, theirs)| theirs.thing.connection == "files");
    let at_path: BTreeMap<&Path, &(&str, &OthersThing)> =
        files.map(|one| (Path::new(&one.1.thing.name), one)).collect();
    // What removes data removes what is below as well. Paths are in the order of their parts, so what is below follows.
    let taken_with = |step: &Step| {
        let facts = step.facts();
        let path = facts.path.map(Path::new);
        let all =
            path.into_iter().flat_map(|path| at_path.range(path..).take_while(move |(one, _)| one.starts_with(path)));
        let most = if facts.destroys == Destroys::Data { usize::MAX } else { 1 };
        all.take(most).filter(|(one, _)| most > 1 || Some(**one) == path).map(|(_, one)| *one).collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    for Removal { address, owned, .. } in removals {
        let steps = owned.undo.iter().flat_map(|one| one.step.parts()).filter_map(Part::step);
        let taken = steps.flat_map(|step| {
            let by_name = step.facts().takes.and_then(|taken| elsewhere.get(&taken));
            by_name.into_iter().chain(taken_with(step))
        });
        let mut theirs = elsewhere.get(&identity(&owned.thing)).into_iter().chain(taken);
        if let Some((stack, theirs)) = theirs.find(|(_, theirs)| !theirs.only_when_empty) {
            found.push(format!(
                "the {} of {address} would be taken away, and with it the {}, which is {}'s of the stack `{stack}`\n  to \
                 leave it to that stack: {}",
                owned.thing,
                theirs.thing,
                theirs.address,
                forget("SPEC", address, &owned.thing)
            ));
        }
    }
    found
}

/// Stacks of which can't be told what they own, in words.
pub fn untold(others: &[OtherStack]) -> Vec<String> {
    let untold = others.iter().filter_map(|other| {
        let why = other.owns.as_ref().err()?;
        Some(format!("whether the stack `{}` has any of this can't be told: {why:#}", other.name))
    });
    untold.collect()
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
    use crate::{
        capability::{
            Step,
            containers::{ContainerRemove, ContainerStop},
            files::{DirectoryRemove, DirectoryRemoveIfEmpty, FileRemove},
            sql::{SqlStep, Statement},
        },
        draft::{Planned, Revert},
    };

    const PATH: &str = "/srv/data/app";

    fn address(name: &str) -> Address {
        Address::new("secret", name)
    }

    fn owned(kind: &str, holds_data: bool, undo: Step) -> Owned {
        let thing = Thing { key: "it".into(), connection: "files".into(), kind: kind.into(), name: PATH.into() };
        let undo = vec![Move { step: undo, revert: Revert::ByHost }];
        Owned { thing, holds_data, adopted: false, undo, undo_settle: Vec::new() }
    }

    fn file() -> Owned {
        owned("file", false, Step::FileRemove(FileRemove { path: PATH.into() }))
    }

    fn folder() -> Owned {
        owned("directory", true, Step::DirectoryRemove(DirectoryRemove { path: PATH.into() }))
    }

    fn passing_folder() -> Owned {
        owned("directory", false, Step::DirectoryRemoveIfEmpty(DirectoryRemoveIfEmpty { path: PATH.into() }))
    }

    fn drafted(name: &str, owned: Owned) -> Drafted {
        Drafted {
            address: address(name),
            plugin: "secret".into(),
            grants: Default::default(),
            makings: Vec::new(),
            uses: BTreeSet::new(),
            planned: Planned { owns: vec![owned], ..Planned::default() },
        }
    }

    fn recorded(name: &str, owned: Owned) -> InstanceRecord {
        let owns = vec![OwnedRecord { owned, grants: Default::default(), proven: true }];
        InstanceRecord { address: address(name), plugin: "secret".into(), owns }
    }

    fn other(owned: &Owned) -> OtherStack {
        let theirs = OthersThing {
            address: address("theirs"),
            thing: owned.thing.clone(),
            only_when_empty: owned.is_shared() && !owned.holds_data,
        };
        OtherStack { name: "other".into(), owns: Ok(vec![theirs]) }
    }

    #[test]
    fn anothers_thing_is_not_claimed_and_a_folder_is_shared_within_a_stack() {
        for (thing, with_an_instance, with_a_stack) in
            [(file(), "refused", "refused"), (folder(), "shared", "refused"), (passing_folder(), "shared", "shared")]
        {
            let claimed = |recorded: &[InstanceRecord], others: &[OtherStack]| match refuse_claims_of_others(
                &[drafted("ours", thing.clone())],
                recorded,
                others,
            )
            .as_slice()
            {
                [] => ("shared", String::new()),
                [one] => ("refused", format!("{} {}", one.message, one.help.clone().unwrap_or_default())),
                several => panic!("{several:?}"),
            };
            assert_eq!(claimed(&[recorded("ours", thing.clone())], &[]).0, "shared", "its own");
            let (outcome, said) = claimed(&[recorded("theirs", thing.clone())], &[]);
            assert_eq!(outcome, with_an_instance, "{thing:?}");
            assert!(outcome == "shared" || said.contains("stackrun forget SPEC secret.theirs it"), "{said}");
            let (outcome, said) = claimed(&[], &[other(&thing)]);
            assert_eq!(outcome, with_a_stack, "{thing:?}");
            assert!(outcome == "shared" || said.contains("stackrun forget other secret.theirs it"), "{said}");
        }
    }

    #[test]
    fn what_another_stack_has_is_not_taken_away_under_any_name() {
        let removal = |owned: Owned| {
            let (_, kept) = removals(&[], &[recorded("ours", owned.clone())]);
            let (removals, _) = removals(&[], &[recorded("ours", Owned { holds_data: false, ..owned })]);
            assert_eq!(removals.len(), 1, "{kept:?}");
            removals
        };
        // The same path under a kind of the plugin's own.
        let disguised = Owned { thing: Thing { kind: "note".into(), name: "a".into(), ..file().thing }, ..file() };
        for (ours, theirs, refused) in [
            (file(), file(), 1),
            (disguised.clone(), file(), 1),
            (folder(), folder(), 1),
            (passing_folder(), passing_folder(), 0),
            (file(), Owned { thing: Thing { name: "/srv/b".into(), ..file().thing }, ..file() }, 0),
        ] {
            let said = undone_of_others(&removal(ours.clone()), &[other(&theirs)]);
            assert_eq!(said.len(), refused, "{ours:?} {theirs:?}");
            assert!(said.iter().all(|said| said.contains("secret.theirs's of the stack `other`")), "{said:?}");
        }
        // What removes a folder's data removes what lies below it, and nothing beside it.
        let data = |path: &str| owned("data", true, Step::DirectoryRemove(DirectoryRemove { path: path.into() }));
        let at = |path: &str| Owned { thing: Thing { name: path.into(), ..file().thing }, ..file() };
        for (path, theirs, refused) in [
            ("/srv/app", "/srv/app/env", 1),
            ("/srv/app", "/srv/app", 1),
            ("/srv/app", "/srv/app-two/env", 0),
            ("/srv/app/data", "/srv/app/env", 0),
        ] {
            let said = undone_of_others(&removal(data(path)), &[other(&at(theirs))]);
            assert_eq!(said.len(), refused, "{path} {theirs}");
        }
        // By a statement or a container's name, whatever the thing is called that it is the undo of.
        let note = |step: Step| Owned { thing: disguised.thing.clone(), ..owned("note", false, step) };
        let (connection, name) = (|| "main".to_owned(), || "app".to_owned());
        for (step, kind) in [
            (Step::Sql(SqlStep { connection: connection(), statement: Statement::DropRole { role: name() } }), "role"),
            (
                Step::Sql(SqlStep {
                    connection: connection(),
                    statement: Statement::DropDatabase { database: name() },
                }),
                "database",
            ),
            (Step::ContainerStop(ContainerStop { connection: connection(), name: name() }), "container"),
            (Step::ContainerRemove(ContainerRemove { connection: connection(), name: name() }), "container"),
        ] {
            for (connection, refused) in [("main", 1), ("another", 0)] {
                let thing = Thing { key: name(), connection: connection.into(), kind: kind.into(), name: name() };
                let theirs = other(&Owned { thing, ..file() });
                assert_eq!(undone_of_others(&removal(note(step.clone())), &[theirs]).len(), refused, "{step:?}");
            }
        }
        let untold = [OtherStack { name: "other".into(), owns: Err(anyhow::anyhow!("it is damaged")) }];
        assert!(undone_of_others(&removal(file()), &untold).is_empty());
        assert_eq!(super::untold(&untold), ["whether the stack `other` has any of this can't be told: it is damaged"]);
    }

    #[test]
    fn an_instance_that_nobody_planned_ends_the_plan() {
        let address = Address::new("gateway", "app");
        let refused = refuse_unplanned(&[&address], &[]);
        assert_eq!(refused.len(), 1);
        assert!(refused.iter().all(Diagnostic::is_error), "{refused:?}");
        assert!(refuse_unplanned(&[], &[]).is_empty());
    }
}
