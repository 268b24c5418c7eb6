//! The folders that volumes come from: those that are missing are made, and those that are there must not be harmed.

use stackrun_plugin::{
    Section,
    files::{self, Facts, FileKind},
    guest::{Action, Change, Move, Owned, Revert},
    types::{Diagnostic, Instance, Thing},
};

use crate::{
    app::{App, Reowned},
    volume::{Volume, is_below},
    words,
};

/// What volumes need of this machine.
#[derive(Default)]
pub struct Folders {
    pub owns: Vec<Owned>,
    pub actions: Vec<Action>,
    pub problems: Vec<Diagnostic>,
}

/// Looks at every source, and plans those that are missing.
pub fn plan(instance: &Instance, volumes: &[Volume], app: &App<'_>) -> Folders {
    let section = Section::of(instance);
    let places = section.items("volumes");
    let sources: Vec<String> = volumes.iter().filter_map(|volume| volume.source.clone()).collect();
    let mut folders = Folders::default();
    for ((volume, source), found) in volumes.iter().zip(&sources).zip(files::stat(&sources)) {
        let place = places.get(volume.index).unwrap_or(&section);
        match found {
            Err(failure) => folders.problems.push(place.error(words::failure(&format!("`{source}`"), &failure))),
            Ok(None) if folders.owns.iter().any(|owned| owned.thing.name == *source) => {}
            Ok(None) => {
                folders.actions.push(make(volume, source, app));
                folders.owns.push(owned(volume, source));
            }
            Ok(Some(facts)) => {
                if was_ours(instance, source) {
                    folders.owns.push(owned(volume, source));
                } else if let Some(problem) = harmed(place, volume, source, facts, app) {
                    folders.problems.push(problem);
                }
                folders.problems.extend(unwritable(place, &section, volume, source, facts, app));
            }
        }
    }
    folders
}

fn key(volume: &Volume) -> String {
    format!("directory {}", volume.target)
}

fn was_ours(instance: &Instance, source: &str) -> bool {
    instance.owned.iter().any(|owned| owned.thing.kind == "directory" && owned.thing.name == source)
}

fn owned(volume: &Volume, source: &str) -> Owned {
    Owned {
        thing: Thing {
            key: key(volume),
            connection: "files".to_owned(),
            kind: "directory".to_owned(),
            name: source.to_owned(),
        },
        holds_data: true,
        adopted: false,
        undo: vec![Move {
            step: files::remove_directory(source),
            revert: Revert::None("what it held is gone".to_owned()),
        }],
        undo_settle: Vec::new(),
    }
}

/// It belongs to the application's user, unless the volume says otherwise.
fn make(volume: &Volume, source: &str, app: &App<'_>) -> Action {
    let owner = volume.owner.clone().or_else(|| app.user().map(|(uid, gid)| (uid.to_string(), gid.to_string())));
    let (user, group) = owner.unzip();
    let step = files::make_directory(source, volume.mode, user.as_deref(), group.as_deref());
    Action {
        thing: key(volume),
        change: Change::Create,
        reason: format!("{} is mounted from it", volume.target),
        differences: Vec::new(),
        moves: vec![Move { step, revert: Revert::ByHost }],
        no_return: None,
        settle: Vec::new(),
        proof: Vec::new(),
        after: Vec::new(),
    }
}

/// Data of others in a folder that the image gives to its own user, file by file.
fn harmed(place: &Section<'_>, volume: &Volume, source: &str, facts: Facts, app: &App<'_>) -> Option<Diagnostic> {
    let (uid, _) = app.user()?;
    let reowned = app.reowned().into_iter().find(|reowned| is_reowned(reowned, volume, facts.uid))?;
    let holds_data =
        facts.kind == FileKind::Directory && matches!(files::entries(source), Ok(Some(names)) if !names.is_empty());
    if facts.uid == uid || !holds_data {
        return None;
    }
    let (title, path) = (app.title(), &reowned.path);
    let said = place.error(format!(
        "{title} gives all of `{path}` to its user {uid} when it starts: what is in `{source}`, which belongs to user \
         {}, would be taken from whoever uses it",
        facts.uid
    ));
    Some(match reowned.instead {
        Some(instead) => said.help(format!("mount it elsewhere, for example at `{instead}`")),
        None => said.help(format!("mount an empty folder there, or `chown -R {uid} {source}` if nothing else uses it")),
    })
}

