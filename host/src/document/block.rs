//! The lines of a shared file that belong to one instance, between two marker comments:
//!
//! ```text
//! # >>> stackrun media postgres.mediamanager
//! host mediamanager mediamanager 10.88.0.0/16 scram-sha-256
//! # <<< stackrun media postgres.mediamanager
//! ```
//!
//! Everything outside stays byte for byte, whatever its encoding. Putting a block in and removing it again gives the
//! file as it was, a missing line break at its end included. Damaged markers (one without the other, twice, the wrong
//! way round) are an error: nobody can tell then which lines are whose.

use std::ops::Range;

use crate::model::{desired::Position, value::Address};

/// What tells a marker line, whatever starts a comment there.
const OPENS: &[u8] = b" >>> stackrun ";
const CLOSES: &[u8] = b" <<< stackrun ";

/// The two lines around the block of one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Markers {
    comment: String,
    open: String,
    close: String,
}

/// Why the block of an instance can't be told or written. The messages are for the person at the terminal; whoever
/// passes one on says which file it is about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// One marker line without the other.
    #[error(
        "line {line} is `{marker}`, but the other marker of this block is missing; put it back, or remove this one"
    )]
    Unpaired {
        /// Counted from 1.
        line: usize,
        /// The line that is there.
        marker: String,
    },
    /// A marker line more than once, or the closing one before the opening one.
    #[error("line {line} is `{marker}` a second time, or in the wrong order; keep one block and remove the rest")]
    Disordered {
        /// Counted from 1.
        line: usize,
        /// The line that is there.
        marker: String,
    },
    /// What should be written holds a marker line itself.
    #[error("the text for the block holds a marker line itself: `{0}`")]
    MarkerInBody(String),
}

/// Where the block lies, in bytes.
struct Found {
    /// From the start of the opening marker's line to the end of the closing one's, its line break included.
    whole: Range<usize>,
    /// The lines between.
    body: Range<usize>,
    /// Line numbers of the body, counted from 1.
    lines: Range<usize>,
}

impl Markers {
    /// The marker lines of an instance; `comment` starts a comment line in the file's language.
    pub fn new(comment: &str, stack: &str, instance: &Address) -> Self {
        Self {
            comment: comment.to_owned(),
            open: format!("{comment} >>> stackrun {stack} {instance}"),
            close: format!("{comment} <<< stackrun {stack} {instance}"),
        }
    }

