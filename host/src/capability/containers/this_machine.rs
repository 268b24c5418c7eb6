//! What this machine is called inside containers.

use super::client::DockerApi;
use crate::{capability::connection::ConnectionKind, model::ConnectionSettings};

/// What containers of an engine call the machine that they run on. Podman writes `host.containers.internal` into every
/// container's hosts file by itself; Docker has another name for it.
pub(crate) fn name_of_this_machine(engine: &ConnectionSettings) -> String {
    match DockerApi::read(engine) {
        Ok(DockerApi { host_name: Some(name), .. }) => name,
        Ok(DockerApi { socket, .. }) if socket.ends_with("docker.sock") => "host.docker.internal".to_owned(),
        _ => "host.containers.internal".to_owned(),
    }
}
