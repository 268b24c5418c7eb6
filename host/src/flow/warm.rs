//! Calls the servers that plugins will ask, while these are made ready. What fails here fails again, and is told, where it
//! is needed.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Machine, Plugins, Read};
use crate::{
    cache::{Cache, Slot},
    connection::{Connections, docker_api},
    host_file::{ConnectionSettings, HostFile},
    observe::{Memo, all_containers},
    reference::picked,
};

/// The servers that a spec's instances use. Which these are, the plugins say: the last run's answer is taken until they
/// are loaded.
pub struct Servers<'a> {
    cache: &'a Cache,
    slot: Slot,
    connections: &'a Arc<Connections>,
    memo: &'a Memo,
    called: BTreeSet<Server>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Server {
    kind: String,
    connection: String,
}

impl<'a> Servers<'a> {
    /// Calls those that the last run used for the same spec on the same machine.
    pub fn call_known(
        read: &Read,
        machine: Machine<'_>,
        cache: &'a Cache,
        connections: &'a Arc<Connections>,
        memo: &'a Memo,
    ) -> Self {
        let slot = read.slot("servers", machine, []);
        let called: BTreeSet<Server> = cache.recall(&slot).unwrap_or_default();
        let servers = Self { cache, slot, connections, memo, called };
        servers.called.iter().for_each(|server| servers.call(server));
        servers
    }

    /// Calls the others, now that the plugins are there.
    pub fn call_others(self, read: &Read, plugins: &Plugins, host_file: &HostFile) {
        let used: BTreeSet<Server> = (read.spec.instances.iter())
            .filter_map(|instance| {
                let loaded = plugins.of(instance.address.kind())?;
                picked(instance, loaded.plugin.description(), host_file).ok()
            })
            .flatten()
            .map(|ConnectionSettings { name, kind, .. }| Server { kind: kind.clone(), connection: name.clone() })
            .collect();
        used.difference(&self.called).for_each(|server| self.call(server));
        if used != self.called {
            self.cache.keep(&self.slot, &used);
        }
    }

    /// Begins to log in, in the background.
    fn call(&self, Server { kind, connection }: &Server) {
        let (connections, memo, name) = (Arc::clone(self.connections), self.memo.clone(), connection.clone());
        match kind.as_str() {
            "postgresql" => drop(tokio::spawn(async move {
                if let Ok(server) = connections.postgresql(&name) {
                    drop(server.session(None).await);
                }
            })),
            docker_api::KIND => drop(tokio::spawn(async move {
                if let Ok(engine) = connections.engine(&name) {
                    drop(all_containers(&memo, &engine).await);
                }
            })),
            _ => {}
        }
    }
}