    /// The lines between the markers, as [`body`] has them; none when the file has no such block.
    pub fn find<'t>(&self, text: &'t [u8]) -> Result<Option<&'t [u8]>, Damage> {
        Ok(self.locate(text)?.map(|found| &text[found.body]))
    }

    /// The numbers of the lines between the markers, counted from 1; none when the file has no such block.
    pub fn lines(&self, text: &[u8]) -> Result<Option<Range<usize>>, Damage> {
        Ok(self.locate(text)?.map(|found| found.lines))
    }

    /// The file with this block in it. One that is there is replaced where it stands; a new one goes to `position`:
    /// before the first line that is neither blank nor a comment (and never into another instance's block), or last.
    pub fn put(&self, text: &[u8], content: &[u8], position: Position) -> Result<Vec<u8>, Damage> {
        let body = body(content);
        // Of whatever instance: with a forged one, another block could no longer be told.
        let is_marker =
            |line: &[u8]| [OPENS, CLOSES].iter().any(|sign| line.windows(sign.len()).any(|part| part == *sign));
        if let Some(line) = lines(&body).find(|line| is_marker(&body[line.clone()])) {
            return Err(Damage::MarkerInBody(String::from_utf8_lossy(body[line].trim_ascii()).into_owned()));
        }
        let block = [self.open.as_bytes(), b"\n", &body, self.close.as_bytes(), b"\n"].concat();
        let place = match self.locate(text)? {
            Some(Found { whole, .. }) if text[whole.clone()].ends_with(b"\n") => whole,
            Some(Found { whole, .. }) => return Ok([&text[..whole.start], strip_break(&block)].concat()),
            None if position == Position::First => self.first(text),
            None => text.len()..text.len(),
        };
        // A file that ends without a line break goes on doing so: only then can the block be removed without a trace.
        if place.start == text.len() && !text.is_empty() && !text.ends_with(b"\n") {
            return Ok([text, b"\n", strip_break(&block)].concat());
        }
        Ok([&text[..place.start], &block, &text[place.end..]].concat())
    }

    /// The file without the block; as it is when it has none.
    pub fn remove(&self, text: &[u8]) -> Result<Vec<u8>, Damage> {
        let Some(Found { whole, .. }) = self.locate(text)? else { return Ok(text.to_vec()) };
        let before = match text[whole.clone()].ends_with(b"\n") {
            true => &text[..whole.start],
            false => strip_break(&text[..whole.start]),
        };
        Ok([before, &text[whole.end..]].concat())
    }

    fn locate(&self, text: &[u8]) -> Result<Option<Found>, Damage> {
        let mut open = None;
        let mut found: Option<Found> = None;
        for (index, line) in lines(text).enumerate() {
            let disordered = |marker: &str| Damage::Disordered { line: index + 1, marker: marker.to_owned() };
            if is_line(&text[line.clone()], &self.open) {
                if open.is_some() || found.is_some() {
                    return Err(disordered(&self.open));
                }
                open = Some((index, line));
            } else if is_line(&text[line.clone()], &self.close) {
                match open.take() {
                    Some((first, opened)) => {
                        found = Some(Found {
                            whole: opened.start..line.end,
                            body: opened.end..line.start,
                            lines: first + 2..index + 1,
                        });
                    }
                    None if found.is_some() => return Err(disordered(&self.close)),
                    None => return Err(Damage::Unpaired { line: index + 1, marker: self.close.clone() }),
                }
            }
        }
        match open {
            Some((index, _)) => Err(Damage::Unpaired { line: index + 1, marker: self.open.clone() }),
            None => Ok(found),
        }
    }

    /// Where a first block goes.
    fn first(&self, text: &[u8]) -> Range<usize> {
        let mut foreign_block = None;
        for line in lines(text) {
            let content = text[line.clone()].trim_ascii();
            if content.starts_with(format!("{} >>> stackrun ", self.comment).as_bytes()) {
                foreign_block = Some(line.start);
            } else if content.starts_with(format!("{} <<< stackrun ", self.comment).as_bytes()) {
                foreign_block = None;
            } else if !content.is_empty() && !content.starts_with(self.comment.as_bytes()) {
                let place = foreign_block.unwrap_or(line.start);
                return place..place;
            }
        }
        text.len()..text.len()
    }
}

/// A block's content as it stands between the markers: ended by a line break, unless it is empty.
pub fn body(content: &[u8]) -> Vec<u8> {
    let mut body = content.to_vec();
    if !body.is_empty() && !body.ends_with(b"\n") {
        body.push(b'\n');
    }
    body
}

/// Ranges of the lines, line breaks included.
fn lines(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    text.split_inclusive(|byte| *byte == b'\n').map(move |line| {
        let range = start..start + line.len();
        start = range.end;
        range
    })
}

/// Whether a line is this marker; editors may have indented it or left blanks behind it.
fn is_line(line: &[u8], marker: &str) -> bool {
    line.trim_ascii() == marker.as_bytes()
}

