//! A container that answers HTTP on a published port. Asked from this machine, without TLS, without redirects.

use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, time::Duration};

use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Request, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{LogMeaning, Run, explained, look};
use crate::{
    capability::{Acting, Gate, Held},
    model::{Denial, Failure},
};

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

/// How long one request may take.
const LIMIT: Duration = Duration::from_secs(5);
/// Bytes of the answer that are looked through.
const LARGEST: usize = 4 * 1024 * 1024;

/// In the host's own words.
pub fn says(kind: &ContainerAnswers) -> String {
    let ContainerAnswers { name, container_port, path, contains, .. } = kind;
    let with = contains.as_ref().map(|contains| format!(" and {contains:?}")).unwrap_or_default();
    format!("container {name} answers {path} on its port {container_port} with {}{with}", statuses(kind))
}

fn statuses(kind: &ContainerAnswers) -> String {
    kind.statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(" or ")
}

/// Asks the gate.
pub fn permit(kind: &ContainerAnswers, gate: &Gate) -> Result<(), Denial> {
    crate::capability::containers::condition::permit(gate, &kind.connection, &kind.name)
}

/// Asks the engine, and then the program, once.
pub async fn ask(kind: &ContainerAnswers, acting: &Acting<'_>) -> Result<Held, Failure> {
    permit(kind, acting.gate)?;
    let engine = acting.world.connections.engine(&kind.connection)?;
    let container = match look(&engine, &kind.name).await? {
        Run::Up { container, .. } => container,
        Run::Down(seen) => return Ok(Held::No(explained(acting, &engine, &kind.name, seen, &kind.log).await)),
        Run::Lost(seen) => return Ok(Held::Never(explained(acting, &engine, &kind.name, seen, &kind.log).await)),
    };
    let Some(at) = container.published(kind.container_port) else {
        let seen = format!("container `{}` does not publish its port {}", kind.name, kind.container_port);
        return Ok(Held::Never(seen));
    };
    let answer = tokio::time::timeout(LIMIT, get(at, &kind.path)).await;
    let seen = match answer {
        Ok(Ok((status, body))) => match wrong(kind, status, &body) {
            None => return Ok(Held::Yes),
            Some(wrong) => wrong,
        },
        Ok(Err(error)) => format!("http://{at}{}: {error:#}", kind.path),
        Err(_) => format!("http://{at}{}: no answer within {} s", kind.path, LIMIT.as_secs()),
    };
    let restarts = match container.restart_count {
        0 => String::new(),
        count => format!(", after {count} restarts"),
    };
    Ok(Held::No(explained(acting, &engine, &kind.name, format!("{seen}{restarts}"), &kind.log).await))
}

fn wrong(kind: &ContainerAnswers, status: u16, body: &[u8]) -> Option<String> {
    if !kind.statuses.contains(&status) {
        return Some(format!("{} answers with status {status}, not {}", kind.path, statuses(kind)));
    }
    let contains = kind.contains.as_ref()?;
    let is_there = body.windows(contains.len().max(1)).any(|window| window == contains.as_bytes());
    (!is_there && !contains.is_empty())
        .then(|| format!("{} answers with status {status}, without {contains:?}", kind.path))
}

async fn get(at: SocketAddr, path: &str) -> anyhow::Result<(u16, Bytes)> {
    let stream = TcpStream::connect(at).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get(path).header("host", at.to_string()).body(Empty::<Bytes>::new())?;
    let answer = sender.send_request(request).await?;
    let status = answer.status().as_u16();
    let body = Limited::new(answer.into_body(), LARGEST).collect().await.map_err(anyhow::Error::from_boxed)?;
    Ok((status, body.to_bytes()))
}
