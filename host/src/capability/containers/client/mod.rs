//! `docker-api`: a container engine behind a unix socket, Podman or Docker.
//!
//! Of both engines' API only what they have in common is used, without a version in the path: Podman serves 1.41, and
//! newer Dockers refuse that. Answers are read leniently, field by field ([`answers`]): a typed client such as bollard
//! fails on Podman's own states (`stopped`). What only Podman can do (setting up a network without starting the
//! program) goes to its own endpoints.
//!
//! Settings in the host file: `socket`; `host_name`, the name by which containers reach this machine; `publish`, the
//! address that ports are published on (127.0.0.1); `network`, `extra_hosts` and `ca_bundle` for containers that name
//! none; `capabilities`, which containers may add.

mod answers;
mod body;
mod call;
mod containers;
mod error;
mod logs;
mod seen;

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OnceCell;

pub use answers::{ImageFacts, Inspect, MountPoint, Summary};
pub use body::CreateBody;
pub use error::EngineError;
pub use seen::Seen;

use super::EngineFacts;
use crate::{
    model::{ConnectionSettings, Failure, HostFile},
    world::Connections,
};

/// The kind of these connections in the host file.
pub const KIND: &str = "docker-api";

/// A container engine.
#[derive(Debug)]
pub struct Engine {
    name: String,
    socket: PathBuf,
    publish: IpAddr,
    host_name: Option<String>,
    facts: OnceCell<EngineFacts>,
    default_network: OnceCell<Option<String>>,
}

impl Engine {
    /// Reads the settings; connects to nothing yet.
    pub fn new(settings: &ConnectionSettings) -> Result<Self, Failure> {
        let wrong = |what: &str| Failure::Other(format!("[connection.{}] in the host file: {what}", settings.name));
        if settings.kind != KIND {
            return Err(wrong(&format!("this is `{}`, and a container engine has kind = \"{KIND}\"", settings.kind)));
        }
        let string = |key: &str| settings.settings.get(key).and_then(|value| value.as_str());
        let socket = string("socket").ok_or_else(|| {
            wrong("`socket` is missing: the engine's API socket, for example socket = \"/run/podman/podman.sock\"")
        })?;
        let socket = socket.strip_prefix("unix://").unwrap_or(socket);
        let publish = match string("publish") {
            None => IpAddr::V4(Ipv4Addr::LOCALHOST),
            Some(text) => text.parse().map_err(|_| wrong(&format!("`publish` is an IP address, not `{text}`")))?,
        };
        Ok(Self {
            name: settings.name.clone(),
            socket: PathBuf::from(socket),
            publish,
            host_name: string("host_name").map(str::to_owned),
            facts: OnceCell::new(),
            default_network: OnceCell::new(),
        })
    }

    /// Name of the connection.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address that ports are published on when a definition gives none.
    pub fn publish(&self) -> IpAddr {
        self.publish
    }

    /// The name by which containers of this engine reach this machine.
    pub async fn host_name(&self) -> Result<String, EngineError> {
        if let Some(name) = &self.host_name {
            return Ok(name.clone());
        }
        let name = if self.is_podman().await? { "host.containers.internal" } else { "host.docker.internal" };
        Ok(name.to_owned())
    }

    /// Whether Podman's own endpoints are there.
    pub async fn is_podman(&self) -> Result<bool, EngineError> {
        Ok(self.facts().await?.flavour == "podman")
    }

    /// What the engine is; asked once.
    pub async fn facts(&self) -> Result<&EngineFacts, EngineError> {
        self.facts.get_or_try_init(|| self.ask_facts()).await
    }
}

/// The engines of one run.
#[derive(Debug, Default)]
pub struct Engines {
    by_name: Mutex<HashMap<String, Arc<Engine>>>,
}

impl Engines {
    /// The engine of this connection; connects to nothing yet.
    pub fn get(&self, host_file: &HostFile, name: &str) -> Result<Arc<Engine>, Failure> {
        let mut engines = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = engines.get(name) {
            return Ok(engine.clone());
        }
        let settings = host_file
            .connections
            .get(name)
            .ok_or_else(|| Failure::Other(format!("the host file has no [connection.{name}]")))?;
        let engine = Arc::new(Engine::new(settings)?);
        engines.insert(name.to_owned(), engine.clone());
        Ok(engine)
    }
}

impl Connections {
    /// The container engine behind a `docker-api` connection.
    pub fn engine(&self, name: &str) -> Result<Arc<Engine>, Failure> {
        self.clients::<Engines>().get(self.host_file(), name)
    }
}
