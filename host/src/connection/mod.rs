//! Connections: how the things behind the host file's `[connection.NAME]` tables are reached. Each kind is one module.
//! A client is made when it is first used and shared for the run.

pub mod caddy;
pub mod docker_api;
pub mod files;
pub mod http;
pub mod postgresql;
pub mod verb;

use std::sync::Arc;

use crate::{
    host_file::{ConnectionSettings, HostFile},
    observe::Failure,
    secret::Learned,
};

/// All clients of one run.
#[derive(Debug)]
pub struct Connections {
    host_file: Arc<HostFile>,
    learned: Arc<Learned>,
    engines: docker_api::Engines,
    postgresql: postgresql::Servers,
    http: http::Clients,
}

impl Connections {
    /// Connects to nothing yet. Whatever credentials are read for connecting become known to `learned`, the vault's.
    pub fn new(host_file: Arc<HostFile>, learned: &Arc<Learned>) -> Arc<Self> {
        Arc::new(Self {
            host_file,
            learned: Arc::clone(learned),
            engines: docker_api::Engines::default(),
            http: http::Clients::default(),
            postgresql: postgresql::Servers::default(),
        })
    }

    /// The container engine behind a `docker-api` connection.
    pub fn engine(&self, name: &str) -> Result<Arc<docker_api::Engine>, Failure> {
        self.engines.get(&self.host_file, name)
    }

    /// HTTP clients.
    pub fn http(&self) -> &http::Clients {
        &self.http
    }

    /// The settings of a connection.
    pub fn settings(&self, name: &str) -> Result<&ConnectionSettings, Failure> {
        self.host_file.connections.get(name).ok_or_else(|| {
            let others: Vec<&str> = self.host_file.connections.keys().map(String::as_str).collect();
            Failure::Other(format!("the host file has no [connection.{name}]; it has: {}", others.join(", ")))
        })
    }
}
