//! Opens what plugins will ask through while they are being made ready. What fails here fails again, and is told, where
//! it is needed.

use std::{collections::BTreeSet, sync::Arc};

use super::Flow;
use crate::{connection::docker_api, host_file::ConnectionSettings, reference::picked};

impl Flow {
    /// Begins to log in to the servers that the stack's instances use, in the background.
    pub fn warm(&self) {
        let used: BTreeSet<(&str, &str)> = self
            .spec
            .instances
            .iter()
            .filter_map(|instance| {
                let loaded = self.plugins.of(instance.address.kind())?;
                picked(instance, loaded.plugin.description(), &self.host_file).ok()
            })
            .flatten()
            .map(|ConnectionSettings { name, kind, .. }| (kind.as_str(), name.as_str()))
            .collect();
        for (kind, name) in used {
            let (world, name) = (Arc::clone(&self.world), name.to_owned());
            match kind {
                "postgresql" => drop(tokio::spawn(async move {
                    if let Ok(server) = world.connections.postgresql(&name) {
                        drop(server.session(None).await);
                    }
                })),
                docker_api::KIND => drop(tokio::spawn(async move {
                    if let Ok(engine) = world.connections.engine(&name) {
                        drop(tokio::join!(world.containers(&engine), engine.networks()));
                    }
                })),
                _ => {}
            }
        }
    }
}
