//! `docker-api`: a container engine behind a unix socket, Podman or Docker.
//!
//! Of both engines' API only what they have in common is used, without a version in the path: Podman serves 1.41, and
//! newer Dockers refuse that. Answers are read leniently, field by field ([`answers`]): a typed client such as bollard
//! fails on Podman's own states (`stopped`). What only Podman can do (setting up a network without starting the
//! program) goes to its own endpoints.
//!
//! `docker-api.toml` says what may be set in the host file.

mod answers;
mod body;
mod call;
mod containers;
mod error;
mod logs;
mod seen;

use std::{
    collections::HashMap,
    net::IpAddr,
    path::PathBuf,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;
use tokio::sync::OnceCell;

pub use answers::{ImageFacts, Inspect, MountPoint, Summary};
pub use body::CreateBody;
pub use error::EngineError;
pub use seen::Seen;

use super::EngineFacts;
use crate::{
    capability::connection::{ConnectionKind, schema},
    model::{ConnectionSettings, Failure, HostFile},
    world::Connections,
};

/// The kind of these connections in the host file.
pub const KIND: &str = "docker-api";

/// What the host reads of its settings; the plugin reads the rest.
#[derive(Debug, Deserialize)]
pub struct DockerApi {
    pub(in crate::capability::containers) socket: PathBuf,
    #[serde(deserialize_with = "publish_address")]
    publish: IpAddr,
    pub(in crate::capability::containers) host_name: Option<String>,
}

fn publish_address<'de, D: Deserializer<'de>>(from: D) -> Result<IpAddr, D::Error> {
    let written = String::deserialize(from)?;
    written.parse().map_err(|_| D::Error::custom(format!("`publish` is an IP address, not `{written}`")))
}

impl ConnectionKind for DockerApi {
    const NAME: &'static str = KIND;

    fn schema() -> &'static Value {
        static SCHEMA: LazyLock<Value> = LazyLock::new(|| schema(include_str!("docker-api.toml")));
        &SCHEMA
    }
}

/// A container engine.
#[derive(Debug)]
pub struct Engine {
    name: String,
    settings: DockerApi,
    facts: OnceCell<EngineFacts>,
    default_network: OnceCell<Option<String>>,
}

impl Engine {
    /// Reads the settings; connects to nothing yet.
    pub fn new(settings: &ConnectionSettings) -> Result<Self, Failure> {
        Ok(Self {
            name: settings.name.clone(),
            settings: DockerApi::read(settings)?,
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
        self.settings.publish
    }

    /// The name by which containers of this engine reach this machine.
    pub async fn host_name(&self) -> Result<String, EngineError> {
        if let Some(name) = &self.settings.host_name {
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
