//! What is read of an engine's answers. Both engines leave fields out or null where they have nothing to say.

use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use serde::{Deserialize, Deserializer, de::IgnoredAny};

/// Null reads like an absent field.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

macro_rules! answer {
    ($(#[$about:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$about])*
        #[derive(Clone, Default, Deserialize)]
        #[serde(default, rename_all = "PascalCase")]
        #[allow(missing_docs)]
        pub struct $name {
            $($(#[$field_meta])* #[serde(deserialize_with = "or_default")] pub $field: $kind,)*
        }
    };
}

answer!(
    /// `GET /containers/NAME/json`. Holds environment: never shown, logged or handed to a plugin.
    Inspect {
        id: String,
        /// Digest of the image's configuration, `sha256:…` (Podman 3 leaves the prefix out).
        image: String,
        restart_count: i64,
        state: State,
        config: Config,
        host_config: HostConfig,
        network_settings: NetworkSettings,
        mounts: Vec<MountPoint>,
        hosts_path: String,
        resolv_conf_path: String,
    }
);

answer!(
    /// Whether it runs.
    State {
        /// `created`, `running`, `restarting`, `exited`, and Podman's `initialized`, `stopped`, `stopping`.
        status: String,
        running: bool,
        restarting: bool,
        #[serde(rename = "OOMKilled")]
        oom_killed: bool,
        pid: u32,
        exit_code: i64,
        error: String,
        /// RFC 3339.
        started_at: String,
    }
);

answer!(
    /// What runs, of a container or an image.
    Config {
        user: String,
        env: Vec<String>,
        cmd: Vec<String>,
        entrypoint: Vec<String>,
        /// As it was called when the container was created.
        image: String,
        labels: HashMap<String, String>,
        /// Mount points that the image asks a volume for.
        volumes: HashMap<String, IgnoredAny>,
    }
);

answer!(
    /// How it runs.
    HostConfig {
        network_mode: String,
        port_bindings: BTreeMap<String, Option<Vec<PortBinding>>>,
        restart_policy: RestartPolicy,
        cap_add: Vec<String>,
        cap_drop: Vec<String>,
        extra_hosts: Vec<String>,
        pid_mode: String,
        ipc_mode: String,
        privileged: bool,
        readonly_rootfs: bool,
        devices: Vec<IgnoredAny>,
        memory: i64,
    }
);

answer!(
    /// Where a port is published.
    PortBinding {
        host_ip: String,
        host_port: String,
    }
);

answer!(
    /// `no`, `always`, …; Podman has an empty one for `no`.
    RestartPolicy {
        name: String,
    }
);

answer!(
    /// Its networks, by name.
    NetworkSettings {
        sandbox_key: String,
        networks: BTreeMap<String, IgnoredAny>,
    }
);

answer!(
    /// One mount.
    MountPoint {
        /// `bind`, `volume`, …
        #[serde(rename = "Type")]
        kind: String,
        /// Of a volume.
        name: String,
        source: String,
        destination: String,
        #[serde(rename = "RW")]
        writable: bool,
    }
);

answer!(
    /// A line of `GET /containers/json`.
    Summary {
        id: String,
        /// With a slash before each.
        names: Vec<String>,
        state: String,
        labels: HashMap<String, String>,
        ports: Vec<PortSummary>,
    }
);

answer!(
    /// A published port of a line.
    PortSummary {
        #[serde(rename = "IP")]
        address: String,
        private_port: u16,
        public_port: u16,
        #[serde(rename = "Type")]
        protocol: String,
    }
);

answer!(
    /// `GET /images/NAME/json`
    ImageFacts {
        /// Digest of the configuration, `sha256:…`.
        id: String,
        config: Config,
    }
);

answer!(
    /// `GET /networks/NAME`
    NetworkFacts {
        /// One network answers to several names: Podman's default one to `bridge` as well as to its own.
        id: String,
    }
);

answer!(
    /// `GET /version`
    Version {
        version: String,
        components: Vec<Component>,
    }
);

answer!(
    /// A part of an engine.
    Component {
        name: String,
    }
);

answer!(
    /// `GET /info`
    Info {
        /// Podman.
        rootless: bool,
        /// Docker: `name=rootless` among them.
        security_options: Vec<String>,
    }
);

impl Summary {
    /// The container's own name.
    pub fn name(&self) -> &str {
        self.names.first().map(|name| name.trim_start_matches('/')).unwrap_or_default()
    }
}

impl Summary {
    /// Whether its program was started and nobody has stopped it, or it can't be told.
    pub fn is_up(&self) -> bool {
        !matches!(self.state.as_str(), "created" | "configured" | "initialized" | "exited" | "dead")
    }
}

impl State {
    /// Whether its program was started and nobody has stopped it: between two starts of a crash loop Podman says
    /// `stopped`, and `exited` once it is over.
    pub fn is_up(&self) -> bool {
        self.running || self.restarting || self.is_between_starts() || self.status == "stopping"
    }

    /// Whether its program has ended and the engine has not yet decided what comes next.
    pub fn is_between_starts(&self) -> bool {
        self.status == "stopped"
    }
}

impl Inspect {
    /// Where this machine reaches a published port: 127.0.0.1 for one that is published everywhere.
    pub fn published(&self, container_port: u16) -> Option<SocketAddr> {
        let bindings = self.host_config.port_bindings.get(&format!("{container_port}/tcp"))?.as_deref()?;
        let binding = bindings.first()?;
        let address = binding.host_ip.parse().ok().filter(|address: &IpAddr| !address.is_unspecified());
        Some(SocketAddr::new(address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)), binding.host_port.parse().ok()?))
    }
}
