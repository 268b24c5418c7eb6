//! A proxy before a server: every byte is forwarded, and what the client sent is kept, request by request.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use super::{
    place::{Listener, Place, Stream},
    request::Request,
    swap::Swap,
};

/// How often a proxy that is there only while its server is looks for it, and for somebody at the door.
const LOOK: Duration = Duration::from_millis(50);
const DOOR: Duration = Duration::from_millis(2);
/// How long such a proxy may take to notice.
const SETTLES: Duration = Duration::from_secs(5);

/// A proxy. It ends with the process.
pub struct Proxy {
    at: Place,
    server: Place,
    is_open: Arc<AtomicBool>,
    kept: Arc<Mutex<Kept>>,
}

/// What was sent.
#[derive(Default)]
struct Kept {
    requests: Vec<Request>,
    /// By connection: what is no whole request yet.
    pending: BTreeMap<usize, Vec<u8>>,
    connections: usize,
    /// What can't be read as HTTP.
    broken: Option<String>,
}

/// Words that are swapped on the way to the server, and back.
pub type Words = (String, String);

impl Proxy {
    /// Listens at a unix socket and forwards to another one.
    pub fn before(server: &Path, at: &Path, words: Option<Words>) -> Result<Self> {
        let _ = fs::remove_file(at);
        let proxy = Self::new(Place::Unix(server.to_owned()), Place::Unix(at.to_owned()));
        let listener = proxy.at.listen().with_context(|| format!("can't listen at {}", at.display()))?;
        proxy.serve(listener, words);
        Ok(proxy)
    }

    /// Listens at any port and forwards to that one. Answers with the port.
    pub fn before_port(server: SocketAddr) -> Result<(Self, u16)> {
        let at = SocketAddr::new(server.ip(), 0);
        let proxy = Self::new(Place::Tcp(server), Place::Tcp(at));
        let listener = proxy.at.listen().with_context(|| format!("can't listen at {at}"))?;
        let port = listener.port().context("a port without a number")?;
        proxy.serve(listener, None);
        Ok((proxy, port))
    }

    /// Listens at `at` while, and only while, the server does: to others the port is as free as that of the server.
    pub fn while_up(server: SocketAddr, at: SocketAddr) -> Self {
        let proxy = Self::new(Place::Tcp(server), Place::Tcp(at));
        let Self { at, server, is_open, kept } = &proxy;
        let (at, server, is_open, kept) = (at.clone(), server.clone(), Arc::clone(is_open), Arc::clone(kept));
        thread::spawn(move || {
            loop {
                if server.is_up()
                    && let Ok(listener) = at.listen()
                    && listener.waits(false).is_ok()
                {
                    is_open.store(true, Ordering::SeqCst);
                    while server.is_up() {
                        let begun = Instant::now();
                        while begun.elapsed() < LOOK {
                            match listener.accept() {
                                Ok(client) => forward_aside(client, &server, &kept, None),
                                Err(_) => thread::sleep(DOOR),
                            }
                        }
                    }
                }
                is_open.store(false, Ordering::SeqCst);
                thread::sleep(LOOK);
            }
        });
        proxy
    }

    fn new(server: Place, at: Place) -> Self {
        Self { at, server, is_open: Arc::default(), kept: Arc::default() }
    }

    fn serve(&self, listener: Listener, words: Option<Words>) {
        let (server, kept) = (self.server.clone(), Arc::clone(&self.kept));
        thread::spawn(move || {
            while let Ok(client) = listener.accept() {
                forward_aside(client, &server, &kept, words.clone());
            }
        });
    }

    /// Waits until one that is there only while its server is has noticed how that is.
    pub fn settle(&self) -> Result<()> {
        let begun = Instant::now();
        while self.is_open.load(Ordering::SeqCst) != self.server.is_up() {
            ensure!(begun.elapsed() < SETTLES, "the recorder before {:?} does not follow it", self.server);
            thread::sleep(DOOR);
        }
        Ok(())
    }

    /// Forgets what was sent until now.
    pub fn forget(&self) {
        lock(&self.kept).requests.clear();
    }

    /// All requests that were sent since.
    pub fn requests(&self) -> Result<Vec<Request>> {
        let kept = lock(&self.kept);
        if let Some(broken) = &kept.broken {
            bail!("what was sent to {:?} is no HTTP: {broken}", self.server);
        }
        let half = kept.pending.values().filter(|pending| !pending.is_empty()).count();
        ensure!(half == 0, "{half} requests to {:?} broke off", self.server);
        Ok(kept.requests.clone())
    }
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kept {
    fn note(&mut self, connection: usize, bytes: &[u8]) {
        let pending = self.pending.entry(connection).or_default();
        pending.extend_from_slice(bytes);
        loop {
            match Request::take(pending) {
                Ok(Some(request)) => self.requests.push(request),
                Ok(None) => break,
                Err(error) => {
                    self.broken = Some(format!("{error:#}"));
                    break;
                }
            }
        }
    }
}

fn forward_aside(client: Stream, server: &Place, kept: &Arc<Mutex<Kept>>, words: Option<Words>) {
    let (server, kept) = (server.clone(), Arc::clone(kept));
    thread::spawn(move || forward(client, &server, &kept, words));
}

fn forward(client: Stream, server: &Place, kept: &Mutex<Kept>, words: Option<Words>) {
    let connection = {
        let mut kept = lock(kept);
        kept.connections += 1;
        kept.connections
    };
    let Ok(server) = server.connect() else { return };
    let (Ok(answers), Ok(back)) = (server.twin(), client.twin()) else { return };
    let (there, here) = match words {
        Some((from, to)) => (Some(Swap::of(&from, &to)), Some(Swap::of(&to, &from))),
        None => (None, None),
    };
    let answering = thread::spawn(move || copy(answers, back, here, |_| ()));
    copy(client, server, there, |bytes| lock(kept).note(connection, bytes));
    let _ = answering.join();
}

fn copy(mut from: Stream, mut to: Stream, mut swap: Option<Swap>, mut note: impl FnMut(&[u8])) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        // Kept before it is passed on: whoever has an answer finds the request noted.
        note(&buffer[..length]);
        let passed = match &mut swap {
            Some(swap) => to.write_all(&swap.pass(&buffer[..length])),
            None => to.write_all(&buffer[..length]),
        };
        if passed.is_err() {
            break;
        }
    }
    to.end();
}
