//! Asking from inside a container: its network, its hosts file and resolver, its CA bundle, and nothing of its image is
//! run or loaded.
//!
//! A process can't change its network namespace for some of its threads without care, so it is another process: this very
//! program again, as `stackrun inside`. It gets the question (secrets included) as JSON on standard input, opens the
//! container's files, enters its network namespace while it has one thread, gives up root, asks, and writes the answer as
//! JSON on standard output. Nothing is in its arguments or environment.

mod enter;
mod names;
mod root;

use std::{path::Path, process::Stdio, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::io::AsyncWriteExt;
use zeroize::Zeroizing;

pub(crate) use enter::{enter_network, give_up_root};
pub(crate) use names::Names;
pub(crate) use root::Root;

use super::tls::Trust;
use crate::model::Failure;

/// A container to ask from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Process id of its first process, as the engine tells it.
    pub pid: u32,
    /// `SSL_CERT_FILE` of its environment, if it has one: where its programs look for certificate authorities.
    pub ca_file: Option<String>,
    /// Whether it has no network of its own, but this machine's.
    pub shares_network: bool,
    /// Its name, for messages.
    pub name: String,
}

/// What can be asked from inside. No `Debug`: a password may be in it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Inside {
    /// A login to a PostgreSQL database, and `SELECT 1`; by TLS where somebody is to be trusted.
    Login { host: String, port: u16, database: String, role: String, password: Option<Hidden>, trust: Option<Trust> },
    /// A GET request, without following redirects. `headers` may hold secrets.
    HttpGet { url: String, headers: Vec<(String, Hidden)> },
}

/// A string that may be a secret: wiped from memory when it is dropped, never shown.
#[derive(Clone)]
pub struct Hidden(Zeroizing<String>);

impl Hidden {
    /// The string itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Zeroizing<String>> for Hidden {
    fn from(text: Zeroizing<String>) -> Self {
        Self(text)
    }
}

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(Zeroizing::new(text)))
    }
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Answer {
    /// The login went through.
    LoggedIn,
    /// The server answered; the body is cut off at [`MOST_BODY`] bytes.
    Http { status: u16, body: String },
    /// Not now.
    Failed(String),
    /// Not now, and not later either.
    Hopeless(String),
}

/// Longest body that is looked at, in bytes.
pub const MOST_BODY: usize = 1 << 20;

/// A question together with where it is asked.
#[derive(Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) pid: u32,
    pub(crate) ca_file: Option<String>,
    pub(crate) question: Inside,
}

/// The child keeps its own, shorter limits.
const LIMIT: Duration = Duration::from_secs(15);

/// Asks once, from inside the container.
pub async fn ask(place: &Place, question: &Inside) -> Result<Answer, Failure> {
    ask_with(Path::new("/proc/self/exe"), place, question).await
}

/// The same with the program to run: tests are not `stackrun` themselves.
pub async fn ask_with(program: &Path, place: &Place, question: &Inside) -> Result<Answer, Failure> {
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        Failure::Other(format!("asking from inside container {} failed: {what}: {error}", place.name))
    };
    let request = Request { pid: place.pid, ca_file: place.ca_file.clone(), question: question.clone() };
    let request = Zeroizing::new(serde_json::to_vec(&request).map_err(|error| failed("no request", &error))?);
    let mut child = tokio::process::Command::new(program)
        .arg("inside")
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed("no process", &error))?;
    let mut input = child.stdin.take();
    let asked = tokio::time::timeout(LIMIT, async {
        if let Some(input) = input.as_mut() {
            input.write_all(&request).await?;
        }
        drop(input.take());
        child.wait_with_output().await
    });
    let output = asked.await.map_err(|_| Failure::TimedOut)?.map_err(|error| failed("it broke off", &error))?;
    serde_json::from_slice(&output.stdout).map_err(|_| {
        let said = String::from_utf8_lossy(&output.stderr);
        failed("it gave no answer", &format!("{} {}", output.status, said.trim()))
    })
}
