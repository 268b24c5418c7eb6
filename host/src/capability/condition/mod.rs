//! Conditions: what can be asked of the world again and again until it holds.
//!
//! The same condition serves as a step that waits, as a proof of an action, and as a check of `verify`. Each kind is
//! one module, which renders it, asks the gate, and asks the world once; waiting is done here, for all of them.

mod reach;
mod wait;

use serde::{Deserialize, Serialize};

pub use reach::Look;
pub use wait::{Proof, prove};

use super::{
    Acting, Gate, Held, Vantage,
    containers::{self, ContainerAnswers, ContainerStaysUp},
    http::{HttpAnswers, HttpLeadsTo, HttpShows, answers as http},
    sql::{SqlLogin, login as sql_login},
};
use crate::model::{
    Denial, Failure,
    desired::Request,
    value::{Target, Text},
};

/// A condition, and where it is asked from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// What is asked.
    pub kind: ConditionKind,
    /// From where.
    pub vantage: Vantage,
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

impl Condition {
    /// Asks the world once, whatever that sends.
    pub(in crate::capability) async fn ask(&self, acting: &Acting<'_>) -> Result<Held, Failure> {
        match &self.kind {
            ConditionKind::SqlLogin(kind) => sql_login::ask(kind, &self.vantage, acting).await,
            ConditionKind::ContainerStaysUp(kind) => containers::condition::stays_up::ask(kind, acting).await,
            ConditionKind::ContainerAnswers(kind) => containers::condition::answers::ask(kind, acting).await,
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
            ConditionKind::ContainerStaysUp(kind) => containers::condition::stays_up::permit(kind, gate),
            ConditionKind::ContainerAnswers(kind) => containers::condition::answers::permit(kind, gate),
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
            ConditionKind::ContainerStaysUp(kind) => containers::condition::stays_up::says(kind),
            ConditionKind::ContainerAnswers(kind) => containers::condition::answers::says(kind),
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
