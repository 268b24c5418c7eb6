//! Calls the servers that plugins will ask, while these are made ready. What fails here fails again, and is told, where it
//! is needed.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Plugins, front::Read};
use crate::{
    cache::{Cache, Key, KeyMaker},
    connection::{Connections, docker_api},
    diagnostic::Source,
    host_file::{ConnectionSettings, HostFile},
    observe::{Memo, all_containers},
    reference::picked,
};

/// The servers that a spec's instances use. Which these are, the plugins say: the last run's answer is taken until they
/// are loaded.
pub struct Servers<'a> {
    cache: &'a Cache,
    place: Key,
    made_of: Key,
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
        host_file: &Source,
        cache: &'a Cache,
        connections: &'a Arc<Connections>,
        memo: &'a Memo,
    ) -> Self {
        let path = std::path::absolute(&read.spec.path).unwrap_or_else(|_| read.spec.path.clone());
        let place = KeyMaker::place("servers").and(path.as_os_str().as_encoded_bytes()).and(host_file.name.as_bytes());
        let made_of =
            KeyMaker::of("servers").and(read.spec.text.as_bytes()).and_each(&read.set).and(host_file.text.as_bytes());
        let (place, made_of) = (place.finish(), made_of.finish());
        let called: BTreeSet<Server> = cache.recall(&place, &made_of).unwrap_or_default();
        let servers = Self { cache, place, made_of, connections, memo, called };
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
            self.cache.keep(&self.place, &self.made_of, &used);
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
