//! No secret crosses into a plugin: all that is handed to one, or answered to its questions, is looked through, while
//! the whole stack is planned on real servers: before it exists, when it stands, when everything in it was changed by
//! hand, and after a rotation.

#![allow(clippy::unwrap_used, missing_docs)]

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use stackrun::{
    cli::{Color, Global},
    flow::{Flow, Purpose},
    plugin::{Limits, Recorder, Runtime},
    spec::SpecArgs,
};
use stackrun_tests::{
    canary::{Canaries, of_mediamanager},
    lab::{Lab, Options, Scratch},
    stack::Stack,
};

/// What crossed since it was last asked, each once, with the way it took.
#[derive(Debug, Default)]
struct Crossed(Mutex<BTreeSet<(String, Vec<u8>)>>);

impl Recorder for Crossed {
    fn crossed(&self, plugin: &str, what: &str, text: &[u8]) {
        self.0.lock().unwrap().insert((format!("{plugin}: {what}"), text.to_vec()));
    }
}

/// The stack, planned in this process by a runtime with a recorder.
struct Planner {
    spec: SpecArgs,
    global: Global,
    runtime: Runtime,
    crossed: Arc<Crossed>,
    /// Empty at first, so that plugins are asked everything.
    cache: tempfile::TempDir,
    tokio: tokio::runtime::Runtime,
    canaries: Canaries,
}

impl Planner {
    fn new(stack: &Stack) -> Self {
        let cache = tempfile::tempdir().unwrap();
        let crossed = Arc::new(Crossed::default());
        Self {
            spec: SpecArgs { spec: stack.spec.clone(), set: stack.set.clone() },
            global: Global { host: stack.host.clone(), color: Color::Never, log: "warn".to_owned() },
            runtime: Runtime::with(&cache.path().join("cache"), Limits::default(), Some(crossed.clone())).unwrap(),
            crossed,
            cache,
            tokio: tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap(),
            canaries: Canaries::default(),
        }
    }

    /// Plans, and holds what crossed meanwhile against the canaries. `known` did cross, so a canary would be seen.
    fn plan(&self, when: &str, actions: bool, known: &[&str]) {
        self.crossed.0.lock().unwrap().clear();
        let (spec, host) = (&self.spec, &self.global.host);
        let planned = self.tokio.block_on(async {
            let flow = Flow::open_with(spec, host, Purpose::Plan, &self.cache.path().join("cache"), &|| {
                Ok(self.runtime.clone())
            })
            .await?;
            flow.plan().await
        });
        let drawn = planned.map_err(|ended| ended.message).unwrap();
        assert_eq!(drawn.plan.is_empty(), !actions, "{when}");
        let crossed = self.crossed.0.lock().unwrap();
        for (way, text) in crossed.iter() {
            let found = self.canaries.find(text);
            assert!(found.is_empty(), "{when}, {way}: {}", found[0]);
        }
        for known in known {
            let (way, text) = known.split_once(" = ").unwrap();
            let seen = crossed.iter().any(|(by, crossed)| by == way && crossed == text.as_bytes());
            assert!(seen, "{when}: {known} did not cross, or was not seen");
        }
    }
}

#[test]
fn no_secret_crosses_into_a_plugin() {
    let lab = Scratch::up(&Options::default()).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let stack = Stack::mediamanager(Path::new(env!("CARGO_BIN_EXE_stackrun")), root, &lab);
    let mut planner = Planner::new(&stack);
    for (name, value) in of_mediamanager().unwrap() {
        planner.canaries.add(name, &value);
        import(&stack, &serde_json::json!({ name: value }));
    }
    let handed_over =
        ["postgres: instance = secret.mediamanager.database_password", "container: instance = mediamanager"];
    let answered = ["postgres: sql.hba = mediamanager", "oidc: services.verbs = restart"];

    planner.plan("before it exists", true, &handed_over);
    stack.quietly("apply", &["--yes"], 0).unwrap();
    planner.plan("when it stands", false, &[handed_over, answered].concat());
    by_hand(&lab);
    planner.plan("changed by hand", true, &[handed_over, answered].concat());
    stack.quietly("apply", &["--yes"], 0).unwrap();

    rotate(&stack, &mut planner);
    planner.plan("after a rotation", true, &[handed_over, answered].concat());
    stack.quietly("apply", &["--yes", "--only", "postgres.mediamanager"], 0).unwrap();
    planner.plan("when the rotation is half way through", true, &handed_over);
    lab.down().unwrap();
}

fn import(stack: &Stack, values: &serde_json::Value) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("values.json");
    fs::write(&file, values.to_string()).unwrap();
    stack.quietly("secret import", &[file.to_str().unwrap()], 0).unwrap();
}

/// Whatever holds a secret becomes another one, so that each comparison has something to tell.
fn by_hand(lab: &Lab) {
    lab.postgres.sql("postgres", "alter role mediamanager password 'another'").unwrap();
    let edit = |file: &Path, from: &str, to: &str| {
        fs::write(file, fs::read_to_string(file).unwrap().replace(from, to)).unwrap();
    };
    edit(&lab.dir.join("data/config/config.toml"), "secret = \"", "secret = \"another");
    edit(&lab.idp.clients_fragment, "$310000$", "$310000$x");
    let stopped = lab.podman.command().args(["stop", "mediamanager"]).output().unwrap();
    assert!(stopped.status.success());
}

/// Rotates all secrets, and looks for the new values as well.
fn rotate(stack: &Stack, planner: &mut Planner) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("values.json");
    for name in ["database_password", "token_secret", "oidc_client_secret", "admin_password"] {
        stack.quietly("secret rotate", &[name], 0).unwrap();
    }
    stack.quietly("secret export", &["--clear", "--format", "json", "--to", file.to_str().unwrap()], 0).unwrap();
    let values: serde_json::Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    for (name, value) in values.as_object().unwrap() {
        planner.canaries.add(&format!("new {name}"), value.as_str().unwrap());
    }
}
