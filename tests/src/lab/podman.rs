//! The lab's Podman: storage, configuration, network, locks, events and API socket of its own.
//!
//! Two labs (or the lab and the machine's own Podman) must not share a network's *name*: Netavark keeps one
//! address book for the machine, by network name, and names its firewall chains after it. So each lab's
//! default network has its own name, bridge and subnet.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::{http, mounts, process, slot::Slot};
use crate::command::{run, succeeds};

/// The network that containers get when they name none.
pub(crate) struct Network<'a> {
    name: &'a str,
    bridge: &'a str,
    subnet: &'a str,
    gateway: &'a str,
}

/// A Podman configuration: the two files that make `podman` use a folder and nothing else.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Home {
    /// For `CONTAINERS_CONF`.
    pub containers_conf: PathBuf,
    /// For `CONTAINERS_STORAGE_CONF`.
    pub storage_conf: PathBuf,
}

impl Home {
    /// Where the images and containers of the home in `folder` are.
    pub(crate) fn storage(folder: &Path) -> PathBuf {
        folder.join("storage")
    }

    /// Writes the configuration. `images` are read-only stores whose images can be used as well.
    ///
    /// # Errors
    /// When a file can't be written.
    pub(crate) fn write(folder: &Path, network: Option<&Network<'_>>, images: &[PathBuf]) -> Result<Self> {
        let networks = folder.join("networks");
        fs::create_dir_all(&networks).with_context(|| format!("can't make {}", networks.display()))?;
        let home = Self { containers_conf: folder.join("containers.conf"), storage_conf: folder.join("storage.conf") };
        put(&home.containers_conf, &containers_conf(folder, network.map(|network| network.name)))?;
        put(&home.storage_conf, &storage_conf(folder, images))?;
        if let Some(network) = network {
            put(&networks.join(format!("{}.json", network.name)), &network_file(network)?)?;
        }
        Ok(home)
    }

    /// A `podman` command on this home.
    #[must_use]
    pub fn podman(&self) -> Command {
        let mut podman = Command::new("podman");
        podman.env("CONTAINERS_CONF", &self.containers_conf).env("CONTAINERS_STORAGE_CONF", &self.storage_conf);
        podman
    }
}

fn put(path: &Path, body: &str) -> Result<()> {
    fs::write(path, body).with_context(|| format!("can't write {}", path.display()))
}

fn containers_conf(folder: &Path, network: Option<&str>) -> String {
    let at = |name: &str| folder.join(name).display().to_string();
    let default_network = network.map(|name| format!("default_network = {name:?}\n")).unwrap_or_default();
    format!(
        r#"# Runc and cgroupfs work with every layout of control groups, crun doesn't. Locks are files of this
# folder: the default, shared memory, is one for the machine and is cleared by the first start of any home.
# There is no `static_dir`: the process that starts a crashed container again is told the storage alone, and looks for
# the container below it.
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
events_logfile_path = {events:?}
lock_type = "file"
tmp_dir = {tmp:?}
volume_path = {volumes:?}
[network]
network_backend = "netavark"
network_config_dir = {networks:?}
{default_network}"#,
        events = at("events.log"),
        tmp = at("tmp"),
        volumes = at("volumes"),
        networks = at("networks"),
    )
}

fn storage_conf(folder: &Path, images: &[PathBuf]) -> String {
    let stores: Vec<String> = images.iter().map(|store| store.display().to_string()).collect();
    format!(
        "[storage]\ndriver = \"overlay\"\ngraphroot = {:?}\nrunroot = {:?}\n[storage.options]\nadditionalimagestores = {stores:?}\n",
        Home::storage(folder).display().to_string(),
        folder.join("run").display().to_string(),
    )
}

