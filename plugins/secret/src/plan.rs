//! The plan: secrets that are missing are generated, files that differ are written.

use stackrun_plugin::{
    Section,
    files::{self, Comparison, Content, Facts, Wanted},
    guest::{Action, Change, Difference, Move, Owned, Planned, Revert},
    secrets::{self, Alphabet, Fitness},
    types::{Diagnostic, Failure, Instance, Sameness, Severity, Step, Thing, Tree},
};

use crate::wish::{Rendered, Secret, Source, Wish};

/// Directories that a file is put into may be passed through by the user who reads it.
const DIRECTORY_MODE: u32 = 0o755;

/// The key of a secret's thing.
pub fn key(name: &str) -> String {
    format!("secret.{name}")
}

pub fn plan(instance: &Instance) -> Result<Planned, Vec<Diagnostic>> {
    let wish = Wish::of(instance);
    let mut planned = Planned { owns: Vec::new(), actions: Vec::new(), checks: Vec::new(), diagnostics: Vec::new() };
    planned.diagnostics.extend(wish.problems);
    // The makings come after the references, in the order in which `outputs` declared them.
    let first = instance.references.len() as u32;
    let references: Vec<u32> = (first..).take(wish.secrets.len()).collect();
    let fitness = secrets::fits(&references, Alphabet::SingleLine);
    for ((secret, reference), fitness) in wish.secrets.iter().zip(references).zip(fitness) {
        // Whether it keeps to the alphabet is all the same here: what is known of one is that it is there.
        of_secret(instance, secret, reference, fitness != Fitness::NotYetKnown, &mut planned);
    }
    of_files(instance, &wish.rendered, &wish.secrets, &mut planned);
    match planned.diagnostics.iter().any(|said| said.severity == Severity::Error) {
        true => Err(planned.diagnostics),
        false => Ok(planned),
    }
}

fn of_secret(instance: &Instance, secret: &Secret<'_>, reference: u32, available: bool, planned: &mut Planned) {
    let Secret { name, source, place } = secret;
    if let Source::File { .. } = source {
        return; // Somebody else's: the host has looked whether it is there.
    }
    let key = key(name);
    let thing = Thing {
        key: key.clone(),
        connection: "store".to_owned(),
        kind: "secret".to_owned(),
        name: format!("{}/{}/{name}", instance.stack, instance.address),
    };
    let discard = Move {
        step: secrets::discard(reference),
        revert: Revert::None("what is deleted by name stays deleted".to_owned()),
    };
    match source {
        Source::ByHand { where_to_get_it } if !available => {
            let help = format!("{where_to_get_it}; then: stackrun secret set SPEC {}.{name}", instance.address);
            planned.diagnostics.push(place.error(format!("the secret `{name}` has not been set")).help(help));
        }
        Source::Generated { generator, length } if !available => {
            let step = secrets::generate(reference, *generator, *length);
            let kept = Revert::None("a secret that was generated is kept".to_owned());
            let moves = vec![Move { step, revert: kept }];
            planned.actions.push(action(
                &key,
                Change::Create,
                "it is not in the store; generated once, then kept",
                moves,
            ));
        }
        _ => {}
    }
    planned.owns.push(Owned { thing, holds_data: true, adopted: false, undo: vec![discard], undo_settle: Vec::new() });
}

fn of_files(instance: &Instance, rendered: &[Rendered<'_>], own: &[Secret<'_>], planned: &mut Planned) {
    let wanted: Vec<Wanted> = rendered.iter().map(wanted).collect();
    let comparisons = files::compare(&wanted.iter().collect::<Vec<_>>());
    let paths: Vec<String> = rendered.iter().map(|file| file.path.clone()).collect();
    let facts: Vec<Option<Facts>> = files::stat(&paths).into_iter().map(|answer| answer.ok().flatten()).collect();
    of_directories(instance, rendered, planned);
    let before: Vec<String> = own.iter().map(|secret| key(&secret.name)).collect();
    for ((file, wanted), (comparison, facts)) in rendered.iter().zip(&wanted).zip(comparisons.into_iter().zip(facts)) {
        let thing = of_files_kind("file", &file.path);
        match comparison {
            Ok(comparison) if comparison.foreign && !file.adopt && comparison.content != Sameness::Same => {
                let error =
                    file.place.at("path").error(format!("{} is there, and this stack has not written it", file.path));
                planned.diagnostics.push(error.help("move it away, or say `adopt = true` to have it replaced"));
            }
            Ok(comparison) => {
                if let Some(mut action) = of_comparison(&thing.key, file, &comparison, facts, files::write(wanted)) {
                    let directory = of_files_kind("directory", parent(&file.path)).key;
                    let changed = |key: &&String| planned.actions.iter().any(|one| one.thing == **key);
                    action.after = before.iter().chain([&directory]).filter(changed).cloned().collect();
                    planned.actions.push(action);
                }
            }
            // The host has noted it and says so.
            Err(Failure::Denied(_)) => {}
            Err(failure) => planned.diagnostics.push(file.place.at("path").error(words(failure))),
        }
        planned.owns.push(owned(thing, files::remove(&file.path)));
    }
}

