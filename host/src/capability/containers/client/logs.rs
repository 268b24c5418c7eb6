//! A container's log as the engines send it: frames of `[stream, 0, 0, 0, length (4 bytes, big endian)]` and that many
//! bytes, or the bytes alone when the container has a terminal.

use crate::words::printable;

/// Its lines, with control characters escaped.
pub(crate) fn lines(bytes: &[u8]) -> Vec<String> {
    let text = unframed(bytes).unwrap_or_else(|| bytes.to_vec());
    String::from_utf8_lossy(&text).lines().map(printable).collect()
}

/// None when the bytes are no frames.
fn unframed(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(bytes.len());
    while !bytes.is_empty() {
        let (header, rest) = bytes.split_first_chunk::<8>()?;
        let [0..=2, 0, 0, 0, length @ ..] = *header else { return None };
        let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
        // The last frame may be cut off where the log was.
        let (frame, rest) = rest.split_at(length.min(rest.len()));
        text.extend_from_slice(frame);
        bytes = rest;
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_joined() {
        let log = b"\x01\0\0\0\0\0\0\x04boo\n\x02\0\0\0\0\0\0\x04err\n";
        assert_eq!(lines(log), ["boo", "err"]);
    }

    #[test]
    fn a_line_may_span_frames() {
        assert_eq!(lines(b"\x01\0\0\0\0\0\0\x02bo\x01\0\0\0\0\0\0\x02o\n"), ["boo"]);
    }

    #[test]
    fn a_terminal_has_no_frames() {
        assert_eq!(lines(b"plain\r\nsecond"), ["plain", "second"]);
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(lines(b"\x1b[2Jgone"), ["\\u{1b}[2Jgone"]);
    }
}
