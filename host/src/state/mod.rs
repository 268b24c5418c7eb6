//! What the stages keep in a stack's state: things owned with their undo and edges, the plugins of the last run, and the
//! journal.

pub mod journal;
mod others;
mod plugins;
pub mod things;

pub use journal::{JournalEntry, Phase, Run, RunId};
pub use others::{OtherStack, OthersThing, other_stacks};
pub use things::{InstanceRecord, OwnedRecord};

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::{
        capability::{Step, files::FileRemove},
        draft::{Change, Move, Owned, Revert},
        model::{Grants, Thing, value::Address},
        world::{State, state::PlaceRecord},
    };

    #[test]
    fn what_is_forgotten_is_forgotten_whole_or_not_at_all_and_the_journal_keeps_it() {
        let state = State::in_memory().unwrap();
        let address = Address::new("container", "app");
        let thing = |key: &str| Thing { key: key.into(), connection: "c".into(), kind: "k".into(), name: key.into() };
        let owned = |key| Owned {
            thing: thing(key),
            holds_data: false,
            adopted: false,
            undo: Vec::new(),
            undo_settle: Vec::new(),
        };
        let owns =
            ["a", "b", "c"].map(|key| OwnedRecord { owned: owned(key), grants: Grants::default(), proven: true });
        let record = InstanceRecord { address: address.clone(), plugin: "container".into(), owns: owns.to_vec() };
        state.set_instance(&record, 0).unwrap();
        let fails =
            "create trigger full before delete on thing when old.key = 'b' begin select raise(abort, 'full'); end";
        state.sqlite().execute_batch(fails).unwrap();
        assert!(state.forget(&address, &[&owns[0], &owns[1]]).is_err());
        assert_eq!(state.instances().unwrap(), [record]);
        state.sqlite().execute_batch("drop trigger full").unwrap();
        state.forget(&address, &[&owns[0], &owns[1]]).unwrap();
        let [left] = state.instances().unwrap().try_into().unwrap();
        assert_eq!(left.owns, [owns[2].clone()]);
        let kept: (String, String) =
            state.sqlite().query_row("select plan, status from run", [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert!(
            kept.0.contains("container.app") && kept.0.contains(r#""key":"b""#) && kept.1 == "forgotten",
            "{kept:?}"
        );
        state.forget(&address, &[&owns[2]]).unwrap();
        assert!(state.instances().unwrap().is_empty() && state.unfinished_run().unwrap().is_none());
    }

    /// The file counts as somebody else's from there on: it is not overwritten without an adoption.
    #[test]
    fn what_is_forgotten_was_not_written_by_this_stack() {
        let state = State::in_memory().unwrap();
        let address = Address::new("secret", "app");
        let remove = Step::FileRemove(FileRemove { path: "/srv/app/env".into() });
        let thing = Thing { key: "it".into(), connection: "files".into(), kind: "file".into(), name: "it".into() };
        let undo = vec![Move { step: remove, revert: Revert::ByHost }];
        let owned = Owned { thing, holds_data: false, adopted: false, undo, undo_settle: Vec::new() };
        let mark = PlaceRecord { want: "x".into(), written: "y".into() };
        for place in ["file /srv/app/env", "file /srv/app/other", "secret in /srv/app/env"] {
            state.set_place(place, Some(&mark)).unwrap();
        }
        state.forget(&address, &[&OwnedRecord { owned, grants: Grants::default(), proven: true }]).unwrap();
        let left = |place: &str| state.place(place).unwrap().is_some();
        assert!(!left("file /srv/app/env") && left("file /srv/app/other") && left("secret in /srv/app/env"));
    }

    fn version(file: &Connection) -> i64 {
        file.query_row("pragma user_version", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_state_of_every_version_is_read_and_none_is_without_an_example() {
        let known = version(&State::in_memory().unwrap().sqlite());
        let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/src/world/state/versions");
        assert_eq!(std::fs::read_dir(examples).unwrap().count() as i64, known, "a version without an example");
        for number in 1..=known {
            let folder = tempfile::tempdir().unwrap();
            let file = Connection::open(folder.path().join("media.state")).unwrap();
            file.execute_batch(&std::fs::read_to_string(format!("{examples}/{number}.sql")).unwrap()).unwrap();
            assert_eq!(version(&file), number);
            drop(file);
            for _ in ["first", "again"] {
                let state = State::open(folder.path(), "media").unwrap();
                assert_eq!(version(&state.sqlite()), known);
                let [instance]: [InstanceRecord; 1] = state.instances().unwrap().try_into().unwrap();
                assert_eq!((instance.plugin.as_str(), instance.owns.len()), ("secret", 3));
                assert!(instance.owns.iter().all(|one| one.proven && !one.owned.undo.is_empty()));
                assert_eq!(state.makings(&instance.address).unwrap().len(), 1);
                assert_eq!(state.edges().unwrap().len(), 1);
                assert!(state.secret_record(&instance.address, "password").unwrap().is_some());
                let run = state.unfinished_run().unwrap().unwrap();
                assert!(serde_json::from_str::<serde_json::Value>(&run.plan).is_ok());
                let [entry] = run.entries.as_slice() else { panic!("{run:?}") };
                assert_eq!(entry.thing, instance.owns[2].owned.thing);
                assert_eq!((entry.change, entry.index, entry.phase), (Change::Update, Some(0), Phase::Intended));
            }
        }
    }
}
