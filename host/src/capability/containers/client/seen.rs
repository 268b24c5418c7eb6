//! A container as it is, in the terms of a [`Definition`], and how the two differ.
//!
//! What an engine adds by itself is left out: variables such as `HOSTNAME`, labels and volumes of the image, and the
//! proxies that Podman hands on. Everything else that is there and not wanted is a difference, so that a container
//! made again by hand under our labels is found.

use std::collections::{BTreeMap, BTreeSet};

use super::{Engine, ImageFacts, Inspect, answers::PortBinding, body};
use crate::model::desired::Definition;

/// Variables that Podman hands on from its own environment.
const HANDED_ON: [&str; 4] = ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy"];

/// A container as it is. Environment may hold secrets, so this is never shown as a whole.
pub struct Seen {
    /// Variables with their values.
    pub(crate) env: BTreeMap<String, String>,
    /// Everything else: what it is called, with its value in one line each.
    pub(crate) fields: BTreeMap<&'static str, BTreeSet<String>>,
    /// Labels.
    pub(crate) labels: BTreeMap<String, String>,
}

impl Seen {
    /// Of a container that there is. `image` is what its image brings, when that is still there; with
    /// `unnamed_network` its network is the one that a container gets when it names none.
    pub(crate) fn of(container: &Inspect, image: Option<&ImageFacts>, unnamed_network: bool) -> Self {
        let (config, host) = (&container.config, &container.host_config);
        let networks: BTreeSet<String> = container.network_settings.networks.keys().cloned().collect();
        let network = match (unnamed_network, networks.is_empty()) {
            (true, _) => BTreeSet::new(),
            (false, true) => set([host.network_mode.clone()]),
            (false, false) => networks,
        };
        let foreign_volume = |target: &String| !image.is_some_and(|image| image.config.volumes.contains_key(target));
        let mounts = container.mounts.iter().filter_map(|mount| match mount.kind.as_str() {
            "bind" => Some(mount_line(&mount.source, &mount.destination, !mount.writable)),
            kind if foreign_volume(&mount.destination) => Some(format!("{kind} at {}", mount.destination)),
            _ => None,
        });
        let fields = BTreeMap::from([
            ("image", set([bare_digest(&container.image).to_owned()])),
            ("command", one_line(&config.cmd)),
            ("entrypoint", one_line(&config.entrypoint)),
            ("ports", host.port_bindings.iter().flat_map(|(port, at)| published(port, at.as_deref())).collect()),
            ("mounts", mounts.collect()),
            ("network", network),
            ("extra_hosts", host.extra_hosts.iter().cloned().collect()),
            (
                "restart",
                set([Some(host.restart_policy.name.as_str())
                    .filter(|name| !name.is_empty())
                    .unwrap_or("no")
                    .to_owned()]),
            ),
            ("user", some(&config.user)),
            ("read_only_root", if host.readonly_rootfs { set(["true".to_owned()]) } else { BTreeSet::new() }),
            ("cap_add", host.cap_add.iter().map(|name| capability(name)).collect()),
            ("cap_drop", host.cap_drop.iter().map(|name| capability(name)).collect()),
            ("memory", if host.memory > 0 { set([host.memory.to_string()]) } else { BTreeSet::new() }),
            ("rights", rights(container)),
        ]);
        let env = own_env(&config.env, &container.id).filter_map(split_env).collect();
        Self { env, fields, labels: config.labels.clone().into_iter().collect() }
    }

    /// What a container of this definition would look like; its environment is that of the image alone.
    pub(crate) fn wanted(definition: &Definition, image: Option<&ImageFacts>, engine: &Engine) -> Self {
        let brought = image.map(|image| &image.config);
        // Without a command of its own a changed entrypoint is called without the image's command.
        let command = match (&definition.command, &definition.entrypoint, brought) {
            (Some(command), ..) => one_line(command),
            (None, None, Some(brought)) => one_line(&brought.cmd),
            _ => BTreeSet::new(),
        };
        let entrypoint = match (&definition.entrypoint, brought) {
            (Some(entrypoint), _) => one_line(entrypoint),
            (None, Some(brought)) => one_line(&brought.entrypoint),
            (None, None) => BTreeSet::new(),
        };
        let address =
            |port: &crate::model::desired::Port| port.host_address.clone().unwrap_or(engine.publish().to_string());
        let ports = definition.ports.iter();
        let user = definition.user.as_deref().or(brought.map(|brought| brought.user.as_str())).unwrap_or_default();
        let fields = BTreeMap::from([
            ("image", image.map(|image| set([bare_digest(&image.id).to_owned()])).unwrap_or_default()),
            ("command", command),
            ("entrypoint", entrypoint),
            (
                "ports",
                ports.map(|port| port_line(&address(port), port.host, &format!("{}/tcp", port.container))).collect(),
            ),
            (
                "mounts",
                definition
                    .mounts
                    .iter()
                    .map(|mount| mount_line(&mount.source, &mount.target, mount.read_only))
                    .collect(),
            ),
            ("network", definition.network.iter().cloned().collect()),
            (
                "extra_hosts",
                definition.extra_hosts.iter().map(|host| format!("{}:{}", host.name, host.address)).collect(),
            ),
            ("restart", set([body::restart(definition.restart).to_owned()])),
            ("user", some(user)),
            ("read_only_root", if definition.read_only_root { set(["true".to_owned()]) } else { BTreeSet::new() }),
            ("cap_add", definition.add_capabilities.iter().map(|name| capability(name)).collect()),
            ("cap_drop", definition.drop_capabilities.iter().map(|name| capability(name)).collect()),
            ("memory", definition.memory.map(|bytes| set([bytes.to_string()])).unwrap_or_default()),
            ("rights", BTreeSet::new()),
        ]);
        let env =
            brought.map(|brought| brought.env.iter().cloned().filter_map(split_env).collect()).unwrap_or_default();
        Self { env, fields, labels: definition.labels.iter().cloned().collect() }
    }

