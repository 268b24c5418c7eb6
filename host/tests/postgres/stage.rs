//! A world with one PostgreSQL connection `main`, and the gate of `postgres.media`.

use std::{collections::BTreeMap, sync::Arc};

use stackrun::{
    capability::{
        Acting, Gate, Gates, StepKind,
        sql::{SqlStep, Statement},
    },
    model::{
        ConnectionSettings, Grants, HostFile, Making, SqlGrant, StoreSettings, WriteMode,
        desired::Database,
        value::{Address, Target},
    },
    world::{Connections, Memo, State, World, vault::Vault},
};
use tempfile::TempDir;

use super::cluster::Cluster;

/// Everything that a step needs, on a cluster of its own.
pub struct Stage {
    pub cluster: Cluster,
    pub world: World,
    pub gate: Gate,
    pub gates: Gates,
    pub directory: TempDir,
}

impl Stage {
    pub fn new() -> Self {
        Self::with(WriteMode::Files, "media", "media")
    }

    pub fn with(write: WriteMode, role: &str, database: &str) -> Self {
        let cluster = Cluster::start();
        let directory = tempfile::tempdir().unwrap();
        let connection = ConnectionSettings { write, ..cluster.connection("main", &[]) };
        let world = world(&directory, connection);
        let gate = gate(role, database);
        Self { cluster, world, gate, gates: Gates::new(), directory }
    }

    pub fn acting(&self) -> Acting<'_> {
        Acting { world: &self.world, gate: &self.gate, gates: &self.gates }
    }

    /// Carries out one statement; the answer is what it found before.
    pub async fn run(&self, statement: Statement) -> stackrun::capability::sql::SqlBefore {
        let step = step(statement);
        let before = step.before(&self.acting()).await.unwrap();
        step.carry_out(&self.acting()).await.unwrap();
        before
    }

    pub async fn undo(&self, statement: Statement, before: &stackrun::capability::sql::SqlBefore) {
        step(statement).revert(before, &self.acting()).await.unwrap();
    }

    pub async fn refused(&self, statement: Statement) -> String {
        step(statement).carry_out(&self.acting()).await.unwrap_err().to_string()
    }

    pub async fn is_done(&self, statement: Statement) -> bool {
        step(statement).is_done(&self.acting()).await.unwrap()
    }

    /// Asks as the superuser; the first column of each row.
    pub async fn ask(&self, database: &str, sql: &str) -> Vec<Option<String>> {
        self.cluster.ask(&self.world.connections, database, sql).await
    }

    /// A secret of the instance's, from a file.
    pub fn secret(&self, value: &str) -> Target {
        let path = self.directory.path().join("password");
        std::fs::write(&path, value).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let making = Making::FromFile { name: "password".into(), path: path.display().to_string(), key: None };
        let owner = Address::new("secret", "media");
        self.world.vault.declare(&owner, &[making]);
        Target::Made(owner, "password".into())
    }
}

pub fn step(statement: Statement) -> SqlStep {
    SqlStep { connection: "main".into(), statement }
}

pub fn database(name: &str, owner: &str) -> Database {
    Database {
        connection: "main".into(),
        name: name.into(),
        owner: owner.into(),
        encoding: None,
        locale: None,
        template: None,
    }
}

pub fn gate(role: &str, database: &str) -> Gate {
    let sql = SqlGrant {
        connections: vec!["main".into()],
        relations: vec!["pg_roles".into(), "pg_database".into(), "pg_extension".into()],
        roles: vec![role.into()],
        databases: vec![database.into()],
        templates: vec![],
        extensions: vec!["plpgsql".into(), "citext".into()],
        admission: true,
    };
    Gate::new("postgres", "stack", Address::new("postgres", "media"), Grants { sql, ..Grants::default() })
}

/// A world with a store of its own and this connection.
pub fn world(directory: &TempDir, connection: ConnectionSettings) -> World {
    let store = directory.path().join("store");
    std::fs::create_dir_all(&store).unwrap();
    std::fs::set_permissions(&store, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let identity = age::x25519::Identity::generate();
    let key = directory.path().join("identity");
    std::fs::write(&key, age::secrecy::ExposeSecret::expose_secret(&identity.to_string())).unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let recipients = vec![identity.to_public().to_string()];
    let host_file = Arc::new(HostFile {
        path: directory.path().join("stackrun.toml"),
        store: StoreSettings { path: store, identities: vec![key], recipients },
        state: directory.path().join("state"),
        folders: BTreeMap::new(),
        connections: BTreeMap::from([(connection.name.clone(), connection)]),
        plugins: BTreeMap::new(),
    });
    let state = Arc::new(State::in_memory().unwrap());
    let vault = Vault::open(host_file.clone(), "stack", state.clone()).unwrap();
    vault.establish().unwrap();
    World {
        connections: Connections::new(host_file.clone(), vault.learned()),
        vault,
        host_file,
        state,
        memo: Memo::default(),
    }
}