fn network_file(network: &Network<'_>) -> Result<String> {
    // The id is any 64 hexadecimal digits; the name's digest is as good as random ones and stays the same.
    use sha2::{Digest, Sha256};
    let file = serde_json::json!({
        "name": network.name,
        "id": hex::encode(Sha256::digest(network.name)),
        "driver": "bridge",
        "network_interface": network.bridge,
        "created": "2026-01-01T00:00:00Z",
        "subnets": [{ "subnet": network.subnet, "gateway": network.gateway }],
        "ipv6_enabled": false,
        "internal": false,
        "dns_enabled": false,
        "ipam_options": { "driver": "host-local" },
    });
    serde_json::to_string_pretty(&file).context("can't write the network's description")
}

/// The lab's container engine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Podman {
    /// Its folder.
    pub folder: PathBuf,
    /// Its API socket.
    pub socket: PathBuf,
    /// Its configuration.
    pub home: Home,
    /// Its default network.
    pub network: String,
    /// The bridge of that network, there while a container runs.
    pub bridge: String,
    /// The containers' addresses.
    pub subnet: String,
    /// This machine's address in that network: `host.containers.internal`.
    pub gateway: String,
    /// The loopback address of this lab alone, on which ports are published: two labs can publish the same port.
    pub publish_address: String,
    /// The API service's log.
    pub log: PathBuf,
    pid_file: PathBuf,
}

impl Podman {
    pub(super) fn plan(dir: &Path, slot: Slot) -> Self {
        let folder = dir.join("podman");
        Self {
            socket: folder.join("podman.sock"),
            home: Home { containers_conf: folder.join("containers.conf"), storage_conf: folder.join("storage.conf") },
            network: slot.network(),
            bridge: slot.network(),
            subnet: slot.subnet(),
            gateway: slot.gateway(),
            publish_address: slot.loopback(),
            log: folder.join("service.log"),
            pid_file: folder.join("service.pid"),
            folder,
        }
    }

    pub(super) fn start(&self, images: &[PathBuf]) -> Result<()> {
        let network =
            Network { name: &self.network, bridge: &self.bridge, subnet: &self.subnet, gateway: &self.gateway };
        Home::write(&self.folder, Some(&network), images)?;
        let mut podman = self.home.podman();
        podman.args(["system", "service", "--time=0"]).arg(format!("unix://{}", self.socket.display()));
        let mut service = process::spawn(&mut podman, &self.log, &self.pid_file)?;
        process::wait("Podman's API", Duration::from_secs(60), &self.log, Some(&mut service), || {
            self.version().map(|_| ())
        })
    }

    /// Podman's version, asked over the API socket.
    ///
    /// # Errors
    /// When the service does not answer.
    pub fn version(&self) -> Result<String> {
        let answer = http::get_unix(&self.socket, "/v1.41/version")?;
        let answer: serde_json::Value = serde_json::from_str(&answer).context("Podman's version is not JSON")?;
        answer["Version"].as_str().map(str::to_owned).context("Podman's answer has no Version")
    }

    /// A `podman` command on the lab's engine.
    #[must_use]
    pub fn command(&self) -> Command {
        self.home.podman()
    }

    /// Runs a `podman` command on it, and returns what it wrote.
    ///
    /// # Errors
    /// Podman's own words.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        run(self.command().args(arguments))
    }

    /// Removes every container and ends the service; leaves no mount and no bridge.
    pub(super) fn stop(&self) -> Result<()> {
        process::stop(&self.pid_file, &self.folder, Duration::from_secs(5))?;
        let removed = if self.home.containers_conf.exists() {
            run(self.command().args(["rm", "--all", "--force", "--time", "0"])).map(|_| ())
        } else {
            Ok(())
        };
        // Whatever Podman could not put away (it was killed, its database is damaged) goes by plainer means.
        process::kill_all(&["conmon", "podman"], &self.folder)?;
        mounts::unmount_below(&self.folder)?;
        if Path::new("/sys/class/net").join(&self.bridge).exists() {
            let _ = succeeds(Command::new("ip").args(["link", "delete", &self.bridge]));
        }
        removed
    }
}
