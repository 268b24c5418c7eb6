//! The one way out: all that this process prints or logs goes through here last.
//!
//! Words of others are redacted, cut and escaped where they come in. This is the second line behind that: whatever way a
//! secret took into a message, a plan or a log, its last step is this function.

use std::{
    borrow::Cow,
    io::{self, Write},
    sync::{PoisonError, RwLock},
};

type Redactor = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

static REDACTOR: RwLock<Option<Redactor>> = RwLock::new(None);

/// From here on, texts are cleaned by this: it gives the text without secrets, or nothing when there is nothing to
/// replace or that can't be told. A process has one stack and so one of these; a second is not taken.
pub fn install(redactor: impl Fn(&str) -> Option<String> + Send + Sync + 'static) {
    REDACTOR.write().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| Box::new(redactor));
}

/// Nothing is said any more: whatever the redactor holds is let go of. The state's file is closed by that, and only then
/// one file, as whoever copies it expects.
pub fn close() {
    let redactor = REDACTOR.write().unwrap_or_else(PoisonError::into_inner).take();
    drop(redactor);
}

/// The text as it may go out.
pub fn clean(text: &str) -> Cow<'_, str> {
    match REDACTOR.read().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(|redactor| redactor(text)) {
        Some(clean) => Cow::Owned(clean),
        None => Cow::Borrowed(text),
    }
}

/// Standard error, for what writes by itself (the log). Each write is one message.
#[derive(Clone, Copy, Debug, Default)]
pub struct CleanStderr;

impl Write for CleanStderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stderr().write_all(clean(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
