//! Where a server listens, and a connection to it: a unix socket or a port.

use std::{
    io::{Read, Result, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    os::unix::net::{UnixListener, UnixStream},
    path::PathBuf,
    time::Duration,
};

/// A port of this machine that is connected to within this time is there.
const LIMIT: Duration = Duration::from_secs(1);

/// Where something listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A unix socket.
    Unix(PathBuf),
    /// A port.
    Tcp(SocketAddr),
}

/// What listens there.
pub enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// A connection.
pub enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Place {
    pub fn listen(&self) -> Result<Listener> {
        match self {
            Self::Unix(path) => UnixListener::bind(path).map(Listener::Unix),
            Self::Tcp(address) => TcpListener::bind(address).map(Listener::Tcp),
        }
    }

    pub fn connect(&self) -> Result<Stream> {
        match self {
            Self::Unix(path) => UnixStream::connect(path).map(Stream::Unix),
            Self::Tcp(address) => TcpStream::connect_timeout(address, LIMIT).map(Stream::Tcp),
        }
    }

    /// Whether something listens there.
    pub fn is_up(&self) -> bool {
        self.connect().is_ok()
    }
}

impl Listener {
    /// Where it listens, with the port that it was given.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Unix(_) => None,
            Self::Tcp(listener) => listener.local_addr().ok().map(|address| address.port()),
        }
    }

    /// Whether [`Listener::accept`] waits for somebody.
    pub fn waits(&self, waits: bool) -> Result<()> {
        match self {
            Self::Unix(listener) => listener.set_nonblocking(!waits),
            Self::Tcp(listener) => listener.set_nonblocking(!waits),
        }
    }

    pub fn accept(&self) -> Result<Stream> {
        let stream = match self {
            Self::Unix(listener) => Stream::Unix(listener.accept()?.0),
            Self::Tcp(listener) => Stream::Tcp(listener.accept()?.0),
        };
        match &stream {
            Stream::Unix(stream) => stream.set_nonblocking(false)?,
            Stream::Tcp(stream) => stream.set_nonblocking(false)?,
        }
        Ok(stream)
    }
}

impl Stream {
    pub fn twin(&self) -> Result<Self> {
        match self {
            Self::Unix(stream) => stream.try_clone().map(Self::Unix),
            Self::Tcp(stream) => stream.try_clone().map(Self::Tcp),
        }
    }

    /// Says that nothing more is written.
    pub fn end(&self) {
        let _ = match self {
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
        };
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(buffer),
            Self::Tcp(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        match self {
            Self::Unix(stream) => stream.write(bytes),
            Self::Tcp(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> Result<()> {
        match self {
            Self::Unix(stream) => stream.flush(),
            Self::Tcp(stream) => stream.flush(),
        }
    }
}
