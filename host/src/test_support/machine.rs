//! For tests: a machine's store, state and folders in a directory that goes away.

use std::{collections::BTreeMap, os::unix::fs::PermissionsExt, path::PathBuf, sync::Arc};

use age::secrecy::ExposeSecret;

use crate::{
    capability::{Acting, Gate, Gates},
    model::{
        ConnectionSettings, FilesGrant, Grants, HostFile, Making, StoreSettings,
        value::{Address, Target, Tree},
    },
    world::{Connections, Memo, State, World, vault::Vault},
};

/// Everything that vault and file steps need.
pub(crate) struct Stage {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) host_file: Arc<HostFile>,
    pub(crate) world: World,
    pub(crate) gate: Gate,
    pub(crate) gates: Gates,
}

impl Stage {
    /// A store with one recipient; `secret.app` makes `token`; files may be written below `files/`.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let identity = age::x25519::Identity::generate();
        std::fs::write(path("identity"), identity.to_string().expose_secret()).unwrap();
        std::fs::set_permissions(path("identity"), PermissionsExt::from_mode(0o600)).unwrap();
        std::fs::create_dir(path("files")).unwrap();
        std::fs::write(path("token"), "initial-access-token\n").unwrap();
        let captures = Tree::Table(vec![
            ("plain_captures".into(), Tree::Items(vec![Tree::literal("client_id")])),
            ("initial_access_token_file".into(), Tree::literal(path("token").display().to_string())),
        ]);
        let provider = ConnectionSettings {
            name: "provider".into(),
            kind: "oidc-registration".into(),
            address: None,
            write: Default::default(),
            verbs: Default::default(),
            settings: captures,
        };
        let host_file = Arc::new(HostFile {
            path: path("stackrun.toml"),
            store: StoreSettings {
                path: path("store"),
                identities: vec![path("identity")],
                recipients: vec![identity.to_public().to_string()],
            },
            state: path("state"),
            folders: BTreeMap::new(),
            connections: BTreeMap::from([("provider".to_owned(), provider)]),
            plugins: BTreeMap::new(),
        });
        let state = Arc::new(State::open(&host_file.state, "media").unwrap());
        let world = world(&host_file, state);
        let below = |name: &str| format!("{}/", path(name).display());
        let files = FilesGrant { write: vec![below("files")], ..FilesGrant::default() };
        let gate = Gate::new("secret", "media", app(), Grants { files, ..Grants::default() });
        Self { directory, host_file, world, gate, gates: Gates::new() }
    }

    pub(crate) fn acting(&self) -> Acting<'_> {
        Acting { world: &self.world, gate: &self.gate, gates: &self.gates }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.world.vault
    }

    /// The same machine in a later run: nothing is remembered but what lies on the disk.
    pub(crate) fn next_run(&mut self) {
        let state = Arc::new(State::open(&self.host_file.state, "media").unwrap());
        self.world = world(&self.host_file, state);
    }

    /// No identity is there any more: whatever still works decrypts nothing.
    pub(crate) fn lose_identity(&self) {
        std::fs::remove_file(self.path("identity")).unwrap();
    }
}

pub(crate) fn app() -> Address {
    Address::new("secret", "app")
}

pub(crate) fn made(name: &str) -> Target {
    Target::Made(app(), name.to_owned())
}

fn world(host_file: &Arc<HostFile>, state: Arc<State>) -> World {
    let vault = Vault::open(Arc::clone(host_file), "media", Arc::clone(&state)).unwrap();
    let stored = ["token", "password"].map(|name| Making::Stored { name: name.to_owned() });
    let captured = ["client_id", "client_secret"]
        .map(|name| Making::Captured { name: name.into(), connection: "provider".into() });
    vault.declare(&app(), &stored);
    vault.declare(&app(), &captured);
    let connections = Connections::new(Arc::clone(host_file), vault.learned());
    World { host_file: Arc::clone(host_file), connections, vault, state, memo: Memo::default() }
}
