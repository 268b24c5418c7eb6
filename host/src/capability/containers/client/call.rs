//! One request to an engine's socket, on a connection of its own: opening one takes microseconds.

use std::{io, os::fd::AsFd, time::Duration};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Request, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::{Engine, EngineError};

/// How long a question may take.
pub(crate) const QUESTION: Duration = Duration::from_secs(10);
/// How long a change may take, beside what it waits for itself.
pub(crate) const CHANGE: Duration = Duration::from_secs(60);
/// Bytes that are read of an answer.
const LARGEST: usize = 32 * 1024 * 1024;

/// An answer, whatever its status.
pub(crate) struct Answer {
    status: u16,
    body: Bytes,
}

impl Engine {
    /// GET, with a JSON answer.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, EngineError> {
        let body = self.get_bytes(path).await?;
        serde_json::from_slice(&body).map_err(|error| self.nonsense(path, &error.to_string()))
    }

    /// GET, with any answer.
    pub(crate) async fn get_bytes(&self, path: &str) -> Result<Bytes, EngineError> {
        self.accepted(self.call(Method::GET, path, None, QUESTION).await?)
    }

    /// A change, whose answer says nothing that we need. 304 means that it was so already.
    pub(crate) async fn change(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
        limit: Duration,
    ) -> Result<(), EngineError> {
        self.accepted(self.call(method, path, body, limit).await?).map(|_| ())
    }

    fn accepted(&self, answer: Answer) -> Result<Bytes, EngineError> {
        if matches!(answer.status, 200..=299 | 304) {
            return Ok(answer.body);
        }
        #[derive(serde::Deserialize)]
        struct Words {
            message: String,
        }
        let message = match serde_json::from_slice::<Words>(&answer.body) {
            Ok(words) => words.message,
            Err(_) => format!("the container engine answered with status {}", answer.status),
        };
        Err(EngineError::Refused { connection: self.name.clone(), status: answer.status, message })
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
        limit: Duration,
    ) -> Result<Answer, EngineError> {
        tokio::time::timeout(limit, self.exchange(method, path, body))
            .await
            .unwrap_or_else(|_| Err(EngineError::TimedOut { connection: self.name.clone(), seconds: limit.as_secs() }))
    }

    async fn exchange(&self, method: Method, path: &str, body: Option<Bytes>) -> Result<Answer, EngineError> {
        let stream = self.connect().await?;
        let broken = |error: hyper::Error| self.nonsense(path, &error.to_string());
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // It ends with the sender, or when the engine closes.
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header("host", "engine");
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let request = request
            .body(Full::new(body.unwrap_or_default()))
            .map_err(|error| self.nonsense(path, &error.to_string()))?;
        let answer = sender.send_request(request).await.map_err(broken)?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), LARGEST)
            .collect()
            .await
            .map_err(|error| self.nonsense(path, &error.to_string()))?;
        Ok(Answer { status, body: body.to_bytes() })
    }

    async fn connect(&self) -> Result<UnixStream, EngineError> {
        let stream = UnixStream::connect(&self.settings.socket).await.map_err(|error| self.unreachable(&error))?;
        self.refuse_rootless(&stream)?;
        Ok(stream)
    }

    fn unreachable(&self, error: &io::Error) -> EngineError {
        let (name, socket) = (&self.name, self.settings.socket.display());
        EngineError::Unreachable(match error.kind() {
            io::ErrorKind::NotFound => format!(
                "connection `{name}`: there is no socket {socket}\n  start the engine's API, for example \
                 `systemctl enable --now podman.socket`, or correct `socket` in the host file"
            ),
            io::ErrorKind::PermissionDenied => format!(
                "connection `{name}`: no right to open {socket}\n  run stackrun as root, or as a user who may open it"
            ),
            io::ErrorKind::ConnectionRefused => {
                format!("connection `{name}`: nobody listens on {socket}\n  start the engine's API again")
            }
            _ => format!("connection `{name}`: {socket}: {error}"),
        })
    }

    /// A rootless engine's containers end with its user's session, and files get other owners than they seem to have.
    /// The kernel tells who listens; an engine that systemd opened the socket for counts as systemd's user.
    fn refuse_rootless(&self, stream: &UnixStream) -> Result<(), EngineError> {
        let peer = rustix::net::sockopt::socket_peercred(stream.as_fd())
            .map_err(|error| self.unreachable(&io::Error::from(error)))?;
        if peer.uid.is_root() {
            return Ok(());
        }
        Err(EngineError::Unreachable(format!(
            "connection `{}`: the engine behind {} runs as user {}: rootless Podman is not supported yet\n  \
             use root's engine, for example socket = \"/run/podman/podman.sock\"",
            self.name,
            self.settings.socket.display(),
            peer.uid.as_raw()
        )))
    }

    pub(crate) fn nonsense(&self, path: &str, why: &str) -> EngineError {
        EngineError::Nonsense(format!(
            "connection `{}`: what answers on {} is no container engine that stackrun knows ({path}: {why})\n  correct \
             `socket` in the host file",
            self.name,
            self.settings.socket.display()
        ))
    }
}

/// A name or an image reference as one part of a path.
pub(crate) fn part(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
