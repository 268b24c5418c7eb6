//! New secrets, from the operating system's random source.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::{
    TryRngCore,
    distr::{Alphanumeric, Distribution},
    rngs::OsRng,
};
use zeroize::Zeroizing;

use crate::{hex::hex, model::Generator};

/// A new value. The length counts characters for `Alphanumeric`, bytes before encoding else.
pub(crate) fn generate(generator: Generator, length: u32) -> Zeroizing<String> {
    let length = length as usize;
    match generator {
        Generator::Alphanumeric => {
            // Rejection sampling: each of the 62 characters is equally likely.
            let mut source = OsRng.unwrap_err();
            Zeroizing::new(Alphanumeric.sample_iter(&mut source).take(length).map(char::from).collect())
        }
        Generator::Hex => Zeroizing::new(hex(&random(length))),
        Generator::Base64url => Zeroizing::new(URL_SAFE_NO_PAD.encode(random(length).as_slice())),
    }
}

/// Bytes from the operating system.
pub(crate) fn random(length: usize) -> Zeroizing<Vec<u8>> {
    use rand::RngCore;
    let mut bytes = Zeroizing::new(vec![0; length]);
    OsRng.unwrap_err().fill_bytes(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_alphabets_are_as_said() {
        let alphanumeric = generate(Generator::Alphanumeric, 40);
        assert!(alphanumeric.len() == 40 && alphanumeric.chars().all(|c| c.is_ascii_alphanumeric()));
        let hex = generate(Generator::Hex, 32);
        assert!(hex.len() == 64 && hex.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')));
        assert_eq!(URL_SAFE_NO_PAD.decode(generate(Generator::Base64url, 32).as_bytes()).unwrap().len(), 32);
        assert_ne!(generate(Generator::Hex, 16), generate(Generator::Hex, 16));
    }

    #[test]
    fn no_character_is_more_likely_than_another() {
        let text = generate(Generator::Alphanumeric, 62_000);
        for character in ('a'..='z').chain('A'..='Z').chain('0'..='9') {
            let count = text.chars().filter(|c| *c == character).count();
            // 1000 expected, standard deviation 31: seven of them either way.
            assert!((780..1220).contains(&count), "{character}: {count}");
        }
    }
}
