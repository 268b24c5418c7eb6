//! Connections: how the things behind the host file's `[connection.NAME]` tables are reached. Each kind is one module.
//! A client is made when it is first used and shared for the run.

use std::sync::Arc;

use crate::host_file::HostFile;

/// All clients of one run.
#[derive(Debug)]
pub struct Connections {
    host_file: Arc<HostFile>,
}

impl Connections {
    /// Connects to nothing yet.
    pub fn new(host_file: Arc<HostFile>) -> Self {
        Self { host_file }
    }
}
