//! A world with the connections `edge` (Caddy), `idp` (a provider that it serves) and whatever else a test names, and the
//! gate of `oidc.app`.

use std::{collections::BTreeMap, sync::Arc};

use stackrun::{
    capability::{Acting, Condition, ConditionKind, Gate, Gates, Held, Vantage},
    model::{
        ConnectionSettings, Failure, Grants, HostFile, HttpGrant, HttpRule, ServicesGrant, StoreSettings, WriteMode,
        desired::{Body, Method, Origin, Request},
        value::{Address, Text, Tree},
    },
    world::{Connections, Memo, State, World, vault::Vault},
};
use tempfile::TempDir;

use super::server::Caddy;

pub struct Stage {
    pub world: World,
    pub gate: Gate,
    gates: Gates,
    _directory: TempDir,
}

impl Stage {
    /// A world with these connections.
    pub fn with(connections: Vec<ConnectionSettings>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let gate = gate(&connections);
        let connections = connections.into_iter().map(|one| (one.name.clone(), one)).collect();
        Self { world: world(&directory, connections), gate, gates: Gates::new(), _directory: directory }
    }

    pub fn of(caddy: &Caddy) -> Self {
        Self::with(vec![edge(caddy), idp(caddy)])
    }

    pub fn acting(&self) -> Acting<'_> {
        Acting { world: &self.world, gate: &self.gate, gates: &self.gates }
    }

    pub async fn ask(&self, kind: ConditionKind) -> Result<Held, Failure> {
        Condition { kind, vantage: Vantage::Host }.look().expect("a look").ask(&self.acting()).await
    }
}

pub fn connection(name: &str, kind: &str, address: Option<&str>, settings: &[(&str, &str)]) -> ConnectionSettings {
    let settings = settings.iter().map(|(key, value)| {
        let value = value.parse().map_or_else(|_| Tree::literal(*value), Tree::Integer);
        ((*key).to_owned(), value)
    });
    ConnectionSettings {
        name: name.to_owned(),
        kind: kind.to_owned(),
        address: address.map(str::to_owned),
        write: WriteMode::Files,
        verbs: BTreeMap::new(),
        settings: Tree::Table(settings.collect()),
    }
}

pub fn edge(caddy: &Caddy) -> ConnectionSettings {
    let admin = format!("unix:{}", caddy.path("admin.sock").display());
    let port = caddy.https_port.to_string();
    let (caddyfile, ca) = (caddy.path("Caddyfile"), caddy.ca());
    connection(
        "edge",
        "caddy",
        Some("127.0.0.1"),
        &[
            ("admin", admin.as_str()),
            ("caddyfile", caddyfile.to_str().unwrap()),
            ("https_port", port.as_str()),
            ("ca", ca.to_str().unwrap()),
        ],
    )
}

pub fn idp(caddy: &Caddy) -> ConnectionSettings {
    let issuer = format!("https://idp.test:{}", caddy.https_port);
    let address = format!("127.0.0.1:{}", caddy.https_port);
    let ca = caddy.ca();
    connection("idp", "authelia", Some(&address), &[("issuer", issuer.as_str()), ("ca", ca.to_str().unwrap())])
}

pub fn get(origin: Origin, path: &str) -> Request {
    Request {
        origin,
        method: Method::Get,
        path: Text::literal(path),
        headers: Vec::new(),
        bearer: None,
        body: Body::None,
        accept: Vec::new(),
        captures: Vec::new(),
    }
}

pub fn site(host: &str, path: &str) -> Request {
    get(Origin::Site { gateway: "edge".to_owned(), host: Text::literal(host) }, path)
}

/// May ask anything of every connection, and run these two verbs.
fn gate(connections: &[ConnectionSettings]) -> Gate {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let rule = |one: &ConnectionSettings| HttpRule {
        connection: one.name.clone(),
        methods: words(&["GET", "POST"]),
        paths: words(&["/*"]),
    };
    let http = HttpGrant {
        connections: connections.iter().map(rule).collect(),
        own_containers: false,
        sites: words(&["edge"]),
        pages: words(&["idp"]),
    };
    let services = ServicesGrant { verbs: [("edge".to_owned(), words(&["validate", "reload"]))].into() };
    Gate::new("oidc", "stack", Address::new("oidc", "app"), Grants { http, services, ..Grants::default() })
}

fn world(directory: &TempDir, connections: BTreeMap<String, ConnectionSettings>) -> World {
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
        connections,
        plugins: BTreeMap::new(),
    });
    let state = Arc::new(State::in_memory().unwrap());
    let vault = Vault::open(host_file.clone(), "stack", state.clone()).unwrap();
    World {
        connections: Connections::new(host_file.clone(), vault.learned()),
        vault,
        host_file,
        state,
        memo: Memo::default(),
    }
}
