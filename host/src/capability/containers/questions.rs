//! Questions to container engines.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    DefinedContainer,
    client::{Engine, ImageFacts, Inspect, Seen},
    listeners,
};
use crate::{
    hex::hex,
    model::{
        Failure, Permit, Presence,
        desired::Definition,
        value::{Address, Part, Text},
    },
    world::{World, state::PlaceRecord},
};

/// The stack that a container belongs to.
pub(crate) const STACK_LABEL: &str = "stackrun.stack";
/// The instance that it belongs to, `kind.name`.
pub(crate) const INSTANCE_LABEL: &str = "stackrun.instance";

/// A container to compare.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct ContainerQuestion {
    pub connection: String,
    pub wanted: Definition,
}

/// Anything asked of an engine as a whole: images, ports, what it is, which containers are this instance's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct EngineQuestion {
    pub connection: String,
}

/// See `containers.run-state` in the WIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum RunState {
    Running,
    Restarting,
    Stopped,
    Absent,
}

/// See `containers.ownership` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Ownership {
    Ours,
    Other(String),
    Foreign,
}

/// See `containers.comparison` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ContainerComparison {
    pub state: RunState,
    pub owner: Ownership,
    pub differs: Vec<String>,
}

/// See `containers.holder` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum PortHolder {
    Free,
    Container(String),
    Other(String),
}

/// See `containers.engine` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct EngineFacts {
    pub flavour: String,
    pub version: String,
    pub rootless: bool,
}

impl World {
    /// How a container stands to what is wanted.
    pub async fn container_compare(&self, permit: &Permit<DefinedContainer>) -> Result<ContainerComparison, Failure> {
        let DefinedContainer { connection, wanted, stack, instance, .. } = permit.subject();
        let engine = self.connections.engine(connection)?;
        let name = wanted.lasting_name();
        let question = format!("container {connection} {name} compared with {}", short_digest(wanted)?);
        let compared = self.memo.once(question, async {
            // The list is not looked at here: whoever compares a container asks for it next.
            let ask = self.servers();
            let (seen, image, _) = tokio::join!(
                ask.container(connection, name),
                ask.image(connection, wanted.image_reference()),
                ask.containers(connection)
            );
            let seen = seen?;
            let Some(seen) = seen.as_ref() else {
                return Ok(ContainerComparison {
                    state: RunState::Absent,
                    owner: Ownership::Foreign,
                    differs: Vec::new(),
                });
            };
            Ok(ContainerComparison {
                state: run_state(seen),
                owner: owner(seen, stack, instance),
                differs: self.differences(&engine, wanted, seen, (*image?).as_ref()).await?,
            })
        });
        compared.await
    }

    /// In which fields a container that was just inspected is another one than what is wanted.
    pub(crate) async fn container_differs(
        &self,
        permit: &Permit<DefinedContainer>,
        container: &Inspect,
    ) -> Result<Vec<String>, Failure> {
        let DefinedContainer { connection, wanted, .. } = permit.subject();
        let engine = self.connections.engine(connection)?;
        let image = engine.image(wanted.image_reference()).await?;
        self.differences(&engine, wanted, container, image.as_ref()).await
    }

    async fn differences(
        &self,
        engine: &Engine,
        wanted: &Definition,
        container: &Inspect,
        image: Option<&ImageFacts>,
    ) -> Result<Vec<String>, Failure> {
        let seen = self.container_seen(engine, wanted, container, image).await?;
        let want = Seen::wanted(wanted, image, engine);
        let mut differs = seen.differs_from(&want);
        differs.extend(self.env_differs(engine.name(), wanted, &seen.env, want.env)?);
        Ok(differs)
    }

    /// A container in the terms of what is wanted.
    pub(crate) async fn container_seen(
        &self,
        engine: &Engine,
        wanted: &Definition,
        container: &Inspect,
        image: Option<&ImageFacts>,
    ) -> Result<Seen, Failure> {
        let mut networks = container.network_settings.networks.keys();
        let unnamed = match (&wanted.network, networks.next(), networks.next()) {
            (None, Some(network), None) => {
                self.on_default_network(engine, wanted.lasting_name(), container, network).await?
            }
            (None, None, None) => matches!(container.host_config.network_mode.as_str(), "bridge" | "default"),
            _ => false,
        };
        Ok(Seen::of(container, image, unnamed))
    }