    /// Names of the fields and labels in which a container differs from what is wanted; environment is compared
    /// elsewhere.
    pub(crate) fn differs_from(&self, wanted: &Seen) -> Vec<String> {
        let fields = wanted.fields.iter().filter(|(field, value)| self.fields.get(*field) != Some(value));
        let labels = wanted.labels.iter().filter(|(label, value)| self.labels.get(*label) != Some(value));
        fields.map(|(field, _)| (*field).to_owned()).chain(labels.map(|(label, _)| format!("labels.{label}"))).collect()
    }
}

/// The variables that were given, by the image or by whoever created the container, as `KEY=value`.
pub(crate) fn own_env<'a>(env: &'a [String], id: &'a str) -> impl Iterator<Item = String> + 'a {
    env.iter().filter(move |line| !is_engine_made(line, id)).cloned()
}

/// Whether the engine set this variable by itself. A `HOSTNAME` that somebody chose is theirs.
fn is_engine_made(line: &str, id: &str) -> bool {
    let Some((key, value)) = line.split_once('=') else { return false };
    match key {
        "HOSTNAME" => !value.is_empty() && id.starts_with(value),
        "TERM" => value == "xterm",
        "container" => matches!(value, "podman" | "docker" | "oci"),
        "HOME" => true,
        _ => HANDED_ON.contains(&key.to_ascii_lowercase().as_str()),
    }
}

fn split_env(line: String) -> Option<(String, String)> {
    line.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()))
}

/// Rights that no definition can ask for: somebody has made this container by hand.
fn rights(container: &Inspect) -> BTreeSet<String> {
    let host = &container.host_config;
    let list = [
        (host.privileged, "privileged"),
        (host.pid_mode == "host", "pid=host"),
        (host.ipc_mode == "host", "ipc=host"),
        (!host.devices.is_empty(), "devices"),
    ];
    list.into_iter().filter(|(has, _)| *has).map(|(_, name)| name.to_owned()).collect()
}

fn published(port: &str, at: Option<&[PortBinding]>) -> Vec<String> {
    let line = |at: &PortBinding| {
        let address = if at.host_ip.is_empty() { "0.0.0.0" } else { &at.host_ip };
        format!("{address}:{}->{port}", at.host_port)
    };
    at.unwrap_or_default().iter().map(line).collect()
}

fn port_line(address: &str, host: u16, container: &str) -> String {
    format!("{address}:{host}->{container}")
}

fn mount_line(source: &str, target: &str, read_only: bool) -> String {
    // The engines drop a slash at the end.
    let bare = |path: &str| Some(path.trim_end_matches('/')).filter(|path| !path.is_empty()).unwrap_or("/").to_owned();
    format!("{}:{}{}", bare(source), bare(target), if read_only { ":ro" } else { "" })
}

fn one_line(words: &[String]) -> BTreeSet<String> {
    if words.is_empty() { BTreeSet::new() } else { set([format!("{words:?}")]) }
}

fn bare_digest(digest: &str) -> &str {
    digest.strip_prefix("sha256:").unwrap_or(digest)
}

fn capability(name: &str) -> String {
    let upper = name.to_ascii_uppercase();
    upper.strip_prefix("CAP_").unwrap_or(&upper).to_owned()
}

fn some(text: &str) -> BTreeSet<String> {
    if text.is_empty() { BTreeSet::new() } else { set([text.to_owned()]) }
}

fn set<const N: usize>(values: [String; N]) -> BTreeSet<String> {
    BTreeSet::from(values)
}
