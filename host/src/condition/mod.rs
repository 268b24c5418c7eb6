//! Conditions: what can be asked of the world again and again until it holds.
//!
//! The same condition serves as a step that waits, as a proof of an action, and as a check of `verify`. Each kind is
//! one module, which renders it, asks the gate, and asks the world once; waiting is done here, for all of them.

pub mod container;
pub mod http;
pub mod inside;
mod leads_to;
mod reach;
pub mod sql_login;
mod wait;

use serde::{Deserialize, Serialize};

pub use container::{LogLine, LogMeaning};
pub use reach::Reach;
pub use wait::{Proof, prove};

use crate::{
    apply::Acting,
    gate::{Denial, Gate},
    observe::Failure,
    value::{Target, Text},
    wanted::Request,
};

/// A condition, and where it is asked from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// What is asked.
    pub kind: ConditionKind,
    /// From where.
    pub vantage: Vantage,
}

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

/// What is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConditionKind {
    /// A real login to a PostgreSQL database.
    SqlLogin(SqlLogin),
    /// A container that runs and is not restarted for a while.
    ContainerStaysUp(ContainerStaysUp),
    /// A container that answers HTTP on a published port.
    ContainerAnswers(ContainerAnswers),
    /// A request that is answered as expected.
    HttpAnswers(HttpAnswers),
    /// A request that is answered with another status than the accepted ones.
    HttpRefuses(Request),
    /// A request that is answered with a page that holds a text.
    HttpShows(HttpShows),
    /// The first half of a sign-in.
    HttpLeadsTo(HttpLeadsTo),
}

/// See `sql.login` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SqlLogin {
    pub connection: String,
    pub database: String,
    pub role: String,
    pub password: Option<Target>,
}

/// See `containers.stays-up` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ContainerStaysUp {
    pub connection: String,
    pub name: String,
    /// Milliseconds.
    pub for_ms: u32,
    /// What its last lines mean when it does not hold.
    #[serde(default)]
    pub log: Vec<LogMeaning>,
}

/// See `containers.answers` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ContainerAnswers {
    pub connection: String,
    pub name: String,
    pub container_port: u16,
    pub path: String,
    pub statuses: Vec<u16>,
    pub contains: Option<String>,
    /// What its last lines mean when it does not hold.
    #[serde(default)]
    pub log: Vec<LogMeaning>,
}

/// See `http.answers` in the WIT.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct HttpAnswers {
    pub request: Request,
    pub pointer: Option<String>,
    pub equals: Option<Text>,
}

/// See `http.shows` in the WIT.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct HttpShows {
    pub request: Request,
    pub contains: String,
}

/// See `http.leads-to` in the WIT.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct HttpLeadsTo {
    pub request: Request,
    pub pointer: String,
    /// Connection whose origin the URL must be at.
    pub provider: String,
    pub expect_query: Vec<(String, Text)>,
}

/// A condition with words: a proof of an action, or a check of an instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Unique within the instance.
    pub id: String,
    /// What it proves, in the plugin's words.
    pub says: String,
    /// What is asked.
    pub condition: Condition,
    /// How long it may take to become true, in milliseconds.
    pub timeout_ms: u32,
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

impl Condition {
    /// Asks the world once.
    pub async fn ask(&self, acting: &Acting<'_>) -> Result<Held, Failure> {
        match &self.kind {
            ConditionKind::SqlLogin(kind) => sql_login::ask(kind, &self.vantage, acting).await,
            ConditionKind::ContainerStaysUp(kind) => container::stays_up::ask(kind, acting).await,
            ConditionKind::ContainerAnswers(kind) => container::answers::ask(kind, acting).await,
            ConditionKind::HttpAnswers(kind) => kind.ask(&self.vantage, acting).await,
            ConditionKind::HttpRefuses(request) => http::refuses(request, &self.vantage, acting).await,
            ConditionKind::HttpShows(kind) => kind.ask(&self.vantage, acting).await,
            ConditionKind::HttpLeadsTo(kind) => kind.ask(&self.vantage, acting).await,
        }
    }

    /// Asks the gate.
    pub fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        match &self.kind {
            ConditionKind::SqlLogin(kind) => sql_login::permit(kind, gate),
            ConditionKind::ContainerStaysUp(kind) => container::stays_up::permit(kind, gate),
            ConditionKind::ContainerAnswers(kind) => container::answers::permit(kind, gate),
            ConditionKind::HttpAnswers(kind) => kind.permit(gate),
            ConditionKind::HttpRefuses(request) => gate.http(request.clone()).map(drop),
            ConditionKind::HttpShows(kind) => kind.permit(gate),
            ConditionKind::HttpLeadsTo(kind) => kind.permit(gate),
        }
    }

    /// The condition in the host's own words.
    pub fn says(&self) -> String {
        let says = match &self.kind {
            ConditionKind::SqlLogin(kind) => sql_login::says(kind),
            ConditionKind::ContainerStaysUp(kind) => container::stays_up::says(kind),
            ConditionKind::ContainerAnswers(kind) => container::answers::says(kind),
            ConditionKind::HttpAnswers(kind) => kind.says(),
            ConditionKind::HttpRefuses(request) => http::refuses_says(request),
            ConditionKind::HttpShows(kind) => kind.says(),
            ConditionKind::HttpLeadsTo(kind) => kind.says(),
        };
        match &self.vantage {
            Vantage::Host => says,
            Vantage::Container { name, .. } => format!("{says} (from inside {name})"),
            Vantage::Consumers => format!("{says} (from inside whoever uses it)"),
        }
    }

    /// Every target that asking fills in, with repetitions.
    pub fn targets(&self) -> Vec<&Target> {
        match &self.kind {
            ConditionKind::SqlLogin(kind) => kind.password.iter().collect(),
            ConditionKind::ContainerStaysUp(_) | ConditionKind::ContainerAnswers(_) => Vec::new(),
            ConditionKind::HttpAnswers(kind) => {
                kind.request.targets().into_iter().chain(kind.equals.iter().flat_map(Text::targets)).collect()
            }
            ConditionKind::HttpRefuses(request) => request.targets(),
            ConditionKind::HttpShows(kind) => kind.request.targets(),
            ConditionKind::HttpLeadsTo(kind) => {
                let query = kind.expect_query.iter().flat_map(|(_, value)| value.targets());
                kind.request.targets().into_iter().chain(query).collect()
            }
        }
    }
}
