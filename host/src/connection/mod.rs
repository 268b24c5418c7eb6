//! Connections: how the things behind the host file's `[connection.NAME]` tables are reached. Each kind is one module.
//! A client is made when it is first used and shared for the run.

pub mod docker_api;
pub mod files;
pub mod postgresql;

use std::sync::Arc;

use crate::{host_file::HostFile, observe::Failure};

/// All clients of one run.
#[derive(Debug)]
pub struct Connections {
    host_file: Arc<HostFile>,
    engines: docker_api::Engines,
    postgresql: postgresql::Servers,
}

impl Connections {
    /// Connects to nothing yet.
    pub fn new(host_file: Arc<HostFile>) -> Self {
        Self { host_file, engines: docker_api::Engines::default(), postgresql: postgresql::Servers::default() }
    }

    /// The container engine behind a `docker-api` connection.
    pub fn engine(&self, name: &str) -> Result<Arc<docker_api::Engine>, Failure> {
        self.engines.get(&self.host_file, name)
    }
}
