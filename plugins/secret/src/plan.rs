//! The plan: secrets that are missing are generated, files that differ are written.

use stackrun_plugin::{
    Section,
    files::{self, Comparison, Content, Wanted},
    guest::{Action, Change, Difference, Move, Owned, Planned, Revert},
    secrets::{self, Alphabet, Fitness},
    types::{Diagnostic, Failure, Instance, Sameness, Severity, Step, Text, Thing, Tree},
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
    of_files(&wish.rendered, &wish.secrets, &mut planned);
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
            let help = format!("{where_to_get_it}; then: stackrun secret set {}.{name}", instance.address);
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

fn of_files(rendered: &[Rendered<'_>], own: &[Secret<'_>], planned: &mut Planned) {
    let wanted: Vec<Wanted> = rendered.iter().map(wanted).collect();
    let comparisons = files::compare(&wanted.iter().collect::<Vec<_>>());
    let parents: Vec<String> = rendered.iter().map(|file| parent(&file.path).to_owned()).collect();
    let parents_there: Vec<bool> =
        files::stat(&parents).into_iter().map(|answer| !matches!(answer, Ok(None))).collect();
    let after: Vec<String> = own.iter().map(|secret| key(&secret.name)).collect();
    for ((file, wanted), (comparison, parent_there)) in
        rendered.iter().zip(&wanted).zip(comparisons.into_iter().zip(parents_there))
    {
        let thing = Thing {
            key: format!("file.{}", file.path),
            connection: "files".to_owned(),
            kind: "file".to_owned(),
            name: file.path.clone(),
        };
        let undo = Move { step: files::remove(&file.path), revert: Revert::ByHost };
        match comparison {
            Ok(comparison) if comparison.foreign && !file.adopt && comparison.content != Sameness::Same => {
                let error =
                    file.place.at("path").error(format!("{} is there, and this stack has not written it", file.path));
                planned.diagnostics.push(error.help("move it away, or say `adopt = true` to have it replaced"));
            }
            Ok(comparison) => {
                let mut steps = Vec::new();
                if !parent_there {
                    steps.push(files::make_directory(parent(&file.path), DIRECTORY_MODE, None, None));
                }
                steps.push(files::write(wanted));
                if let Some(mut action) = of_comparison(&thing.key, file, &comparison, steps) {
                    let planned_here = |key: &&String| planned.actions.iter().any(|one| one.thing == **key);
                    action.after = after.iter().filter(planned_here).cloned().collect();
                    planned.actions.push(action);
                }
            }
            // The host has noted it and says so.
            Err(Failure::Denied(_)) => {}
            Err(failure) => planned.diagnostics.push(file.place.at("path").error(words(failure))),
        }
        planned.owns.push(Owned {
            thing,
            holds_data: false,
            adopted: false,
            undo: vec![undo],
            undo_settle: Vec::new(),
        });
    }
}

fn of_comparison(key: &str, file: &Rendered<'_>, comparison: &Comparison, steps: Vec<Step>) -> Option<Action> {
    let reverted = |step| Move { step, revert: Revert::ByHost };
    let moves: Vec<Move> = steps.into_iter().map(reverted).collect();
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
    if comparison.content != Sameness::Absent {
        if comparison.mode == Sameness::Different {
            action.differences.push(difference("mode", stackrun_plugin::literal(format!("{:04o}", file.mode))));
        }
        if comparison.owner == Sameness::Different {
            let (owner, group) = owner_of(file);
            action.differences.push(difference("owner", stackrun_plugin::literal(format!("{owner}:{group}"))));
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

fn difference(what: &str, after: Text) -> Difference {
    Difference { what: what.to_owned(), before: None, after: Some(after) }
}

fn words(failure: Failure) -> String {
    match failure {
        Failure::Denied(why) | Failure::Unreachable(why) | Failure::Other(why) => why,
        Failure::TimedOut => "it was not answered in time".to_owned(),
        Failure::TooLarge => "it is too large".to_owned(),
        Failure::NotYet => "it depends on a value that does not exist yet".to_owned(),
    }
}
