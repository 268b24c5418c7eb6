//! Calls the servers that plugins will ask, while these are made ready. What fails here fails again, and is told, where it
//! is needed.

use std::{collections::BTreeSet, sync::Arc};

use super::Plugins;
use crate::{
    connection::{Connections, docker_api},
    host_file::{ConnectionSettings, HostFile},
    observe::{Memo, all_containers},
    reference::picked,
    spec::Instance,
};

/// Begins to log in to the servers that these instances use, in the background.
pub fn warm(
    instances: &[Instance],
    plugins: &Plugins,
    host_file: &HostFile,
    connections: &Arc<Connections>,
    memo: &Memo,
) {
    let of_instance = |instance: &Instance| {
        let loaded = plugins.of(instance.address.kind())?;
        picked(instance, loaded.plugin.description(), host_file).ok()
    };
    let used: BTreeSet<(&str, &str)> = instances
        .iter()
        .filter_map(of_instance)
        .flatten()
        .map(|ConnectionSettings { name, kind, .. }| (kind.as_str(), name.as_str()))
        .collect();
    for (kind, name) in used {
        let (connections, memo, name) = (Arc::clone(connections), memo.clone(), name.to_owned());
        match kind {
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
