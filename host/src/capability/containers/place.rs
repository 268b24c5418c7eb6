//! Where a container is asked from inside: its process.

use crate::{capability::Acting, model::Failure, world::inside::Place};

impl Place {
    /// The container of this name behind a `docker-api` connection. One whose network is set up and whose program waits
    /// has a process as well.
    pub async fn find(acting: &Acting<'_>, engine: &str, container: &str) -> Result<Self, Failure> {
        let inspect = acting.world.connections.engine(engine)?.inspect(container).await?;
        let inspect = inspect.ok_or_else(|| Failure::Other(format!("there is no container {container}")))?;
        if inspect.state.pid == 0 {
            return Err(Failure::Other(format!(
                "container {container} does not run: nothing can be asked from inside it"
            )));
        }
        let ca_file = inspect.config.env.iter().find_map(|entry| entry.strip_prefix("SSL_CERT_FILE="));
        Ok(Self {
            pid: inspect.state.pid,
            ca_file: ca_file.map(str::to_owned),
            shares_network: inspect.host_config.network_mode == "host",
            name: container.to_owned(),
        })
    }
}
