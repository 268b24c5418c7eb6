//! Telling whether a SCRAM-SHA-256 verifier, as PostgreSQL keeps it, was made of a password (RFC 5803).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{hex::hex, world::state::PlaceRecord};

/// More rounds than this nobody uses; a server that asks for them wants us busy.
const MOST_ROUNDS: u32 = 2_000_000;

/// Whether `verifier` (`SCRAM-SHA-256$ROUNDS:SALT$STOREDKEY:SERVERKEY`) was made of this password. Anything else, an MD5
/// digest for example, was not: a SCRAM login with it fails.
pub fn is_of(verifier: &str, password: &[u8]) -> bool {
    stored_key(verifier).is_some_and(|(rounds, salt, stored)| key_of(password, rounds, &salt) == stored)
}

/// Where state remembers what a role's verifier was made of, and what it remembers: the secret's fingerprint, and a
/// digest of the verifier, whose own salt makes it unguessable.
pub fn record(connection: &str, role: &str, fingerprint: String, verifier: &str) -> (String, PlaceRecord) {
    let written = hex(&Sha256::digest(verifier.as_bytes()));
    (format!("sql {connection} password of {role}"), PlaceRecord { want: fingerprint, written })
}

fn stored_key(verifier: &str) -> Option<(u32, Vec<u8>, Vec<u8>)> {
    let (salting, keys) = verifier.strip_prefix("SCRAM-SHA-256$")?.split_once('$')?;
    let (rounds, salt) = salting.split_once(':')?;
    let (stored, _server) = keys.split_once(':')?;
    let rounds = rounds.parse().ok().filter(|rounds| (1..=MOST_ROUNDS).contains(rounds))?;
    Some((rounds, STANDARD.decode(salt).ok()?, STANDARD.decode(stored).ok()?))
}

fn key_of(password: &[u8], rounds: u32, salt: &[u8]) -> Vec<u8> {
    // As the server and libpq do: a password that is no UTF-8, or holds what SASLprep forbids, is taken as it is.
    let prepared = std::str::from_utf8(password).ok().and_then(|text| stringprep::saslprep(text).ok());
    let prepared = Zeroizing::new(prepared.map_or_else(|| password.to_vec(), |text| text.as_bytes().to_vec()));
    let mut salted = Zeroizing::new([0; 32]);
    pbkdf2::pbkdf2_hmac::<Sha256>(&prepared, salt, rounds, &mut *salted);
    match Hmac::<Sha256>::new_from_slice(&*salted) {
        Ok(mac) => Sha256::digest(mac.chain_update(b"Client Key").finalize().into_bytes()).to_vec(),
        Err(_) => Vec::new(), // HMAC takes keys of any length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_verifiers_that_the_client_library_makes() {
        for password in ["hunter2", "", "it's \"q\" \\ %", "pässwörd", "\u{1680}odd space", "𝄞"] {
            let verifier = postgres_protocol::password::scram_sha_256(password.as_bytes());
            assert!(is_of(&verifier, password.as_bytes()), "{password}");
            assert!(!is_of(&verifier, b"something else"));
        }
    }

    #[test]
    fn nothing_else_is_one() {
        for verifier in
            ["", "md5d41d8cd98f00b204e9800998ecf8427e", "SCRAM-SHA-256$4096:!$a:b", "SCRAM-SHA-256$0:AA==$:"]
        {
            assert!(!is_of(verifier, b""), "{verifier}");
        }
        assert!(!is_of("SCRAM-SHA-256$4000000000:AA==$AA==:AA==", b"x"));
    }
}
