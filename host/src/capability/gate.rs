//! The one gate. Every capability, while observing and while acting, goes through a check here that yields a
//! [`Permit`]; the function that reaches the world takes the permit, so that a way around the check does not compile.
//!
//! Each capability is one file: its grant as it stands in the host file, what patterns it accepts and refuses, and the
//! checks that yield its permits.

use crate::model::{
    ConnectionSettings, ContainersGrant, Denial, FilesGrant, Grants, HostFile, HttpGrant, ServicesGrant, SqlGrant,
    value::{Address, Tree},
};

impl Grants {
    /// What an instance of a built-in plugin may do: it follows from the connections that it uses.
    pub fn first_party(
        instance: &Address,
        stack: &str,
        section: &Tree,
        connections: &[ConnectionSettings],
        host_file: &HostFile,
    ) -> Self {
        let kind = instance.kind();
        let grants = Self {
            sql: SqlGrant::first_party(kind, instance, stack, section, connections, host_file),
            files: FilesGrant::first_party(kind, instance, stack, section, connections, host_file),
            containers: ContainersGrant::first_party(kind, instance, stack, section, connections, host_file),
            http: HttpGrant::first_party(kind, instance, stack, section, connections, host_file),
            services: ServicesGrant::first_party(kind, instance, stack, section, connections, host_file),
        };
        grants.filled(stack, instance, section)
    }

    /// The same for one instance: every name pattern filled in. Plans and state keep them so.
    pub fn filled(&self, stack: &str, instance: &Address, section: &Tree) -> Self {
        Self {
            sql: self.sql.filled(stack, instance, section),
            files: self.files.filled(stack, instance, section),
            containers: self.containers.filled(stack, instance, section),
            http: self.http.filled(stack, instance, section),
            services: self.services.filled(stack, instance, section),
        }
    }
}

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
