//! How a server may let somebody in: after a proof by SCRAM where a password is given, and by itself where none is.
//!
//! The client library sends a password in clear, or its MD5, to any server that asks for it; then whoever sits behind the
//! address has it. And it believes a server that asks for nothing, though a password is there to be proved: anybody could be
//! that server. This stream reads along, and breaks off before such a message reaches the library.
//!
//! | message (`AuthenticationRequest`, PostgreSQL's documentation, 55.7) | code | with a password | without one |
//! |---|--:|---|---|
//! | done | 0 | passes after SASL's end, which is the server's own proof; else breaks off | passes: peer, trust |
//! | SASL, its continuation and its end | 10, 11, 12 | passes: the password is proved, not told | breaks off |
//! | clear text, MD5, Kerberos, GSSAPI, SSPI, anything else | | breaks off | breaks off |

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Config;

/// Type, length and, of a request for authentication, its code.
const HEAD: usize = 9;
const OK: u32 = 0;
const CLEAR: u32 = 3;
const MD5: u32 = 5;
const SASL: u32 = 10;
const SASL_FINAL: u32 = 12;

/// A stream to a server, on which nobody is let in without the proof that is due.
pub(crate) struct ScramOnly<S> {
    stream: S,
    reading: Reading,
    proof: Proof,
}

/// The proof that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// There is no password to prove.
    None,
    /// Both sides have to prove that they know the password.
    Due,
    /// They have. The library has checked the server's proof by the time that it reads on.
    Given,
}

enum Reading {
    /// In the first bytes of a message.
    Head { bytes: [u8; HEAD], filled: usize },
    /// In what is left of a message that is of no interest.
    Rest { left: usize },
    /// The login is decided.
    Done,
}

/// Why a login was broken off from this side.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BrokenOff {
    /// The server asks for what is told to nobody.
    #[error("it asks for the password {0}, and stackrun proves a password by SCRAM, and tells it to nobody")]
    AsksToBeTold(String),
    /// The server asks, and there is nothing to answer.
    #[error("it asks for a password, and there is none to prove")]
    AsksWithoutReason,
    /// The server does not ask, and so proves nothing.
    #[error("it let the role in without asking for the password")]
    DoesNotAsk,
}

impl<S> ScramOnly<S> {
    /// Nothing has been read yet. A proof is due where the login has a password.
    pub(crate) fn new(stream: S, config: &Config) -> Self {
        let proof = if config.get_password().is_some() { Proof::Due } else { Proof::None };
        Self { stream, reading: Reading::start(), proof }
    }
}

impl Reading {
    fn start() -> Self {
        Reading::Head { bytes: [0; HEAD], filled: 0 }
    }

    /// Reads along.
    fn take(&mut self, mut read: &[u8], proof: &mut Proof) -> Result<(), BrokenOff> {
        while !read.is_empty() {
            match self {
                Reading::Done => return Ok(()),
                Reading::Rest { left } => {
                    let passed = (*left).min(read.len());
                    read = &read[passed..];
                    *left -= passed;
                    if *left == 0 {
                        *self = Reading::start();
                    }
                }
                Reading::Head { bytes, filled } => {
                    bytes[*filled] = read[0];
                    *filled += 1;
                    read = &read[1..];
                    if let Some(next) = after(*bytes, *filled, proof)? {
                        *self = next;
                    }
                }
            }
        }
        Ok(())
    }
}

