//! Whole runs, on real files in a folder that goes away: what is done, recorded and taken back, and what becomes of a run
//! that is killed.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, resume_unwind},
    path::Path,
    sync::Mutex,
};

use futures_util::FutureExt;

use super::{Applied, Apply, Event, Recovered, Reporter, destroy, destruction, recover};
use crate::{
    capability::{
        Step,
        files::{DirectoryRemove, FileRemove},
    },
    draft::{Action, Change, Move, Owned, Planned, Revert},
    model::{
        PluginIdentity, Thing,
        desired::{Content, Format, Region, WantedFile},
        value::{Address, Text, Tree},
    },
    plan::{InstancePlan, Plan, Removal},
    state::{InstanceRecord, OwnedRecord},
    test_support::machine::{Stage, app},
    world::State,
};

/// Counts what is reported, and dies of one report.
#[derive(Default)]
struct Mortal {
    reports: Mutex<usize>,
    dies_at: Option<usize>,
}

impl Reporter for Mortal {
    fn report(&self, _: Event) {
        let mut reports = self.reports.lock().unwrap();
        *reports += 1;
        if Some(*reports) == self.dies_at {
            drop(reports);
            resume_unwind(Box::new("killed"));
        }
    }
}

/// None when it was killed.
async fn run(stage: &Stage, plan: &Plan, dies_at: Option<usize>) -> Option<Applied> {
    let reporter = Mortal { dies_at, ..Mortal::default() };
    let apply = Apply { world: &stage.world, plan, only: None, reporter: &reporter };
    AssertUnwindSafe(apply.run()).catch_unwind().await.ok().map(Result::unwrap)
}

async fn recovered(stage: &Stage) -> Option<Recovered> {
    recover(&stage.world, &Mortal::default()).await.unwrap()
}

fn at(stage: &Stage, name: &str) -> String {
    stage.path("files").join(name).display().to_string()
}

