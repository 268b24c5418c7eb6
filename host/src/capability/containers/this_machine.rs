//! What this machine is called inside containers.

use crate::model::{ConnectionSettings, value::Tree};

/// What containers of an engine call the machine that they run on. Podman writes `host.containers.internal` into every
/// container's hosts file by itself; Docker has another name for it.
pub(crate) fn name_of_this_machine(engine: &ConnectionSettings) -> String {
    if let Some(name) = engine.settings.get("host_name").and_then(Tree::as_str) {
        return name.to_owned();
    }
    let socket = engine.settings.get("socket").and_then(Tree::as_str).unwrap_or_default();
    match socket.ends_with("docker.sock") {
        true => "host.docker.internal".to_owned(),
        false => "host.containers.internal".to_owned(),
    }
}