/// Whether the image changes the owner of what is mounted there.
fn is_reowned(reowned: &Reowned, volume: &Volume, uid: u32) -> bool {
    // What is mounted at the folder itself decides whether it is left alone.
    let left_alone = volume.target == reowned.path && reowned.unless_uid == Some(uid);
    is_below(&volume.target, &reowned.path) && !left_alone
}

/// Paths that the application writes to, in a folder where its user can't.
fn unwritable(
    place: &Section<'_>,
    section: &Section<'_>,
    volume: &Volume,
    source: &str,
    facts: Facts,
    app: &App<'_>,
) -> Option<Diagnostic> {
    let (uid, gid) = app.user()?;
    if app.reowned().iter().any(|reowned| is_reowned(reowned, volume, facts.uid)) {
        return None;
    }
    let written = app.written(&section.at("config"));
    let path = written.iter().find(|path| is_below(path, &volume.target))?;
    let (title, shown) = (app.title(), format!("{:04o}", facts.mode));
    if volume.read_only {
        let said = place.error(format!("{title} writes to `{path}`, and this volume is read-only"));
        return Some(said.help("leave `:ro` out"));
    }
    // A folder further down may be open to it; whether this one is decides only for what lies in it directly.
    let inner = volume.outside(path)?;
    let decisive = match files::stat(std::slice::from_ref(&inner)).into_iter().next() {
        Some(Ok(Some(facts))) => (inner.as_str(), facts),
        _ => (source, facts),
    };
    if may_write(decisive.1, uid, gid) {
        return None;
    }
    let said = place.error(format!(
        "{title} runs as user {uid} and writes to `{path}`, and `{}` belongs to user {} with mode {shown}",
        decisive.0, decisive.1.uid
    ));
    Some(said.help(format!(
        "let user {uid} or group {gid} write there, for example `chgrp {gid} {0} && chmod g+ws {0}`",
        decisive.0
    )))
}

fn may_write(facts: Facts, uid: u32, gid: u32) -> bool {
    let bits = match (facts.uid == uid, facts.gid == gid) {
        (true, _) => facts.mode >> 6,
        (false, true) => facts.mode >> 3,
        (false, false) => facts.mode,
    };
    uid == 0 || bits & 0o3 == 0o3
}

#[cfg(test)]
mod tests {
    use stackrun_plugin::files::Writable;

    use super::*;

    fn facts(mode: u32, uid: u32, gid: u32) -> Facts {
        Facts { kind: FileKind::Directory, mode, uid, gid, writable: Writable::Yes }
    }

    #[test]
    fn the_first_class_that_fits_decides() {
        assert!(may_write(facts(0o700, 1000, 0), 1000, 1000));
        assert!(may_write(facts(0o2775, 0, 1000), 1000, 1000));
        assert!(may_write(facts(0o777, 0, 0), 1000, 1000));
        assert!(!may_write(facts(0o755, 0, 0), 1000, 1000));
        assert!(!may_write(facts(0o577, 1000, 0), 1000, 1000), "an owner without the right has none as somebody else");
        assert!(!may_write(facts(0o722, 0, 0), 1000, 1000), "nothing is made in a folder that can't be entered");
    }

    #[test]
    fn what_the_folder_itself_belongs_to_decides() {
        let volume = |target: &str| Volume {
            source: None,
            target: target.into(),
            read_only: false,
            owner: None,
            mode: 0o755,
            index: 0,
        };
        let data = Reowned { path: "/data".into(), unless_uid: Some(1000), instead: None };
        assert!(is_reowned(&data, &volume("/data/media"), 1000));
        assert!(is_reowned(&data, &volume("/data"), 0));
        assert!(!is_reowned(&data, &volume("/data"), 1000));
        assert!(!is_reowned(&data, &volume("/database"), 0));
    }
}