/// What comes after these first bytes; none while more of them are needed.
fn after(bytes: [u8; HEAD], filled: usize, proof: &mut Proof) -> Result<Option<Reading>, BrokenOff> {
    if filled < 5 {
        return Ok(None);
    }
    let [kind, l0, l1, l2, l3, c0, c1, c2, c3] = bytes;
    let rest = |left: usize| Ok(Some(if left == 0 { Reading::start() } else { Reading::Rest { left } }));
    // The length counts itself, and not the type.
    let length = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX).saturating_sub(4);
    if kind != b'R' {
        return rest(length);
    }
    if filled < HEAD {
        return Ok(None);
    }
    match (u32::from_be_bytes([c0, c1, c2, c3]), *proof) {
        (OK, Proof::None | Proof::Given) => Ok(Some(Reading::Done)),
        (OK, Proof::Due) => Err(BrokenOff::DoesNotAsk),
        (SASL..=SASL_FINAL, Proof::None) => Err(BrokenOff::AsksWithoutReason),
        (code @ SASL..=SASL_FINAL, _) => {
            if code == SASL_FINAL {
                *proof = Proof::Given;
            }
            rest(length.saturating_sub(4))
        }
        (CLEAR, _) => Err(BrokenOff::AsksToBeTold("in clear".to_owned())),
        (MD5, _) => Err(BrokenOff::AsksToBeTold("as an MD5 digest".to_owned())),
        (other, _) => Err(BrokenOff::AsksToBeTold(format!("in a way that is not known here ({other})"))),
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ScramOnly<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let this = &mut *self;
        match Pin::new(&mut this.stream).poll_read(context, into) {
            Poll::Ready(Ok(())) => {
                Poll::Ready(this.reading.take(&into.filled()[before..], &mut this.proof).map_err(io::Error::other))
            }
            other => other,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ScramOnly<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };
    use tokio_postgres::Config;

    use super::*;
    use crate::capability::sql::client::log_in;

    fn question(code: u32, more: &[u8]) -> Vec<u8> {
        let length = u32::try_from(8 + more.len()).unwrap();
        [b"R".as_slice(), &length.to_be_bytes(), &code.to_be_bytes(), more].concat()
    }

    #[test]
    fn whatever_the_pieces_are_that_it_comes_in() {
        let notice = [b"N".as_slice(), &9_u32.to_be_bytes(), b"hello"].concat();
        let sasl = || vec![question(10, b"SCRAM-SHA-256\0\0"), question(11, b"r=x"), question(12, b"v=x")];
        let let_in = question(0, b"");
        for piece in [1, 2, 5, 7, 1000] {
            let broken_off = |messages: &[Vec<u8>], mut proof: Proof| {
                let mut reading = Reading::start();
                messages.concat().chunks(piece).try_for_each(|piece| reading.take(piece, &mut proof)).err()
            };
            let proved = [sasl(), vec![let_in.clone()]].concat();
            assert_eq!(broken_off(&proved, Proof::Due), None);
            let decided = [notice.clone(), let_in.clone(), question(3, b"")];
            assert_eq!(broken_off(&decided, Proof::None), None, "decided: what comes is data");
            for proof in [Proof::None, Proof::Due] {
                for refused in [question(3, b""), question(5, b"salt"), question(7, b""), question(99, b"")] {
                    assert!(broken_off(&[notice.clone(), refused.clone()], proof).is_some());
                    assert!(broken_off(&[sasl()[0].clone(), refused], proof).is_some(), "also after SCRAM was begun");
                }
            }
            assert_eq!(broken_off(&sasl()[..1], Proof::None), Some(BrokenOff::AsksWithoutReason));
            for begun in 0..3 {
                let without_its_proof = [&sasl()[..begun], std::slice::from_ref(&let_in)].concat();
                assert_eq!(broken_off(&without_its_proof, Proof::Due), Some(BrokenOff::DoesNotAsk), "{begun}");
            }
        }
    }

    /// A server that asks, and keeps all that it is sent.
    async fn heard_by_a_server_that_asks(question: Vec<u8>) -> (String, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut start = vec![0; 1024];
            let length = client.read(&mut start).await.unwrap();
            start.truncate(length);
            client.write_all(&question).await.unwrap();
            // Until the client has gone.
            let _ = client.read_to_end(&mut start).await;
            start
        });
        let mut config = Config::new();
        config.user("media").dbname("media").password("correct horse battery staple");
        let stream = TcpStream::connect(address).await.unwrap();
        let said = log_in(&config, Box::new(stream), "the test's server").await.err().unwrap().to_string();
        (said, server.await.unwrap())
    }

    #[tokio::test]
    async fn a_server_that_asks_for_a_password_hears_none() {
        for (code, more, says) in [(3, &b""[..], "in clear"), (5, b"salt", "as an MD5 digest")] {
            let (said, heard) = heard_by_a_server_that_asks(question(code, more)).await;
            assert!(said.contains(says) && said.contains("tells it to nobody"), "{said}");
            let heard = String::from_utf8_lossy(&heard).into_owned();
            assert!(heard.contains("media"), "it logged in at all: {heard}");
            assert!(!heard.contains("horse") && !heard.contains("md5"), "{heard}");
        }
    }

    /// It could be anybody.
    #[tokio::test]
    async fn a_server_that_lets_in_without_asking_for_the_password_is_not_believed() {
        let (said, heard) = heard_by_a_server_that_asks([question(0, b""), b"Z\0\0\0\x05I".to_vec()].concat()).await;
        assert!(said.contains("let role media in without asking for the password"), "{said}");
        assert!(String::from_utf8_lossy(&heard).contains("media"), "it logged in at all");
    }
}