/// Directories that are made for files. One that was there before belongs to somebody else, and stays.
fn of_directories(instance: &Instance, rendered: &[Rendered<'_>], planned: &mut Planned) {
    let mut paths: Vec<String> = rendered.iter().map(|file| parent(&file.path).to_owned()).collect();
    paths.sort();
    paths.dedup();
    let there: Vec<bool> = files::stat(&paths).into_iter().map(|answer| !matches!(answer, Ok(None))).collect();
    for (path, there) in paths.iter().zip(there) {
        let thing = of_files_kind("directory", path);
        if !there {
            let step = files::make_directory(path, DIRECTORY_MODE, None, None);
            let moves = vec![Move { step, revert: Revert::ByHost }];
            planned.actions.push(action(&thing.key, Change::Create, "there is no such directory", moves));
        }
        if !there || instance.owned.iter().any(|before| before.thing.key == thing.key) {
            planned.owns.push(owned(thing, files::remove_directory_if_empty(path)));
        }
    }
}

fn of_files_kind(kind: &str, path: &str) -> Thing {
    Thing {
        key: format!("{kind}.{path}"),
        connection: "files".to_owned(),
        kind: kind.to_owned(),
        name: path.to_owned(),
    }
}

fn owned(thing: Thing, undo: Step) -> Owned {
    let undo = vec![Move { step: undo, revert: Revert::ByHost }];
    Owned { thing, holds_data: false, adopted: false, undo, undo_settle: Vec::new() }
}

fn of_comparison(
    key: &str,
    file: &Rendered<'_>,
    comparison: &Comparison,
    facts: Option<Facts>,
    write: Step,
) -> Option<Action> {
    let moves = vec![Move { step: write, revert: Revert::ByHost }];
    let (change, reason) = match comparison.content {
        Sameness::Absent => (Change::Create, "there is no such file"),
        _ if comparison.foreign => (Change::Adopt, "it is there, and this stack has not written it"),
        Sameness::Different => (Change::Update, "its content is another one"),
        Sameness::NotYetKnown => (Change::Update, "it holds a secret that is made anew"),
        Sameness::Same if comparison.mode != Sameness::Same => (Change::Update, "its mode is another one"),
        Sameness::Same if comparison.owner != Sameness::Same => (Change::Update, "its owner is another one"),
        Sameness::Same => return None,
    };
    let mut action = action(key, change, reason, moves);
    if let Some(facts) = facts {
        if comparison.mode == Sameness::Different {
            let (now, wanted) = (format!("{:04o}", facts.mode), format!("{:04o}", file.mode));
            action.differences.push(difference("mode", now, wanted));
        }
        if comparison.owner == Sameness::Different {
            let (owner, group) = owner_of(file);
            let now = format!("{}:{}", facts.uid, facts.gid);
            action.differences.push(difference("owner", now, format!("{owner}:{group}")));
        }
    }
    Some(action)
}

fn wanted(file: &Rendered<'_>) -> Wanted {
    let content = match file.place.text("text") {
        Some(text) => Content::text(&text),
        None => Content::document(file.format, &document(&file.place.at("values"))),
    };
    let wanted = Wanted::new(&file.path, &content);
    wanted.set_mode(file.mode);
    if file.owner.is_some() || file.group.is_some() {
        let (owner, group) = owner_of(file);
        wanted.set_owner(&owner, &group);
    }
    wanted
}

fn document(values: &Section<'_>) -> Tree {
    values.to_value().unwrap_or(stackrun_plugin::Value::Table(Vec::new())).into()
}

fn owner_of(file: &Rendered<'_>) -> (String, String) {
    let or_root = |name: &Option<String>| name.clone().unwrap_or_else(|| "root".to_owned());
    (or_root(&file.owner), or_root(&file.group))
}

fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/",
        Some((parent, _)) => parent,
    }
}

fn action(key: &str, change: Change, reason: &str, moves: Vec<Move>) -> Action {
    Action {
        thing: key.to_owned(),
        change,
        reason: reason.to_owned(),
        differences: Vec::new(),
        moves,
        no_return: None,
        settle: Vec::new(),
        proof: Vec::new(),
        after: Vec::new(),
    }
}

fn difference(what: &str, before: String, after: String) -> Difference {
    Difference { what: what.to_owned(), before: Some(before), after: Some(stackrun_plugin::literal(after)) }
}

fn words(failure: Failure) -> String {
    match failure {
        Failure::Denied(why) | Failure::Unreachable(why) | Failure::Other(why) => why,
        Failure::TimedOut => "it was not answered in time".to_owned(),
        Failure::TooLarge => "it is too large".to_owned(),
        Failure::NotYet => "it depends on a value that does not exist yet".to_owned(),
    }
}