fn there(stage: &Stage) -> Vec<String> {
    let files = std::fs::read_dir(stage.path("files")).unwrap();
    let mut names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn write(path: &str, content: Content) -> Step {
    let path = path.to_owned();
    Step::FileWrite(WantedFile {
        path,
        region: Region::Whole,
        content,
        mode: 0o600,
        owner: None,
        ignore_owner: false,
        adopts: None,
    })
}

fn by_host(step: Step) -> Move {
    Move { step, revert: Revert::ByHost }
}

/// Writes a file whose content is its name.
fn writes(stage: &Stage, name: &str) -> Move {
    by_host(write(&at(stage, name), Content::Text(Text::literal(name))))
}

fn removes(stage: &Stage, name: &str) -> Move {
    by_host(Step::FileRemove(FileRemove { path: at(stage, name) }))
}

fn owned(stage: &Stage, key: &str, name: &str, undo: Vec<Move>) -> Owned {
    let thing = Thing { key: key.into(), connection: "files".into(), kind: "file".into(), name: at(stage, name) };
    Owned { thing, holds_data: false, adopted: false, undo, undo_settle: Vec::new() }
}

fn action(key: &str, moves: Vec<Move>) -> Action {
    Action {
        thing: key.into(),
        change: Change::Create,
        reason: String::new(),
        differences: Vec::new(),
        moves,
        no_return: None,
        settle: Vec::new(),
        proof: Vec::new(),
        after: Vec::new(),
    }
}

/// A plan of one instance.
fn plan(stage: &Stage, owns: Vec<Owned>, actions: Vec<Action>, removals: Vec<Removal>) -> Plan {
    let instance = InstancePlan {
        address: app(),
        plugin: "secret".into(),
        grants: stage.gate.grants().clone(),
        makings: Vec::new(),
        uses: BTreeSet::new(),
        planned: Planned { owns, actions, ..Planned::default() },
        previews: Vec::new(),
        by_hand: BTreeSet::new(),
        theirs: Vec::new(),
    };
    Plan { instances: vec![instance], removals, ..Plan::of_nothing("media") }
}

fn removal(stage: &Stage, owned: Owned) -> Removal {
    let grants = stage.gate.grants().clone();
    let (reason, previews) = (String::new(), Default::default());
    Removal { address: app(), plugin: "secret".into(), grants, owned, reason, previews }
}

/// What state says that there is, by the names in the world.
fn recorded(state: &State) -> Vec<String> {
    let records = state.instances().unwrap().into_iter().flat_map(|record| record.owns);
    let name = |one: OwnedRecord| {
        assert!(one.proven, "{one:?}");
        Path::new(&one.owned.thing.name).file_name().unwrap().to_str().unwrap().to_owned()
    };
    records.map(name).collect()
}

#[tokio::test]
async fn what_fails_is_taken_back_and_what_was_done_before_it_stays() {
    let stage = Stage::new();
    let owns = ["a", "b", "c"].map(|key| owned(&stage, key, key, vec![removes(&stage, key)]));
    let denied = by_host(write("/etc/passwd", Content::Text(Text::literal(""))));
    let actions = vec![
        action("a", vec![writes(&stage, "a")]),
        action("b", vec![writes(&stage, "b"), denied]),
        action("c", vec![writes(&stage, "c")]),
    ];
    let stopped = run(&stage, &plan(&stage, owns.to_vec(), actions, Vec::new()), None).await.unwrap();
    let Applied::Stopped { thing, left, .. } = stopped else { panic!("{stopped:?}") };
    assert_eq!((thing.as_str(), left.len()), ("b", 0));
    assert_eq!(there(&stage), ["a"]);
    assert_eq!(recorded(&stage.world.state), ["a"]);
    assert!(stage.world.state.unfinished_run().unwrap().is_none());
}

/// What the plugin of these tests plans: three files, and what state knows beside them goes. A key stays, and the name
/// behind it becomes another one.
fn planned(stage: &Stage) -> Plan {
    let files = [("renamed", "new"), ("b", "b"), ("c", "c")];
    let owns = files.map(|(key, name)| owned(stage, key, name, vec![removes(stage, name)])).to_vec();
    let missing = files.iter().filter(|(_, name)| !Path::new(&at(stage, name)).exists());
    // The first has a second step, so that a run can be killed between them.
    let actions = missing.map(|(key, name)| action(key, vec![writes(stage, name), writes(stage, name)])).collect();
    let known = stage.world.state.instances().unwrap().into_iter().flat_map(|record| record.owns);
    let gone = known.filter(|one| owns.iter().all(|owned| owned.thing.name != one.owned.thing.name));
    let removals = gone.map(|one| removal(stage, one.owned)).collect();
    plan(stage, owns, actions, removals)
}

#[tokio::test]
async fn a_run_that_is_killed_at_any_report_converges() {
    for dies_at in 1.. {
        let mut stage = Stage::new();
        let undo = vec![removes(&stage, "old"), removes(&stage, "older")];
        let before = owned(&stage, "renamed", "old", undo);
        let moves = vec![writes(&stage, "old"), writes(&stage, "older")];
        let first = plan(&stage, vec![before], vec![action("renamed", moves)], Vec::new());
        assert!(matches!(run(&stage, &first, None).await, Some(Applied::Complete)));

        let survived = run(&stage, &planned(&stage), Some(dies_at)).await.is_some();
        stage.next_run();
        recovered(&stage).await;
        assert!(matches!(run(&stage, &planned(&stage), None).await, Some(Applied::Complete)), "killed at {dies_at}");
        assert_eq!(there(&stage), ["b", "c", "new"], "killed at {dies_at}");
        assert_eq!(
            BTreeSet::from_iter(recorded(&stage.world.state)),
            BTreeSet::from(["b", "c", "new"].map(Into::into))
        );
        assert!(planned(&stage).is_empty() && recovered(&stage).await.is_none(), "killed at {dies_at}");

        // The same for taking it away, at the same report.
        let destroys = destruction(&stage.world.state, "media", &[], &BTreeSet::new()).unwrap();
        let reporter = Mortal { dies_at: Some(dies_at), ..Mortal::default() };
        let destroyed = AssertUnwindSafe(destroy(&stage.world, &destroys, &reporter)).catch_unwind().await.is_ok();
        stage.next_run();
        recovered(&stage).await;
        let destroys = destruction(&stage.world.state, "media", &[], &BTreeSet::new()).unwrap();
        destroy(&stage.world, &destroys, &Mortal::default()).await.unwrap();
        assert_eq!(there(&stage), [""; 0], "destroy killed at {dies_at}");
        assert_eq!(recorded(&stage.world.state), [""; 0], "destroy killed at {dies_at}");
        if survived && destroyed {
            assert!(dies_at > 12, "there was less to be killed at than there are steps and actions");
            break;
        }
    }
}

#[tokio::test]
async fn a_killed_removal_is_not_taken_for_the_action_of_the_same_key() {
    let mut stage = Stage::new();
    let undo = vec![removes(&stage, "old"), removes(&stage, "older")];
    let old = owned(&stage, "it", "old", undo);
    let moves = vec![writes(&stage, "old"), writes(&stage, "older")];
    let first = plan(&stage, vec![old.clone()], vec![action("it", moves)], Vec::new());
    run(&stage, &first, None).await;
    // Its steps are not taken back; those of the removal are.
    let kept = Move { revert: Revert::None("it is kept".into()), ..writes(&stage, "new") };
    let new = owned(&stage, "it", "new", vec![removes(&stage, "new")]);
    let second = plan(&stage, vec![new], vec![action("it", vec![kept])], vec![removal(&stage, old.clone())]);
    // Began and step of the action, its end, began and step of the removal; then its second step.
    assert!(run(&stage, &second, Some(6)).await.is_none());
    assert_eq!(there(&stage), ["new", "older"]);
    stage.next_run();
    let killed = stage.world.state.unfinished_run().unwrap().unwrap();
    let [entry] = killed.entries.as_slice() else { panic!("{killed:?}") };
    assert_eq!((&entry.address, &entry.thing, entry.change), (&app(), &old.thing, Change::Remove));
    let recovered = recovered(&stage).await.unwrap();
    assert_eq!((recovered.lines.len(), recovered.left), (1, Vec::new()));
    assert_eq!(there(&stage), ["new", "old", "older"]);
    assert_eq!(std::fs::read_to_string(at(&stage, "old")).unwrap(), "old");
}

#[tokio::test]
async fn a_run_killed_past_the_point_of_no_return_is_finished() {
    let mut stage = Stage::new();
    let owns = vec![owned(&stage, "it", "a", Vec::new())];
    let moves = vec![writes(&stage, "a"), writes(&stage, "b"), writes(&stage, "c")];
    let it = Action { no_return: Some(1), ..action("it", moves) };
    let plan = plan(&stage, owns, vec![it], Vec::new());
    // Before that point it is taken back.
    assert!(run(&stage, &plan, Some(3)).await.is_none());
    stage.next_run();
    assert_eq!(recovered(&stage).await.unwrap().left, Vec::<String>::new());
    assert_eq!(there(&stage), [""; 0]);
    assert!(run(&stage, &plan, Some(4)).await.is_none());
    stage.next_run();
    assert_eq!(recovered(&stage).await.unwrap().left, Vec::<String>::new());
    assert_eq!(there(&stage), ["a", "b", "c"]);
    assert!(recovered(&stage).await.is_none());
}

#[tokio::test]
async fn a_plan_that_can_not_be_read_back_is_refused_before_anything_is_done() {
    let deep = (0..200).fold(Tree::Boolean(true), |inner, _| Tree::Items(vec![inner]));
    let numbers = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(Tree::Float);
    for value in numbers.into_iter().chain([deep]) {
        let stage = Stage::new();
        let document = |value| Content::Document { format: Format::Toml, body: Tree::Table(vec![("a".into(), value)]) };
        let plan = |value| {
            let moves = vec![writes(&stage, "first"), by_host(write(&at(&stage, "a"), document(value)))];
            plan(&stage, vec![owned(&stage, "it", "a", Vec::new())], vec![action("it", moves)], Vec::new())
        };
        let refused = plan(value);
        let reporter = Mortal::default();
        let apply = Apply { world: &stage.world, plan: &refused, only: None, reporter: &reporter };
        let error = apply.run().await.unwrap_err().to_string();
        assert!(error.contains("nothing was changed"), "{error}");
        assert_eq!(there(&stage), [""; 0]);
        assert!(stage.world.state.unfinished_run().unwrap().is_none());
        // Numbers of any other kind are the same when they are read.
        for number in [0.1, 1.0 / 3.0, f64::MAX, f64::MIN_POSITIVE, 5e-324, -0.0, 2.225_073_858_507_201e-308] {
            assert!(plan(Tree::Float(number)).to_json(serde_json::to_string).is_ok(), "{number:e}");
        }
    }
}

#[tokio::test]
async fn what_a_plan_with_nothing_to_do_says_of_undo_order_and_plugins_reaches_state() {
    let stage = Stage::new();
    let state = &stage.world.state;
    for (undone, version) in [("a", "1.0.0"), ("a", "1.0.0"), ("corrected", "1.0.1")] {
        let mut plan = plan(&stage, vec![owned(&stage, "it", "a", vec![removes(&stage, undone)])], vec![], vec![]);
        let identity = PluginIdentity { version: version.into(), digest: String::new(), capabilities: Vec::new() };
        plan.binding.loaded.insert("secret".into(), identity);
        plan.edges.insert((app(), Address::new("container", undone)));
        assert!(plan.is_empty());
        Apply { world: &stage.world, plan: &plan, only: None, reporter: &Mortal::default() }.remember().unwrap();
        let recorded = state.instances().unwrap();
        let [record] = recorded.as_slice() else { panic!("{recorded:?}") };
        let [owned] = record.owns.as_slice() else { panic!("{record:?}") };
        assert_eq!(owned.owned, plan.instances[0].planned.owns[0]);
        assert_eq!(state.edges().unwrap(), plan.edges);
        assert_eq!(state.plugins().unwrap(), plan.binding.loaded);
    }
}

/// A database that is renamed and renamed back: both are there, each is recorded once, and every key is another.
#[tokio::test]
async fn what_is_renamed_back_is_recorded_once() {
    let stage = Stage::new();
    for name in ["a", "b", "a", "c", "b", "a"] {
        let owns = vec![Owned { holds_data: true, ..owned(&stage, "data", name, vec![removes(&stage, name)]) }];
        let plan = plan(&stage, owns, vec![], vec![]);
        Apply { world: &stage.world, plan: &plan, only: None, reporter: &Mortal::default() }.remember().unwrap();
        let recorded = stage.world.state.instances().unwrap();
        let [record] = recorded.as_slice() else { panic!("{recorded:?}") };
        let mut names: Vec<&str> = record.owns.iter().map(|one| one.owned.thing.name.as_str()).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), record.owns.len(), "{record:?}");
        let current = record.owns.iter().find(|one| one.owned.thing.key == "data").expect("its own key");
        assert_eq!(current.owned.thing.name, plan.instances[0].planned.owns[0].thing.name);
    }
}

