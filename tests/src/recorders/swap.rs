//! Another word in the place of one, in a stream of bytes that comes in pieces.
//!
//! The recorder of an application's port has an address of its own. The engine is told the application's in its place,
//! and answers with it; both have the same length, so that no length that was told is wrong.

/// Puts `to` in the place of `from`.
pub struct Swap {
    from: Vec<u8>,
    to: Vec<u8>,
    /// The beginning of `from`, perhaps, at the end of what came.
    held: Vec<u8>,
}

impl Swap {
    /// Words in quotes, of one length. A message of JSON never ends within one, so nothing is held back for long.
    pub fn of(from: &str, to: &str) -> Self {
        assert_eq!(from.len(), to.len(), "a length that was told would be wrong");
        let quoted = |word: &str| format!("\"{word}\"").into_bytes();
        Self { from: quoted(from), to: quoted(to), held: Vec::new() }
    }

    /// What can be passed on.
    pub fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(found) = all[at..].windows(self.from.len()).position(|window| window == self.from) {
            at += found;
            all[at..at + self.to.len()].copy_from_slice(&self.to);
            at += self.to.len();
        }
        let begins = |length: &usize| all[at..].ends_with(&self.from[..*length]);
        let held = (1..self.from.len()).rev().find(begins).unwrap_or(0);
        self.held = all.split_off(all.len() - held);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_in_two_pieces_is_found() {
        let mut swap = Swap::of("127.1", "127.2");
        let passed: Vec<Vec<u8>> =
            [&b"a \"127.1\" b \"12"[..], b"7.1\" c 127.1 \"", b"}"].map(|part| swap.pass(part)).into();
        assert_eq!(passed.concat(), b"a \"127.2\" b \"127.2\" c 127.1 \"}");
        assert!(swap.held.is_empty());
    }
}
