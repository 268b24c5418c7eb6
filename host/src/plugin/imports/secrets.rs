//! `secrets`: what an instance makes, derived references, and fitness. No bytes of a secret come near.

use wasmtime::component::Resource;

use crate::{
    capability::{
        Step,
        secrets::{SecretDiscard, SecretGenerate},
    },
    model::{
        Generator, Making,
        value::{Encoding, Form},
    },
    plugin::{What, bindings::stackrun::plugin::secrets as wit, call::Call},
    world::vault::{Alphabet, Fitness},
};

/// Fewer are no protection, more are minutes of work.
const ROUNDS: std::ops::RangeInclusive<u32> = 10_000..=2_000_000;

impl wit::Host for Call {
    /// Offline nothing is known; telling apart what is not known and what may not be asked would help nobody.
    fn fits(&mut self, references: Vec<u32>, alphabet: wit::Alphabet) -> wasmtime::Result<Vec<wit::Fitness>> {
        let Some(outside) = self.outside.clone() else {
            return Ok(vec![wit::Fitness::NotYetKnown; references.len()]);
        };
        let counted = self.meter.ask(references.len());
        self.or_fail(counted)?;
        let alphabet = match alphabet {
            wit::Alphabet::Alphanumeric => Alphabet::Alphanumeric,
            wit::Alphabet::UrlUnreserved => Alphabet::UrlUnreserved,
            wit::Alphabet::PrintableAscii => Alphabet::PrintableAscii,
            wit::Alphabet::SingleLine => Alphabet::SingleLine,
        };
        let mut answers = Vec::with_capacity(references.len());
        for reference in references {
            let target = self.target(reference)?;
            answers.push(match outside.world.vault.fits(&target, alphabet) {
                Ok(Fitness::Fit) => wit::Fitness::Fit,
                Ok(Fitness::Unfit) => wit::Fitness::Unfit,
                Ok(Fitness::NotYetKnown) => wit::Fitness::NotYetKnown,
                Err(failure) => return self.fail(What::Host(failure.to_string())),
            });
        }
        Ok(answers)
    }

    fn stored(&mut self, name: String) -> wasmtime::Result<Resource<Making>> {
        self.push(Making::Stored { name })
    }

    fn from_file(&mut self, name: String, path: String, key: Option<String>) -> wasmtime::Result<Resource<Making>> {
        self.push(Making::FromFile { name, path, key })
    }

    fn captured(&mut self, name: String, connection: String) -> wasmtime::Result<Resource<Making>> {
        self.push(Making::Captured { name, connection })
    }

    fn generate(&mut self, into: u32, generator: wit::Generator, length: u32) -> wasmtime::Result<Resource<Step>> {
        let into = self.target(into)?;
        let generator = match generator {
            wit::Generator::Alphanumeric => Generator::Alphanumeric,
            wit::Generator::Hex => Generator::Hex,
            wit::Generator::Base64url => Generator::Base64url,
        };
        self.step(Step::SecretGenerate(SecretGenerate { into, generator, length }))
    }

    fn discard(&mut self, of: u32) -> wasmtime::Result<Resource<Step>> {
        let of = self.target(of)?;
        self.step(Step::SecretDiscard(SecretDiscard { of }))
    }

    fn scram_sha256(&mut self, of: u32) -> wasmtime::Result<u32> {
        self.derive(Form::ScramSha256, of)
    }

    fn pbkdf2_sha512(&mut self, of: u32, rounds: u32) -> wasmtime::Result<u32> {
        if !ROUNDS.contains(&rounds) {
            return self.fail(What::TooMuch(format!("{rounds} rounds of PBKDF2, and 10,000 to 2,000,000 are taken")));
        }
        self.derive(Form::Pbkdf2Sha512(rounds), of)
    }

    fn encoded(&mut self, of: u32, encoding: wit::Encoding) -> wasmtime::Result<u32> {
        let encoding = match encoding {
            wit::Encoding::UrlComponent => Encoding::UrlComponent,
            wit::Encoding::Base64 => Encoding::Base64,
            wit::Encoding::JsonString => Encoding::JsonString,
            wit::Encoding::TomlString => Encoding::TomlString,
            wit::Encoding::YamlString => Encoding::YamlString,
            wit::Encoding::EnvValue => Encoding::EnvValue,
        };
        self.derive(Form::Encoded(encoding), of)
    }
}

impl wit::HostMaking for Call {
    fn drop(&mut self, making: Resource<Making>) -> wasmtime::Result<()> {
        self.dropped(making)
    }
}

impl Call {
    fn derive(&mut self, form: Form, of: u32) -> wasmtime::Result<u32> {
        let most = self.meter.limits().derived;
        let derived = self.references.derive(form, of, most);
        self.or_fail(derived)
    }
}
