//! A proxy before a unix socket: every byte is forwarded, and what the client sent is kept.

use std::fs;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, bail};

/// What one connection's client has sent so far.
type Sent = Arc<Mutex<Vec<u8>>>;

/// A proxy. It ends with the process.
pub struct Proxy {
    at: PathBuf,
    connections: Arc<Mutex<Vec<Sent>>>,
}

/// A request as it was sent.
#[derive(Debug)]
pub struct Request {
    /// `POST`
    pub method: String,
    /// With its query.
    pub path: String,
    /// Its body.
    pub body: Vec<u8>,
}

impl Request {
    /// Whether its method promises to change nothing.
    pub fn is_question(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD")
    }
}

impl Proxy {
    /// Listens at `at` and forwards to `server`.
    pub fn before(server: &Path, at: &Path) -> Result<Self> {
        let _ = fs::remove_file(at);
        let listener = UnixListener::bind(at).with_context(|| format!("can't listen at {}", at.display()))?;
        let connections: Arc<Mutex<Vec<Sent>>> = Arc::default();
        let (server, kept) = (server.to_owned(), Arc::clone(&connections));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let sent = Sent::default();
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&sent));
                let server = server.clone();
                thread::spawn(move || forward(client, &server, &sent));
            }
        });
        Ok(Self { at: at.to_owned(), connections })
    }

    /// Where it listens.
    pub fn at(&self) -> PathBuf {
        self.at.clone()
    }

    /// Forgets what was sent until now.
    pub fn forget(&self) {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// All requests that were sent since, connection by connection.
    pub fn requests(&self) -> Result<Vec<Request>> {
        let connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        let mut requests = Vec::new();
        for sent in connections.iter() {
            let sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
            requests
                .extend(parse(&sent).with_context(|| format!("what was sent to {} is no HTTP", self.at.display()))?);
        }
        Ok(requests)
    }
}

fn forward(client: UnixStream, server: &Path, sent: &Sent) {
    let Ok(server) = UnixStream::connect(server) else { return };
    let (Ok(answers), Ok(back)) = (server.try_clone(), client.try_clone()) else { return };
    let answering = thread::spawn(move || copy(answers, back, |_| ()));
    copy(client, server, |bytes| sent.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes));
    let _ = answering.join();
}

fn copy(mut from: UnixStream, mut to: UnixStream, mut note: impl FnMut(&[u8])) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        // Kept before it is passed on: whoever has an answer finds the request noted.
        note(&buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// The requests of one connection, one after the other.
fn parse(mut sent: &[u8]) -> Result<Vec<Request>> {
    let mut requests = Vec::new();
    while !sent.is_empty() {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(end) = head.parse(sent)? else { bail!("a request broke off") };
        let named = |name: &str| head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        let length = match (named("transfer-encoding"), named("content-length")) {
            (Some(_), _) => bail!("a body in pieces: these clients know its length"),
            (None, Some(length)) => std::str::from_utf8(length.value)?.parse()?,
            (None, None) => 0,
        };
        let body = sent.get(end..end + length).context("a body broke off")?.to_vec();
        let (method, path) = (head.method.unwrap_or_default().to_owned(), head.path.unwrap_or_default().to_owned());
        requests.push(Request { method, path, body });
        sent = &sent[end + length..];
    }
    Ok(requests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_follow_each_other() {
        let sent = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b?c=d HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}DELETE / HTTP/1.1\r\n\r\n";
        let requests = parse(sent).unwrap();
        let told: Vec<_> =
            requests.iter().map(|one| (one.method.as_str(), one.path.as_str(), one.body.len())).collect();
        assert_eq!(told, [("GET", "/a", 0), ("POST", "/b?c=d", 2), ("DELETE", "/", 0)]);
        assert!(parse(b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n{}").is_err(), "half a body is not passed over");
    }
}
