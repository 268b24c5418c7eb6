//! An instance as its plugin gets it.

use super::tree::type_to_wit;
use crate::{
    model::{ConnectionView, ConsumerView, InstanceView, ReferenceInfo, Thing, value::Target},
    plugin::{What, bindings::stackrun::plugin::types as wit, references::References},
};

/// An instance as its plugin gets it.
pub fn instance(view: &InstanceView, references: &References) -> Result<wit::Instance, What> {
    let connection = |connection: &ConnectionView| {
        Ok(wit::Connection {
            name: connection.name.clone(),
            kind: connection.kind.clone(),
            settings: references.tree_to_wit(&connection.settings)?,
        })
    };
    Ok(wit::Instance {
        address: view.address.to_string(),
        name: view.address.name().to_owned(),
        stack: view.stack.clone(),
        section: references.tree_to_wit(&view.section)?,
        references: view.references.iter().map(reference).collect(),
        connections: view.connections.iter().map(connection).collect::<Result<_, What>>()?,
        contract: view.contract.as_ref().map(|contract| references.tree_to_wit(contract)).transpose()?,
        consumers: view.consumers.iter().map(consumer).collect(),
        owned: view.owned.iter().map(owned).collect(),
    })
}

fn reference((_, info): &(Target, ReferenceInfo)) -> wit::ReferenceInfo {
    wit::ReferenceInfo {
        name: info.name.clone(),
        secret: info.secret,
        value_type: type_to_wit(info.value_type),
        available: info.available,
    }
}

fn consumer(consumer: &ConsumerView) -> wit::Consumer {
    wit::Consumer { address: consumer.address.to_string(), connections: consumer.connections.clone() }
}

fn owned((thing, proven): &(Thing, bool)) -> wit::OwnedBefore {
    let Thing { key, connection, kind, name } = thing.clone();
    wit::OwnedBefore { thing: wit::Thing { key, connection, kind, name }, proven: *proven }
}
