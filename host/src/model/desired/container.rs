//! A container as an engine should have it.

use serde::{Deserialize, Serialize};

use crate::model::value::{Target, Text};

/// Everything that decides how a container runs. The host adds its labels when it creates one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Definition {
    pub name: String,
    /// As the spec names it.
    pub image: String,
    /// What that name stands for, `sha256:…`: filled in when the plan is made. A name alone is compared, never carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_id: Option<String>,
    pub command: Option<Vec<String>>,
    pub entrypoint: Option<Vec<String>>,
    pub env: Vec<(String, Text)>,
    pub labels: Vec<(String, String)>,
    pub ports: Vec<Port>,
    pub mounts: Vec<Mount>,
    pub network: Option<String>,
    pub extra_hosts: Vec<ExtraHost>,
    pub restart: RestartPolicy,
    pub user: Option<String>,
    pub read_only_root: bool,
    pub add_capabilities: Vec<String>,
    pub drop_capabilities: Vec<String>,
    /// Bytes.
    pub memory: Option<u64>,
    /// The name the comparison and the digest go by when `name` is a temporary one (`renamed` in the WIT).
    pub lasting_name: Option<String>,
}

/// A published TCP port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// Port the program listens on.
    pub container: u16,
    /// Address of the host; none is the connection's `publish` address.
    pub host_address: Option<String>,
    /// Port of the host.
    pub host: u16,
}

/// A bind mount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Absolute path on the engine's machine.
    pub source: String,
    /// Absolute path inside.
    pub target: String,
    /// Mounted read-only.
    pub read_only: bool,
}

/// A line of the container's hosts file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ExtraHost {
    pub name: String,
    pub address: String,
}

/// When the engine starts the container again by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum RestartPolicy {
    No,
    OnFailure,
    UnlessStopped,
    Always,
}

impl Definition {
    /// A container of this name and image, with everything else as the engine has it by default, and restart
    /// policy `always`: after a boot, podman-restart.service starts no other.
    pub fn new(name: impl Into<String>, image: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            image: image.into(),
            image_id: None,
            command: None,
            entrypoint: None,
            env: Vec::new(),
            labels: Vec::new(),
            ports: Vec::new(),
            mounts: Vec::new(),
            network: None,
            extra_hosts: Vec::new(),
            restart: RestartPolicy::Always,
            user: None,
            read_only_root: false,
            add_capabilities: Vec::new(),
            drop_capabilities: Vec::new(),
            memory: None,
            lasting_name: None,
        }
    }

    /// Every target that the environment holds, with repetitions.
    pub fn targets(&self) -> Vec<&Target> {
        self.env.iter().flat_map(|(_, value)| value.targets()).collect()
    }

    /// What the engine is asked for: the reviewed image, or its name while no plan has said which one that is.
    pub fn image_reference(&self) -> &str {
        self.image_id.as_deref().unwrap_or(&self.image)
    }

    /// The name it has once it has taken over.
    pub fn lasting_name(&self) -> &str {
        self.lasting_name.as_deref().unwrap_or(&self.name)
    }
}
