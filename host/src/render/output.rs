//! Results go to standard output, messages to standard error; styles are taken out where nobody wants them.
//!
//! A reader that has gone away (`stackrun plan | head`) has read enough: that ends no run, least of all one that is
//! changing something. Any other failure to print a result is one of the whole command, which tells it at its end.

use std::{
    fmt::Display,
    fs::File,
    io::{self, ErrorKind, Write},
    os::fd::AsFd,
    sync::OnceLock,
};

use anstream::{AutoStream, ColorChoice, adapter::strip_str};
use zeroize::Zeroizing;

use crate::words::sink::clean;

static FAILED: OnceLock<String> = OnceLock::new();

/// Prints a result.
pub fn print(text: impl Display) {
    let out = io::stdout();
    let choice = AutoStream::choice(&out);
    if let Err(error) = write(out.lock(), &clean(&text.to_string()), choice) {
        FAILED.get_or_init(|| error.to_string());
    }
}

/// Prints a line of a result.
pub fn print_line(text: impl Display) {
    print(format_args!("{text}\n"));
}

/// Prints a secret in a line. It passes no buffer that keeps a copy of it, and what is made of it here is wiped.
pub fn print_secret(value: &Zeroizing<String>) {
    let printed = io::stdout().lock().flush().and_then(|()| {
        // Standard output as a file: its own buffer would keep what went through it.
        let mut out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        write_secret(&mut out, value)
    });
    if let Err(error) = printed {
        FAILED.get_or_init(|| error.to_string());
    }
}

fn write_secret(mut to: impl Write, value: &Zeroizing<String>) -> io::Result<()> {
    // Of its full length from the start: growing would leave a copy behind.
    let mut line = Zeroizing::new(Vec::with_capacity(value.len() + 1));
    line.extend_from_slice(value.as_bytes());
    line.push(b'\n');
    to.write_all(&line)
}

/// Tells a person something. Nobody can be told that it failed.
pub fn tell(text: impl Display) {
    let err = io::stderr();
    let choice = AutoStream::choice(&err);
    drop(write(err.lock(), &clean(&text.to_string()), choice));
}

/// Tells a person something, in a line.
pub fn tell_line(text: impl Display) {
    tell(format_args!("{text}\n"));
}

/// Why a result could not be printed; none while all could.
pub fn failed() -> Option<&'static str> {
    FAILED.get().map(String::as_str)
}

/// In one piece: whoever reads a pipe is woken with every write.
fn write(mut to: impl Write, text: &str, choice: ColorChoice) -> io::Result<()> {
    let plain = || strip_str(text).to_string();
    let written = match choice {
        ColorChoice::Never => to.write_all(plain().as_bytes()),
        _ => to.write_all(text.as_bytes()),
    };
    match written.and_then(|()| to.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts what it is given; fails like this, if at all.
    struct Pipe(Vec<Vec<u8>>, Option<ErrorKind>);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(bytes.to_vec());
            self.1.map_or(Ok(bytes.len()), |kind| Err(kind.into()))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(failure: Option<ErrorKind>, choice: ColorChoice) -> (Vec<Vec<u8>>, io::Result<()>) {
        let mut pipe = Pipe(Vec::new(), failure);
        let result = write(&mut pipe, "\x1b[1mone\x1b[0m\ntwo\n", choice);
        (pipe.0, result)
    }

    #[test]
    fn a_text_is_one_piece_with_styles_where_they_are_wanted() {
        assert_eq!(written(None, ColorChoice::Never).0, [b"one\ntwo\n".to_vec()]);
        assert_eq!(written(None, ColorChoice::Always).0, [b"\x1b[1mone\x1b[0m\ntwo\n".to_vec()]);
    }

    #[test]
    fn a_secret_is_one_piece_and_a_full_disk_is_told() {
        let secret = Zeroizing::new("of a\x1b[1mb".to_owned());
        let mut pipe = Pipe(Vec::new(), None);
        write_secret(&mut pipe, &secret).unwrap();
        assert_eq!(pipe.0, [b"of a\x1b[1mb\n".to_vec()]);
        assert!(write_secret(&mut Pipe(Vec::new(), Some(ErrorKind::StorageFull)), &secret).is_err());
    }

    #[test]
    fn only_a_reader_that_has_gone_away_is_no_failure() {
        assert!(written(Some(ErrorKind::BrokenPipe), ColorChoice::Never).1.is_ok());
        assert!(written(Some(ErrorKind::StorageFull), ColorChoice::Never).1.is_err());
    }
}
