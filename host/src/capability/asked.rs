//! Where a condition is asked from, and what the world answered.

use serde::{Deserialize, Serialize};

/// Where a condition is asked from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vantage {
    /// This machine.
    Host,
    /// Inside a container: its network namespace, hosts file, resolver and CA bundle.
    Container {
        /// `docker-api` connection.
        connection: String,
        /// Name of the container.
        name: String,
    },
    /// Inside every container that refers to the instance. The plan replaces it by these.
    Consumers,
}

/// What the world answered when a condition was asked once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// It holds.
    Yes,
    /// Not now; what was seen instead, secrets replaced.
    No(String),
    /// Not now, and waiting is pointless: a crash loop, a wrong password.
    Never(String),
}
