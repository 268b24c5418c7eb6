//! The way to a server over TCP: plain to this machine, over TLS to any other.

use std::{net::IpAddr, sync::Arc};

use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use super::{Settings, SqlError};
use crate::world::tls::{self, Trust};

/// A way to a server, of whatever kind.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// How it is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Not at all: from a container to the machine that it runs on, or to a server that has a socket here.
    Plain,
    /// Not at all, and so to this machine alone.
    PlainHere,
    /// By TLS, the server's certificate verified for the name that it is reached by.
    Tls(Trust),
}

/// Asks for TLS (PostgreSQL's documentation, 55.7, `SSLRequest`).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Connects to `host`, or to the first of its `addresses` that answers where the caller has looked them up.
pub(crate) async fn connect(
    host: &str,
    addresses: &[IpAddr],
    port: u16,
    wire: &Wire,
) -> Result<Box<dyn Stream>, SqlError> {
    let place = format!("{host}:{port}");
    let stream = match addresses {
        [] => TcpStream::connect((host, port)).await,
        addresses => {
            let sockets: Vec<_> = addresses.iter().map(|address| (*address, port).into()).collect();
            TcpStream::connect(sockets.as_slice()).await
        }
    };
    let stream = stream.map_err(|cause| SqlError::reaching(&cause, &place))?;
    match wire {
        Wire::Plain => Ok(Box::new(stream)),
        Wire::PlainHere if is_here(&stream) => Ok(Box::new(stream)),
        Wire::PlainHere => Err(SqlError::Unreachable(format!(
            "{place} is not on this machine, and without TLS whoever is in between could be the server, or change what it is \
             told\n  give the connection `sslmode = \"verify-full\"` and, for a private CA, `ca = \"/PATH.pem\"`"
        ))),
        Wire::Tls(trust) => over_tls(stream, host, &place, trust).await,
    }
}

/// Whether the other end is this machine: by loopback, or by an address of its own, from which it then answers itself.
fn is_here(stream: &TcpStream) -> bool {
    match (stream.peer_addr(), stream.local_addr()) {
        (Ok(peer), Ok(local)) => peer.ip().to_canonical().is_loopback() || peer.ip() == local.ip(),
        _ => false,
    }
}

async fn over_tls(mut stream: TcpStream, host: &str, place: &str, trust: &Trust) -> Result<Box<dyn Stream>, SqlError> {
    let broken = |cause: std::io::Error| SqlError::reaching(&cause, place);
    let config = trust.config().map_err(|failure| SqlError::Unreachable(failure.to_string()))?;
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| SqlError::Unreachable(format!("{host} is not a name that a certificate can be for")))?;
    stream.write_all(&SSL_REQUEST).await.map_err(broken)?;
    // Exactly one byte: what is sent along with it in clear is then no beginning of a TLS handshake.
    if stream.read_u8().await.map_err(broken)? != b'S' {
        return Err(SqlError::Unreachable(format!(
            "PostgreSQL at {place} does not speak TLS, and is not on this machine: nothing was sent to it\n  set `ssl = on` \
             there, with a certificate for {host}"
        )));
    }
    let secured = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    secured.map(|stream| Box::new(stream) as Box<dyn Stream>).map_err(|error| {
        match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(refused) => {
                let ca = match trust {
                    Trust::System => None,
                    Trust::Authorities { file, .. } => Some(file.as_path()),
                };
                let why = tls::words(refused, host, ca, None);
                SqlError::Unreachable(format!("PostgreSQL at {place}: {why}"))
            }
            None => broken(error),
        }
    })
}

impl Settings {
    /// How a connection over TCP is protected.
    pub fn wire(&self) -> Result<Wire, SqlError> {
        Ok(match &self.tls {
            super::settings::Tls::Off => Wire::PlainHere,
            super::settings::Tls::Verified { ca } => {
                let trust = Trust::read(ca.as_deref());
                Wire::Tls(trust.map_err(|failure| SqlError::Unreachable(failure.to_string()))?)
            }
        })
    }
}
