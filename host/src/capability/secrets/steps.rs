//! Generating a secret, and discarding one.

use serde::{Deserialize, Serialize};

use crate::{
    capability::{Acting, Destroys, Facts, Gate, Preview, Repeat, Settles, StepFailure, StepKind, WrittenBy},
    model::{Denial, Generator, Presence, value::Target},
};

/// `secrets.generate`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretGenerate {
    /// A [`Target::Made`] of kind stored.
    pub into: Target,
    /// Which characters.
    pub generator: Generator,
    /// Characters for `Alphanumeric`, bytes else.
    pub length: u32,
}

/// `secrets.discard`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretDiscard {
    /// A [`Target::Made`] of kind stored or captured.
    pub of: Target,
}

impl SecretGenerate {
    /// One line for plan, progress and errors.
    pub fn headline(&self) -> String {
        let how = match self.generator {
            Generator::Alphanumeric => format!("{} letters and digits", self.length),
            Generator::Hex => format!("{} random bytes in hexadecimal", self.length),
            Generator::Base64url => format!("{} random bytes in base64url", self.length),
        };
        format!("generate {} ({how})", self.into)
    }
}

impl SecretDiscard {
    /// One line for plan, progress and errors.
    pub fn headline(&self) -> String {
        format!("delete {} from the store, with its previous value", self.of)
    }
}

impl StepKind for SecretGenerate {
    type Before = ();

    fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        gate.new_secret(&self.into, self.generator, self.length).map(drop)
    }

    async fn preview(&self, _acting: &Acting<'_>) -> Preview {
        Preview { headline: self.headline(), lines: Vec::new() }
    }

    async fn before(&self, _acting: &Acting<'_>) -> Result<(), StepFailure> {
        Ok(())
    }

    async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let permit = acting.gate.new_secret(&self.into, self.generator, self.length)?;
        Ok(acting.world.vault.generate(&permit, self.generator, self.length)?)
    }

    /// A secret that was generated stays: generating another one would do no less harm.
    async fn revert(&self, (): &(), _acting: &Acting<'_>) -> Result<(), StepFailure> {
        Ok(())
    }

    /// It generates nothing when the secret is there.
    fn repeat(&self) -> Repeat {
        Repeat::Repeatable
    }

    async fn is_done(&self, acting: &Acting<'_>) -> Result<bool, StepFailure> {
        Ok(matches!(acting.world.vault.presence(&self.into)?, Presence::Present(_)))
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            fills: Vec::new(),
            place: Some("the store".to_owned()),
            makes: vec![&self.into],
            path: None,
            written_by: WrittenBy::Stackrun,
            destroys: Destroys::Nothing,
            settles: Settles::No,
            takes: None,
        }
    }
}

impl StepKind for SecretDiscard {
    type Before = ();

    fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        gate.own_secret(&self.of).map(drop)
    }

    async fn preview(&self, _acting: &Acting<'_>) -> Preview {
        Preview { headline: self.headline(), lines: Vec::new() }
    }

    async fn before(&self, _acting: &Acting<'_>) -> Result<(), StepFailure> {
        Ok(())
    }

    async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let permit = acting.gate.own_secret(&self.of)?;
        Ok(acting.world.vault.discard(&permit)?)
    }

    /// What was deleted by name does not come back.
    async fn revert(&self, (): &(), _acting: &Acting<'_>) -> Result<(), StepFailure> {
        Ok(())
    }

    fn repeat(&self) -> Repeat {
        Repeat::Repeatable
    }

    async fn is_done(&self, acting: &Acting<'_>) -> Result<bool, StepFailure> {
        Ok(matches!(acting.world.vault.presence(&self.of)?, Presence::Absent))
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            fills: Vec::new(),
            place: None,
            makes: Vec::new(),
            path: None,
            written_by: WrittenBy::Stackrun,
            destroys: Destroys::Data,
            settles: Settles::No,
            takes: None,
        }
    }
}
