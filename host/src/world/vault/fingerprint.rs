//! Keyed digests, which tell whether two values are the same and nothing else: HMAC-SHA-256 with a key that lies in the
//! store, so that whoever has only state or a plan can't try values.

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Length of the key in bytes.
pub(crate) const KEY_LENGTH: usize = 32;

/// The stack's key.
pub(crate) struct FingerprintKey(Zeroizing<[u8; KEY_LENGTH]>);

impl std::fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FingerprintKey")
    }
}

/// What a digest is taken of. Each has a space of its own: a file that holds nothing but a secret does not have the
/// secret's fingerprint.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Of {
    Secret,
    Bytes,
    Trace,
}

impl FingerprintKey {
    pub(crate) fn new(bytes: [u8; KEY_LENGTH]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_LENGTH] {
        &self.0
    }

    /// In hexadecimal, 64 characters.
    pub(crate) fn digest(&self, of: Of, bytes: &[u8]) -> String {
        hex(&self.raw(of, bytes))
    }

    pub(crate) fn raw(&self, of: Of, bytes: &[u8]) -> [u8; 32] {
        // HMAC takes keys of every length, so making one from this key can't fail; an error would only mean an empty digest.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_slice()) else { return [0; 32] };
        mac.update(match of {
            Of::Secret => b"secret\0",
            Of::Bytes => b"bytes\0\0",
            Of::Trace => b"trace\0\0",
        });
        mac.update(bytes);
        mac.finalize().into_bytes().into()
    }
}

/// SHA-256 of something that is no secret (an encrypted file), in hexadecimal.
pub(crate) fn plain_digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub(crate) use crate::hex::hex;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_value_has_the_same_fingerprint_under_one_key_and_no_other() {
        let (one, other) = (FingerprintKey::new([1; 32]), FingerprintKey::new([2; 32]));
        assert_eq!(one.digest(Of::Secret, b"x"), one.digest(Of::Secret, b"x"));
        assert_ne!(one.digest(Of::Secret, b"x"), one.digest(Of::Secret, b"y"));
        assert_ne!(one.digest(Of::Secret, b"x"), other.digest(Of::Secret, b"x"));
        assert_ne!(one.digest(Of::Secret, b"x"), one.digest(Of::Bytes, b"x"));
    }
}
