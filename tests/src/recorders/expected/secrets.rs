//! The secrets of a stack, to see that each goes where the plan says, and no other.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    recorders::pattern::HOLE,
    stack::{self, Stack},
};

/// The secrets by their names, as the store has them.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    before: BTreeMap<String, String>,
    after: BTreeMap<String, String>,
}

impl Secrets {
    /// All of a stack, before a run that is about to begin; none where there is nothing yet.
    pub(in crate::recorders) fn before(stack: &Stack) -> Self {
        Self { before: stack::secrets(stack).unwrap_or_default(), after: BTreeMap::new() }
    }

    /// The same after it.
    pub(in crate::recorders) fn and_after(self, stack: &Stack) -> Self {
        Self { after: stack::secrets(stack).unwrap_or_default(), ..self }
    }

    /// The secret of this name that is written; a gap where it is not known, as of a digest, or of the one before.
    pub(super) fn named(&self, name: &str) -> String {
        find(&self.after, name).unwrap_or_else(|| HOLE.to_string())
    }

    /// A token that is sent: the answer may bring another one in its place.
    pub(super) fn sent(&self, target: &Value) -> String {
        let name = name(&target["made"]).unwrap_or_default();
        find(&self.before, &name).unwrap_or_else(|| self.named(&name))
    }

    /// `{"made": ["secret.a", "b"]}`; what is derived from one is a gap.
    pub(super) fn target(&self, target: &Value) -> String {
        name(&target["made"]).map_or_else(|_| HOLE.to_string(), |name| self.named(&name))
    }

    /// Whether a secret is made of what a step says.
    pub(super) fn is_generated(&self, step: &Value) -> Result<()> {
        let secret = self.named(&name(&step["into"]["made"])?);
        let length = usize::try_from(step["length"].as_u64().context("a secret without a length")?)?;
        let fits = match step["generator"].as_str() {
            Some("alphanumeric") => secret.len() == length && secret.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            Some("hex") => secret.len() == length * 2 && secret.bytes().all(|byte| byte.is_ascii_hexdigit()),
            _ => false,
        };
        ensure!(fits, "{step} is not how the secret was made");
        Ok(())
    }
}

/// Secrets are exported without their instances.
fn find(secrets: &BTreeMap<String, String>, name: &str) -> Option<String> {
    let known = name.rsplit('.').next().filter(|_| !name.contains(' '));
    known.and_then(|name| secrets.get(name).cloned())
}

/// `secret.a.b`
pub(super) fn name(made: &Value) -> Result<String> {
    let word = |at: usize| made[at].as_str().context("a secret without a name");
    Ok(format!("{}.{}", word(0)?, word(1)?))
}
