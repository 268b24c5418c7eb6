//! What a server may ask for while somebody logs in: a proof by SCRAM, or nothing.
//!
//! The client library sends a password in clear, or its MD5, to any server that asks for it; then whoever sits behind the
//! address has it. This stream reads along, and breaks off before such a question reaches the library.
//!
//! | question (`AuthenticationRequest`, PostgreSQL's documentation, 55.7) | code | |
//! |---|--:|---|
//! | none: peer, trust, or done | 0 | passes, and reading along ends |
//! | SASL, its continuation and its end | 10, 11, 12 | passes: the password is proved, not told |
//! | clear text, MD5, Kerberos, GSSAPI, SSPI, anything else | | breaks off |

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Type, length and, of a question, its code.
const HEAD: usize = 9;
const CLEAR: u32 = 3;
const MD5: u32 = 5;

/// A stream to a server that may ask for no password.
pub(crate) struct ScramOnly<S> {
    stream: S,
    reading: Reading,
}

enum Reading {
    /// In the first bytes of a message.
    Head { bytes: [u8; HEAD], filled: usize },
    /// In what is left of a message that is no question.
    Rest { left: usize },
    /// The login is decided.
    Done,
}

/// The server asks for what is not sent to anybody.
#[derive(Debug, thiserror::Error)]
#[error("it asks for the password {}, and stackrun proves a password by SCRAM, and tells it to nobody", asked(*.code))]
pub(crate) struct AsksForPassword {
    code: u32,
}

fn asked(code: u32) -> String {
    match code {
        CLEAR => "in clear".to_owned(),
        MD5 => "as an MD5 digest".to_owned(),
        other => format!("in a way that is not known here ({other})"),
    }
}

impl<S> ScramOnly<S> {
    /// Nothing has been read yet.
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, reading: Reading::start() }
    }
}

impl Reading {
    fn start() -> Self {
        Reading::Head { bytes: [0; HEAD], filled: 0 }
    }

    /// Reads along.
    fn take(&mut self, mut read: &[u8]) -> Result<(), AsksForPassword> {
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
                    if let Some(next) = after(*bytes, *filled)? {
                        *self = next;
                    }
                }
            }
        }
        Ok(())
    }
}

/// What comes after these first bytes; none while more of them are needed.
fn after(bytes: [u8; HEAD], filled: usize) -> Result<Option<Reading>, AsksForPassword> {
    if filled < 5 {
        return Ok(None);
    }
    let [kind, l0, l1, l2, l3, c0, c1, c2, c3] = bytes;
    // The length counts itself, and not the type.
    let length = usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX).saturating_sub(4);
    if kind != b'R' {
        return Ok(Some(if length == 0 { Reading::start() } else { Reading::Rest { left: length } }));
    }
    if filled < HEAD {
        return Ok(None);
    }
    match (u32::from_be_bytes([c0, c1, c2, c3]), length.saturating_sub(4)) {
        (0, _) => Ok(Some(Reading::Done)),
        (10..=12, 0) => Ok(Some(Reading::start())),
        (10..=12, left) => Ok(Some(Reading::Rest { left })),
        (code, _) => Err(AsksForPassword { code }),
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ScramOnly<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let this = &mut *self;
        match Pin::new(&mut this.stream).poll_read(context, into) {
            Poll::Ready(Ok(())) => Poll::Ready(this.reading.take(&into.filled()[before..]).map_err(io::Error::other)),
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
        let asked = |messages: &[Vec<u8>], piece: usize| {
            let mut reading = Reading::start();
            messages.concat().chunks(piece).try_for_each(|piece| reading.take(piece)).is_err()
        };
        for piece in [1, 2, 5, 7, 1000] {
            assert!(!asked(
                &[question(10, b"SCRAM-SHA-256\0\0"), question(11, b"r=x"), question(12, b"v=x"), question(0, b"")],
                piece
            ));
            assert!(
                !asked(&[notice.clone(), question(0, b""), question(3, b"")], piece),
                "decided: what comes is data"
            );
            for refused in [question(3, b""), question(5, b"salt"), question(7, b""), question(99, b"")] {
                assert!(asked(&[notice.clone(), refused.clone()], piece));
                assert!(asked(&[question(10, b"SCRAM-SHA-256\0\0"), refused], piece), "also after SCRAM was begun");
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
        let said = log_in(&config, stream, "the test's server").await.err().unwrap().to_string();
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
}