#[tokio::test]
async fn data_that_several_hold_goes_when_all_of_them_give_it_up() {
    let stage = Stage::new();
    let remove = Step::DirectoryRemove(DirectoryRemove { path: at(&stage, "shared") });
    let folder = Owned { holds_data: true, ..owned(&stage, "folder", "shared", vec![by_host(remove)]) };
    let [one, two] = ["one", "two"].map(|name| Address::new("container", name));
    for (position, address) in [&one, &two].into_iter().enumerate() {
        let owns = vec![OwnedRecord { owned: folder.clone(), grants: stage.gate.grants().clone(), proven: true }];
        let record = InstanceRecord { address: address.clone(), plugin: "container".into(), owns };
        stage.world.state.set_instance(&record, position).unwrap();
    }
    for (given_up, removed, kept) in [(vec![], 0, 2), (vec![&one], 0, 2), (vec![&two], 0, 2), (vec![&one, &two], 2, 0)]
    {
        let given_up = given_up.into_iter().cloned().collect();
        let destruction = destruction(&stage.world.state, "media", &[], &given_up).unwrap();
        assert_eq!((destruction.removals.len(), destruction.kept.len()), (removed, kept), "{given_up:?}");
    }
}

#[tokio::test]
async fn a_full_disk_stops_a_run_before_its_next_step_and_the_next_run_goes_on() {
    let stage = Stage::new();
    let keys = ["a", "b", "c"];
    let owns = keys.map(|key| owned(&stage, key, key, vec![removes(&stage, key)])).to_vec();
    // Each takes up some pages, in the plan and in the journal.
    let long = |key: &str| write(&at(&stage, key), Content::Text(Text::literal("x".repeat(20_000))));
    let actions = keys.map(|key| action(key, vec![by_host(long(key))])).to_vec();
    let whole = plan(&stage, owns, actions, Vec::new());
    let pages = |most: &str| {
        let pragma = format!("pragma max_page_count = {most}");
        stage.world.state.sqlite().query_row(&pragma, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let reporter = Mortal::default();
    let apply = Apply { world: &stage.world, plan: &whole, only: None, reporter: &reporter };
    let mut stopped = 0;
    // One more page each time, until there is room for all of it.
    for room in 0..100 {
        let now = pages("1");
        pages(&(now + room).to_string());
        let outcome = apply.run().await;
        if matches!(outcome, Ok(Applied::Complete)) {
            break;
        }
        stopped += 1;
        let said = match outcome {
            Ok(Applied::Stopped { failure, .. }) => failure.to_string(),
            Ok(Applied::Complete) => String::new(),
            Err(error) => format!("{error:#}"),
        };
        assert!(said.contains("the disk that it lies on is full") && !said.contains("move it away"), "{room}: {said}");
        pages("1000000");
        recovered(&stage).await;
        let known = recorded(&stage.world.state);
        assert!(there(&stage).iter().all(|name| known.contains(name)), "{room}: {:?} {known:?}", there(&stage));
    }
    assert!(stopped > 0, "the disk was never full");
    assert_eq!(there(&stage), keys);
    assert_eq!(recorded(&stage.world.state), keys);
}
