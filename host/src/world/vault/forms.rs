//! Values computed from secrets: verifiers, digests, encodings.

use anyhow::{Result, bail};
use base64::{
    Engine,
    alphabet::Alphabet,
    engine::{
        GeneralPurpose,
        general_purpose::{NO_PAD, STANDARD},
    },
};
use sha2::Sha512;
use zeroize::Zeroizing;

use super::generate::random;
use crate::{
    document,
    model::value::{Encoding, Form},
};

/// Bytes of a PBKDF2 salt, as Authelia makes them.
const SALT_LENGTH: usize = 16;
/// Authelia and passlib write base64 with these characters, without padding.
const PASSLIB: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./";

/// The value in this form. A salted form is another one at each call: see [`Form::is_salted`].
pub(crate) fn compute(form: Form, value: &str) -> Result<Zeroizing<String>> {
    Ok(Zeroizing::new(match form {
        Form::ScramSha256 => postgres_protocol::password::scram_sha_256(value.as_bytes()),
        Form::Pbkdf2Sha512(rounds) => pbkdf2_sha512(value, rounds, &random(SALT_LENGTH))?,
        Form::Encoded(encoding) => return encoded(encoding, value),
    }))
}

fn pbkdf2_sha512(value: &str, rounds: u32, salt: &[u8]) -> Result<String> {
    if !(1_000..=10_000_000).contains(&rounds) {
        bail!("{rounds} rounds of PBKDF2 are out of range: 1,000 to 10,000,000");
    }
    let base64 = GeneralPurpose::new(&Alphabet::new(PASSLIB)?, NO_PAD);
    let mut key = Zeroizing::new([0; 64]);
    pbkdf2::pbkdf2_hmac::<Sha512>(value.as_bytes(), salt, rounds, key.as_mut_slice());
    Ok(format!("$pbkdf2-sha512${rounds}${}${}", base64.encode(salt), base64.encode(key.as_slice())))
}

fn encoded(encoding: Encoding, value: &str) -> Result<Zeroizing<String>> {
    Ok(Zeroizing::new(match encoding {
        Encoding::UrlComponent => url_component(value),
        Encoding::Base64 => STANDARD.encode(value),
        Encoding::JsonString => serde_json::to_string(value)?,
        Encoding::TomlString => toml_edit::Value::from(value).to_string(),
        Encoding::YamlString => return document::yaml_string(value),
        Encoding::EnvValue => return document::env_value(value),
    }))
}

/// Percent-encodes all but RFC 3986's unreserved characters.
pub(crate) fn url_component(value: &str) -> String {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    value.bytes().fold(String::new(), |mut text, byte| {
        match unreserved(byte) {
            true => text.push(char::from(byte)),
            false => text.push_str(&format!("%{byte:02X}")),
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pbkdf2_is_as_authelia_reads_it() {
        // passlib.hash.pbkdf2_sha512.using(rounds=310000, salt=b"0123456789abcdef").hash("hunter2") with `.` for `+`.
        let digest = pbkdf2_sha512("hunter2", 310_000, b"0123456789abcdef").unwrap();
        assert_eq!(
            digest,
            "$pbkdf2-sha512$310000$MDEyMzQ1Njc4OWFiY2RlZg$Mvyc/u2B.4YELjOA/Tgz6RPQmjKKkYuaK3b43p5OvWeCvKl5UJJ8SLUD.9goDjn008Dirbgfbk3e/2ZFwDU1gQ"
        );
    }

    #[test]
    fn a_scram_verifier_has_the_form_that_postgresql_keeps() {
        let verifier = compute(Form::ScramSha256, "hunter2").unwrap();
        let rest = verifier.strip_prefix("SCRAM-SHA-256$4096:").unwrap();
        assert_eq!(rest.split(['$', ':']).map(str::len).collect::<Vec<_>>(), [24, 44, 44]);
        assert_ne!(verifier, compute(Form::ScramSha256, "hunter2").unwrap());
    }

    #[test]
    fn encodings_are_those_of_their_places() {
        let encode = |encoding| encoded(encoding, "a\"b\\c\n%é").unwrap().to_string();
        assert_eq!(encode(Encoding::UrlComponent), "a%22b%5Cc%0A%25%C3%A9");
        assert_eq!(serde_json::from_str::<String>(&encode(Encoding::JsonString)).unwrap(), "a\"b\\c\n%é");
        assert_eq!(serde_norway::from_str::<String>(&encode(Encoding::YamlString)).unwrap(), "a\"b\\c\n%é");
        let toml: toml::Table = format!("x = {}", encode(Encoding::TomlString)).parse().unwrap();
        assert_eq!(toml["x"].as_str(), Some("a\"b\\c\n%é"));
        assert!(encoded(Encoding::EnvValue, "two\nlines").is_err());
    }
}