    /// Whether a container was given the network that containers get when they name none. What it was created with does
    /// not change, so the engine is asked once in its life.
    async fn on_default_network(
        &self,
        engine: &Engine,
        name: &str,
        container: &Inspect,
        network: &str,
    ) -> Result<bool, Failure> {
        let failed = |error| Failure::Other(format!("{error:#}"));
        let place = format!("container {} {name} network", engine.name());
        let record = PlaceRecord { want: container.id.clone(), written: network.to_owned() };
        if self.state.place(&place).map_err(failed)?.as_ref() == Some(&record) {
            return Ok(true);
        }
        let is_default = engine.is_default_network(network).await?;
        if is_default {
            self.state.set_place(&place, Some(&record)).map_err(failed)?;
        }
        Ok(is_default)
    }

    /// Variables whose value is another, or that are there and not wanted, or the other way round, as `env.NAME`.
    fn env_differs(
        &self,
        connection: &str,
        wanted: &Definition,
        seen: &BTreeMap<String, String>,
        mut brought: BTreeMap<String, String>,
    ) -> Result<Vec<String>, Failure> {
        let mut differs = Vec::new();
        for (key, value) in &wanted.env {
            brought.remove(key);
            let same = match (seen.get(key), value.as_literal()) {
                (None, _) => false,
                (Some(seen), Some(literal)) => seen == literal,
                (Some(seen), None) => {
                    self.env_holds(&env_place(connection, wanted.lasting_name(), key), value, seen)?
                }
            };
            if !same {
                differs.push(format!("env.{key}"));
            }
        }
        let given = |key: &String| wanted.env.iter().any(|(wanted, _)| wanted == key);
        let others = seen.iter().filter(|(key, _)| !given(key));
        differs.extend(
            others.filter(|(key, value)| brought.get(*key) != Some(value)).map(|(key, _)| format!("env.{key}")),
        );
        differs.extend(brought.keys().filter(|key| !seen.contains_key(*key)).map(|key| format!("env.{key}")));
        Ok(differs)
    }

    /// Whether a value that may hold secrets is what a text comes to. Decrypts nothing while both are what they were
    /// when the value was written.
    pub(crate) fn env_holds(&self, place: &str, text: &Text, seen: &str) -> Result<bool, Failure> {
        let Some(record) = self.place_record(text, seen.as_bytes())? else { return Ok(false) };
        let remembered = self.state.place(place).map_err(|error| Failure::Other(format!("{error:#}")))?;
        if remembered.as_ref() == Some(&record) {
            return Ok(true);
        }
        Ok(self.vault.fill(text)?.as_str() == seen)
    }

    /// What state keeps of a value that was written; none while a secret of it does not exist.
    pub(crate) fn place_record(&self, text: &Text, written: &[u8]) -> Result<Option<PlaceRecord>, Failure> {
        let mut want = Vec::new();
        for part in text.parts() {
            want.push(match part {
                Part::Reference(target) => match self.vault.presence(target)? {
                    Presence::Present(fingerprint) => format!("{target} {fingerprint}"),
                    Presence::Absent => return Ok(None),
                    Presence::Lost(why) => return Err(Failure::Other(why)),
                },
                Part::Literal(literal) => literal.clone(),
                Part::Address(connection) => connection.clone(),
            });
        }
        let want = serde_json::to_vec(&want).map_err(|error| Failure::Other(error.to_string()))?;
        let digest = |bytes: &[u8]| self.vault.digest(bytes).map_err(|error| Failure::Other(format!("{error:#}")));
        Ok(Some(PlaceRecord { want: digest(&want)?, written: digest(written)? }))
    }

    /// Names of the containers with the label of the gate's stack and instance (`stack/kind.name`).
    pub async fn containers_ours(&self, permit: &Permit<EngineQuestion>, label: &str) -> Result<Vec<String>, Failure> {
        let connection = &permit.subject().connection;
        let named = self.memo.once(format!("containers {connection} of {label}"), async {
            let list = self.servers().containers(connection).await?;
            let ours = list.iter().filter(|container| {
                let label_of = |key: &str| container.labels.get(key).map(String::as_str).unwrap_or_default();
                format!("{}/{}", label_of(STACK_LABEL), label_of(INSTANCE_LABEL)) == label
            });
            let mut names: Vec<String> = ours.map(|container| container.name().to_owned()).collect();
            names.sort();
            Ok(names)
        });
        named.await
    }