fn strip_break(text: &[u8]) -> &[u8] {
    text.strip_suffix(b"\n").unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn markers() -> Markers {
        Markers::new("#", "media", &Address::new("postgres", "mm"))
    }

    const OPEN: &str = "# >>> stackrun media postgres.mm";
    const CLOSE: &str = "# <<< stackrun media postgres.mm";

    fn put(text: &str, body: &str, position: Position) -> String {
        String::from_utf8(markers().put(text.as_bytes(), body.as_bytes(), position).unwrap()).unwrap()
    }

    #[test]
    fn a_first_block_stands_after_leading_comments_and_before_the_first_rule() {
        let text = put("# head\n\nlocal all all peer\n", "host a b c\n", Position::First);
        assert_eq!(text, format!("# head\n\n{OPEN}\nhost a b c\n{CLOSE}\nlocal all all peer\n"));
    }

    #[test]
    fn a_first_block_never_goes_into_the_block_of_another_instance() {
        let other = "# head\n# >>> stackrun books postgres.b\nhost x\n# <<< stackrun books postgres.b\nlocal\n";
        let text = put(other, "host a\n", Position::First);
        assert!(text.starts_with(&format!("# head\n{OPEN}\nhost a\n{CLOSE}\n# >>> stackrun books")), "{text}");
    }

    #[test]
    fn a_block_that_is_there_is_replaced_where_it_stands() {
        let text = format!("one\n{OPEN}\nold\nolder\n{CLOSE}\ntwo\n");
        assert_eq!(put(&text, "new", Position::First), format!("one\n{OPEN}\nnew\n{CLOSE}\ntwo\n"));
        assert_eq!(markers().lines(text.as_bytes()).unwrap(), Some(3..5));
    }

    #[test]
    fn damaged_markers_are_refused_with_the_line() {
        let damage = |text: String| markers().find(text.as_bytes()).unwrap_err();
        assert!(matches!(damage(format!("a\n{OPEN}\nb\n")), Damage::Unpaired { line: 2, .. }));
        assert!(matches!(damage(format!("{CLOSE}\nb\n")), Damage::Unpaired { line: 1, .. }));
        assert!(matches!(damage(format!("{OPEN}\n{OPEN}\n{CLOSE}\n")), Damage::Disordered { line: 2, .. }));
        assert!(matches!(damage(format!("{OPEN}\n{CLOSE}\n{CLOSE}\n")), Damage::Disordered { line: 3, .. }));
        assert!(matches!(damage(format!("{OPEN}\n{CLOSE}\n{OPEN}\n{CLOSE}\n")), Damage::Disordered { line: 3, .. }));
        let refused = markers().put(b"", format!("x\n{CLOSE}\n").as_bytes(), Position::Last);
        assert_eq!(refused, Err(Damage::MarkerInBody(CLOSE.to_owned())));
        for forged in
            ["# >>> stackrun books postgres.b", "; <<< stackrun media postgres.other", "x # >>> stackrun media x.y"]
        {
            let refused = markers().put(b"", format!("x\n  {forged}\n").as_bytes(), Position::Last);
            assert_eq!(refused, Err(Damage::MarkerInBody(forged.to_owned())));
        }
    }

    #[test]
    fn bytes_that_are_no_utf_8_stay() {
        let text = b"# caf\xe9\nlocal all\n";
        let with = markers().put(text, b"x", Position::First).unwrap();
        assert_eq!(markers().remove(&with).unwrap(), text);
    }

    fn file() -> impl Strategy<Value = String> {
        let line = prop_oneof![
            Just(String::new()),
            Just("# comment".to_owned()),
            Just("  host a b".to_owned()),
            Just("# >>> stackrun books postgres.b".to_owned()),
            Just("# <<< stackrun books postgres.b".to_owned()),
            Just("crlf\r".to_owned()),
            "[ -~]{0,12}",
        ];
        (prop::collection::vec(line, 0..8), any::<bool>()).prop_map(|(lines, ended)| {
            let mut text = lines.join("\n");
            if ended {
                text.push('\n');
            }
            text
        })
    }

    proptest! {
        #[test]
        fn putting_and_removing_leaves_no_trace(
            text in file(), body in "([a-z ]{0,9}\n){0,3}", other in "[a-z\n]{0,9}", first in any::<bool>(),
        ) {
            let position = if first { Position::First } else { Position::Last };
            let once = markers().put(text.as_bytes(), body.as_bytes(), position).unwrap();
            let whole = super::body(body.as_bytes());
            prop_assert_eq!(markers().find(&once).unwrap(), Some(whole.as_slice()));
            let block = super::body(body.as_bytes());
            prop_assert_eq!(markers().find(&once).unwrap(), Some(block.as_slice()));
            let again = markers().put(&once, body.as_bytes(), position).unwrap();
            prop_assert_eq!(&again, &once, "putting the same twice changes nothing");
            let changed = markers().put(&once, other.as_bytes(), position).unwrap();
            prop_assert_eq!(markers().remove(&changed).unwrap(), text.as_bytes());
        }
    }
}
