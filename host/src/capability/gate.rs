//! The one gate. Every capability, while observing and while acting, goes through a check here that yields a
//! [`Permit`]; the function that reaches the world takes the permit, so that a way around the check does not compile.
//!
//! The checks that yield a capability's permits are in its `grant`; how grants are read from files, in `grants`.

use crate::{
    model::{Denial, Grants, denial::NEVER, value::Address},
    words::quoted,
};

/// The gate for one instance.
#[derive(Clone, Debug)]
pub struct Gate {
    /// For denials: which plugin asks.
    plugin: String,
    /// On whose behalf.
    instance: Address,
    /// The stack of the instance; marker lines and labels carry it.
    stack: String,
    /// What is granted, with names filled in.
    grants: Grants,
}

impl Gate {
    /// A gate with these grants; they are saved in the plan and in state, so that acting is checked against the same.
    pub fn new(plugin: impl Into<String>, stack: impl Into<String>, instance: Address, grants: Grants) -> Self {
        Self { plugin: plugin.into(), instance, stack: stack.into(), grants }
    }

    /// The plugin that asks.
    pub fn plugin(&self) -> &str {
        &self.plugin
    }

    /// On whose behalf it is asked.
    pub fn instance(&self) -> &Address {
        &self.instance
    }

    /// The stack of the instance.
    pub fn stack(&self) -> &str {
        &self.stack
    }

    /// What is granted.
    pub fn grants(&self) -> &Grants {
        &self.grants
    }

    /// For tests: what is granted, to be changed.
    #[cfg(test)]
    pub(crate) fn grants_mut(&mut self) -> &mut Grants {
        &mut self.grants
    }

    /// The line that would let this value of a field pass. Grants have no words for braces and stars as such.
    pub(in crate::capability) fn line(field: &str, value: &str) -> String {
        match [field, value].iter().any(|text| text.contains(['{', '}', '*'])) {
            true => NEVER.to_owned(),
            false => format!("{field} = [{}]", quoted(value)),
        }
    }

    /// A denial in this gate's name. `line` is what would have to stand under `[plugin.NAME.grants]` in the host file.
    pub(in crate::capability) fn deny(
        &self,
        capability: &'static str,
        asked: impl Into<String>,
        line: impl Into<String>,
    ) -> Denial {
        Denial {
            plugin: self.plugin.clone(),
            instance: self.instance.clone(),
            capability: capability.to_owned(),
            asked: asked.into(),
            line: line.into(),
        }
    }
}