    /// The digest of an image, if it is there.
    pub async fn image_digest(
        &self,
        permit: &Permit<EngineQuestion>,
        reference: &str,
    ) -> Result<Option<String>, Failure> {
        let connection = &permit.subject().connection;
        let digest = self.memo.once(format!("image {connection} {reference}"), async {
            let image = self.servers().image(connection, reference).await?;
            let id = image.as_ref().as_ref().map(|image| image.id.as_str());
            Ok(id.map(|id| if id.contains(':') { id.to_owned() } else { format!("sha256:{id}") }))
        });
        digest.await
    }

    /// Who holds a port of the machine at the address that containers publish on.
    pub async fn port_holder(&self, permit: &Permit<EngineQuestion>, port: u16) -> Result<PortHolder, Failure> {
        let connection = &permit.subject().connection;
        let engine = self.connections.engine(connection)?;
        let holder = self.memo.once(format!("port {connection} {port}"), async {
            let here = engine.publish();
            for container in self.servers().containers(connection).await?.iter() {
                let runs = matches!(container.state.as_str(), "running" | "restarting" | "paused" | "stopping");
                let holds = container.ports.iter().any(|published| {
                    let address = published.address.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
                    published.public_port == port && published.protocol != "udp" && overlap(address, here)
                });
                if runs && holds {
                    return Ok(PortHolder::Container(container.name().to_owned()));
                }
            }
            let listener = tokio::task::spawn_blocking(move || listeners::on(port, |address| overlap(address, here)));
            let listener = listener.await.map_err(|error| Failure::Other(error.to_string()))?;
            Ok(listener.map_or(PortHolder::Free, PortHolder::Other))
        });
        holder.await
    }

    /// What the engine is.
    pub async fn engine_facts(&self, permit: &Permit<EngineQuestion>) -> Result<EngineFacts, Failure> {
        Ok(self.connections.engine(&permit.subject().connection)?.facts().await?.clone())
    }

    /// Where this machine reaches a port of a container, for an HTTP request that the gate let pass or a condition:
    /// the publish address (127.0.0.1 for 0.0.0.0) and the host port. A container that is not there or does not
    /// publish the port is [`Failure::Unreachable`], in words for a person.
    pub(crate) async fn published_port(
        &self,
        connection: &str,
        name: &str,
        container_port: u16,
    ) -> Result<SocketAddr, Failure> {
        let container = self.connections.engine(connection)?.inspect(name).await?;
        let container = container.ok_or_else(|| Failure::Unreachable(format!("there is no container `{name}`")))?;
        container.published(container_port).ok_or_else(|| {
            Failure::Unreachable(format!("container `{name}` does not publish its port {container_port}"))
        })
    }
}

/// Where state keeps what a variable with a secret was set to.
pub(crate) fn env_place(connection: &str, container: &str, key: &str) -> String {
    format!("container {connection} {container} env {key}")
}

/// Whose a container is.
pub(crate) fn owner(container: &Inspect, stack: &str, instance: &Address) -> Ownership {
    let labels = &container.config.labels;
    match (labels.get(STACK_LABEL), labels.get(INSTANCE_LABEL)) {
        (Some(of), Some(by)) if of == stack && *by == instance.to_string() => Ownership::Ours,
        (Some(of), Some(by)) => Ownership::Other(format!("{of}/{by}")),
        _ => Ownership::Foreign,
    }
}

fn run_state(container: &Inspect) -> RunState {
    let state = &container.state;
    if state.restarting || state.is_between_starts() {
        RunState::Restarting
    } else if state.running {
        RunState::Running
    } else {
        RunState::Stopped
    }
}

/// Whether who listens on one address keeps another from listening on the other.
fn overlap(one: IpAddr, other: IpAddr) -> bool {
    let everywhere =
        |address: IpAddr| matches!(address, IpAddr::V4(Ipv4Addr::UNSPECIFIED) | IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    one == other || everywhere(one) || everywhere(other)
}

fn short_digest(wanted: &Definition) -> Result<String, Failure> {
    let json = serde_json::to_vec(wanted).map_err(|error| Failure::Other(error.to_string()))?;
    Ok(hex(&Sha256::digest(json)[..8]))
}
