//! Where a condition is asked from, and what the world answered.

use serde::{Deserialize, Serialize};

use crate::world::inside::Answer;

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

impl Held {
    /// What was answered from inside a container; an HTTP answer of any kind holds. `redact` takes secrets out of foreign
    /// text.
    pub fn of(answer: Answer, redact: impl Fn(&str) -> String) -> Self {
        match answer {
            Answer::LoggedIn | Answer::Http { .. } => Held::Yes,
            Answer::Failed(seen) => Held::No(redact(&seen)),
            Answer::Hopeless(seen) => Held::Never(redact(&seen)),
        }
    }
}
