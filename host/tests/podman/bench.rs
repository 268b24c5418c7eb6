//! What the tests act with: one instance's world and gate, against the tests' own Podman.

use std::{
    collections::BTreeMap,
    fs::Permissions,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use age::secrecy::ExposeSecret;
use stackrun::{
    capability::{
        Acting, Gate, Gates, StepKind,
        containers::{ContainerComparison, ContainerQuestion},
        secrets::SecretGenerate,
    },
    model::{
        ConnectionSettings, ContainersGrant, Generator, Grants, HostFile, Making, StoreSettings, WriteMode,
        desired::Definition,
        value::{Address, Target, Tree},
    },
    world::{Connections, Memo, State, World, vault::Vault},
};

use crate::engine::{IMAGE, Podman, podman};

/// Name of the connection.
pub const ENGINE: &str = "podman";

/// One instance, `container.NAME` of the stack `media`, that may do what its plugin would.
pub struct Bench {
    pub podman: Arc<Podman>,
    pub name: String,
    world: World,
    gate: Gate,
    gates: Gates,
}

impl Bench {
    pub fn new(name: &str) -> Self {
        let podman = podman();
        let socket = podman.socket();
        Self::of(podman, "media", &[name], &socket)
    }

    /// The instance of the first name, of this stack, which may have containers of all these names.
    pub fn of(podman: Arc<Podman>, stack: &str, names: &[&str], socket: &Path) -> Self {
        let (world, name) = (world(socket), names[0]);
        let instance = Address::new("container", name);
        let containers = ContainersGrant {
            connections: vec![ENGINE.into()],
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            mounts: vec![podman.data().display().to_string()],
            ..ContainersGrant::default()
        };
        let gate = Gate::new("container", stack, instance, Grants { containers, ..Grants::default() });
        Self { podman, name: name.to_owned(), world, gate, gates: Gates::new() }
    }

    pub fn acting(&self) -> Acting<'_> {
        Acting { world: &self.world, gate: &self.gate, gates: &self.gates }
    }

    pub fn world(&self) -> &World {
        &self.world
    }

    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// A container of the tiny image that sleeps.
    pub fn definition(&self) -> Definition {
        let id = self.podman.by_hand(&["image", "inspect", "--format", "{{.Id}}", IMAGE]);
        Definition { image_id: Some(format!("sha256:{id}")), ..Definition::new(&self.name, IMAGE) }
    }

    /// One that runs this line of shell.
    pub fn running(&self, line: &str) -> Definition {
        Definition { command: Some(["/bin/sh", "-c", line].map(str::to_owned).to_vec()), ..self.definition() }
    }

    /// Generates a secret of this instance, 24 characters.
    pub async fn secret(&self, name: &str) -> Target {
        let instance = self.gate.instance().clone();
        self.world.vault.establish().expect("a store");
        self.world.vault.declare(&instance, &[Making::Stored { name: name.into() }]);
        let into = Target::Made(instance, name.into());
        self.carry_out(SecretGenerate { into: into.clone(), generator: Generator::Alphanumeric, length: 24 }).await;
        into
    }

    /// Asks anew, as the next run would.
    pub async fn compare(&self, wanted: &Definition) -> ContainerComparison {
        self.world.memo.clear();
        let question = ContainerQuestion { connection: ENGINE.into(), wanted: wanted.clone() };
        let permit = self.gate.container_define(question).expect("granted");
        self.world.container_compare(&permit).await.expect("an answer")
    }

    /// Carries a step out as a run does, and returns what its revert needs.
    pub async fn carry_out<S: StepKind>(&self, step: S) -> S::Before {
        let before = step.before(&self.acting()).await.expect("its before-image");
        step.carry_out(&self.acting()).await.expect("the step");
        before
    }

    /// The message with which a step fails.
    pub async fn refusal<S: StepKind>(&self, step: S) -> String {
        step.carry_out(&self.acting()).await.expect_err("a refusal").to_string()
    }
}

/// A world with a container engine at this socket and nothing else.
pub fn world(socket: &Path) -> World {
    let settings = Tree::Table(vec![("socket".into(), Tree::literal(socket.display().to_string()))]);
    let connection = ConnectionSettings {
        name: ENGINE.into(),
        kind: "docker-api".into(),
        address: None,
        write: WriteMode::Files,
        verbs: BTreeMap::new(),
        settings,
    };
    // Tests run side by side: each has a store of its own.
    static WORLDS: AtomicU32 = AtomicU32::new(0);
    let store = socket.with_extension(format!("store{}", WORLDS.fetch_add(1, Ordering::Relaxed)));
    let host_file = Arc::new(HostFile {
        path: PathBuf::from("stackrun.toml"),
        store: store_settings(&store),
        state: PathBuf::new(),
        folders: BTreeMap::new(),
        connections: BTreeMap::from([(ENGINE.to_owned(), connection)]),
        plugins: BTreeMap::new(),
    });
    let state = Arc::new(State::in_memory().expect("a state"));
    let vault = Vault::open(host_file.clone(), "media", state.clone()).expect("a vault");
    World {
        connections: Connections::new(host_file.clone(), vault.learned()),
        vault,
        host_file,
        state,
        memo: Memo::default(),
    }
}

/// A store with one recipient of its own.
fn store_settings(folder: &Path) -> StoreSettings {
    let identity = folder.with_added_extension("identity");
    let key = age::x25519::Identity::generate();
    // The folder of a socket that is not there either is not needed.
    if std::fs::write(&identity, key.to_string().expose_secret()).is_ok() {
        std::fs::set_permissions(&identity, Permissions::from_mode(0o600)).expect("its mode");
    }
    let recipients = vec![key.to_public().to_string()];
    StoreSettings { path: folder.to_owned(), identities: vec![identity], recipients }
}
