//! What is known of a target without its value: name, type, and whether it is a secret.

use std::collections::BTreeMap;

use crate::{
    model::{
        HostFile, Making, Offered, ReferenceInfo,
        value::{Address, Target, ValueType},
    },
    schema::Catalog,
    spec::{folder_of, name_of},
};

/// Tells what may be known of targets.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Types of outputs.
    pub catalog: &'a Catalog,
    /// What instances make; none of it before `outputs` was asked.
    pub offered: Option<&'a BTreeMap<Address, Offered>>,
    /// Which captures are no secrets.
    pub host_file: Option<&'a HostFile>,
}

impl Known<'_> {
    /// What a plugin may know of a target. Nothing is available before it is resolved.
    pub fn info(&self, target: &Target, available: bool) -> ReferenceInfo {
        let (value_type, secret) = self.kind_of(target);
        ReferenceInfo { name: name_of(target), secret, value_type, available }
    }

    /// Type, and whether it is a secret. What nothing is known of counts as one.
    pub fn kind_of(&self, target: &Target) -> (ValueType, bool) {
        match target {
            target if folder_of(target).is_some() => (ValueType::Text, false),
            Target::Output(address, name) => match self.catalog.output(address.kind(), name) {
                Some(output) => (output.value_type, output.secret),
                None => (ValueType::Text, true),
            },
            Target::Made(address, name) => (ValueType::Text, self.is_secret(address, name)),
            Target::Derived(_, of) => (ValueType::Text, self.kind_of(of).1),
        }
    }

    fn is_secret(&self, address: &Address, name: &str) -> bool {
        let making = self
            .offered
            .and_then(|offered| offered.get(address))
            .and_then(|offered| offered.makes.iter().find(|making| making.name() == name));
        match making {
            Some(Making::Captured { connection, .. }) => !self.is_plain(connection, name),
            _ => true,
        }
    }

    /// `plain_captures` of the connection.
    fn is_plain(&self, connection: &str, name: &str) -> bool {
        let settings = self.host_file.and_then(|host_file| host_file.connections.get(connection));
        settings.is_some_and(|connection| connection.is_plain_capture(name))
    }
}
