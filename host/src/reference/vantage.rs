//! From where things are reached. An output names a connection; what address that is depends on who reads it.
//!
//! | who reads | of a connection | sees |
//! |---|---|---|
//! | a container | on this machine | `host_name` of its engine's connection |
//! | a container | elsewhere | that connection's `address` |
//! | a container with `network = "host"` | on this machine | `localhost` |
//! | anything else here | with an `address` | that |
//! | anything else here | without one | `localhost` |
//! | what is behind a connection on another machine | with an `address` | that |
//! | the same | without one | an error: it can't be reached from there |

use crate::{
    capability::containers::name_of_this_machine,
    model::{ConnectionSettings, HostFile, value::Tree},
};

/// The kind of connection that containers run behind.
const ENGINE: &str = "docker-api";

/// Where a consumer stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Vantage {
    /// In a container with a network of its own; what this machine is called in there.
    Container(String),
    /// On this machine.
    Here,
    /// On another machine: the connection that says so, and its address.
    Elsewhere(String, String),
}

/// Why there is no address.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreachable {
    /// The host file has no such connection.
    Unknown,
    /// The consumer stands elsewhere, at the named connection, and the wanted one has no address.
    NoAddress {
        /// The consumer's connection.
        from: String,
        /// Where that is.
        at: String,
    },
}

impl Vantage {
    /// From the connections that a consumer uses, and its section.
    pub(super) fn of(connections: &[&ConnectionSettings], section: &Tree) -> Self {
        if let Some(engine) = connections.iter().find(|connection| connection.kind == ENGINE) {
            return match section.get("network").and_then(Tree::as_str) {
                Some("host") => Vantage::Here,
                _ => Vantage::Container(name_of_this_machine(engine)),
            };
        }
        let elsewhere = connections.iter().find_map(|connection| Some((connection, remote(connection)?)));
        match elsewhere {
            Some((connection, address)) => Vantage::Elsewhere(connection.name.clone(), address.to_owned()),
            None => Vantage::Here,
        }
    }

    /// The address of a connection, from here.
    pub(super) fn address(&self, name: &str, host_file: &HostFile) -> Result<String, Unreachable> {
        let connection = host_file.connections.get(name).ok_or(Unreachable::Unknown)?;
        match (self, remote(connection)) {
            (Vantage::Elsewhere(_, at), Some(address)) if at == address => Ok("localhost".to_owned()),
            (_, Some(address)) => Ok(address.to_owned()),
            (Vantage::Container(host_name), None) => Ok(host_name.clone()),
            (Vantage::Here, None) => Ok("localhost".to_owned()),
            (Vantage::Elsewhere(from, at), None) => Err(Unreachable::NoAddress { from: from.clone(), at: at.clone() }),
        }
    }
}

/// The address of a connection that others reach under a name of its own.
fn remote(connection: &ConnectionSettings) -> Option<&str> {
    connection.address.as_deref().filter(|address| !matches!(*address, "localhost" | "127.0.0.1" | "::1" | "[::1]"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::WriteMode;

    fn connection(name: &str, kind: &str, address: Option<&str>, settings: &[(&str, &str)]) -> ConnectionSettings {
        let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), Tree::literal(*value))).collect();
        ConnectionSettings {
            name: name.to_owned(),
            kind: kind.to_owned(),
            address: address.map(str::to_owned),
            write: WriteMode::Files,
            verbs: BTreeMap::new(),
            settings: Tree::Table(settings),
        }
    }

    fn host_file(connections: Vec<ConnectionSettings>) -> HostFile {
        let connections = connections.into_iter().map(|one| (one.name.clone(), one)).collect();
        HostFile { connections, ..HostFile::empty(std::path::Path::new("stackrun.toml")) }
    }

    fn seen(from: &ConnectionSettings, section: Tree, of: ConnectionSettings) -> Result<String, Unreachable> {
        let name = of.name.clone();
        Vantage::of(&[from], &section).address(&name, &host_file(vec![of, from.clone()]))
    }

    fn empty() -> Tree {
        Tree::Table(Vec::new())
    }

    #[test]
    fn a_container_reaches_this_machine_by_the_engines_name_for_it() {
        let podman = connection("podman", "docker-api", None, &[("socket", "/run/podman/podman.sock")]);
        let docker = connection("docker", "docker-api", None, &[("socket", "/var/run/docker.sock")]);
        let named =
            connection("podman", "docker-api", None, &[("socket", "/run/podman/podman.sock"), ("host_name", "lab")]);
        let postgres = |address| connection("pg", "postgresql", address, &[]);
        assert_eq!(seen(&podman, empty(), postgres(None)), Ok("host.containers.internal".to_owned()));
        assert_eq!(seen(&podman, empty(), postgres(Some("localhost"))), Ok("host.containers.internal".to_owned()));
        assert_eq!(seen(&docker, empty(), postgres(None)), Ok("host.docker.internal".to_owned()));
        assert_eq!(seen(&named, empty(), postgres(None)), Ok("lab".to_owned()));
        assert_eq!(seen(&podman, empty(), postgres(Some("db.lan"))), Ok("db.lan".to_owned()));
    }

    #[test]
    fn a_container_in_the_hosts_network_is_on_this_machine() {
        let podman = connection("podman", "docker-api", None, &[]);
        let section = Tree::Table(vec![("network".to_owned(), Tree::literal("host"))]);
        assert_eq!(seen(&podman, section, connection("pg", "postgresql", None, &[])), Ok("localhost".to_owned()));
    }

    #[test]
    fn a_service_here_reaches_a_container_by_the_engines_address_or_localhost() {
        let caddy = connection("caddy", "caddy", None, &[]);
        let engine = |address| connection("podman", "docker-api", address, &[]);
        assert_eq!(seen(&caddy, empty(), engine(None)), Ok("localhost".to_owned()));
        assert_eq!(seen(&caddy, empty(), engine(Some("storage"))), Ok("storage".to_owned()));
    }

    #[test]
    fn a_service_elsewhere_needs_an_address() {
        let caddy = connection("caddy", "caddy", Some("edge"), &[]);
        let engine = |address| connection("podman", "docker-api", address, &[]);
        assert_eq!(seen(&caddy, empty(), engine(Some("storage"))), Ok("storage".to_owned()));
        let none = Unreachable::NoAddress { from: "caddy".to_owned(), at: "edge".to_owned() };
        assert_eq!(seen(&caddy, empty(), engine(None)), Err(none));
        assert_eq!(seen(&caddy, empty(), engine(Some("edge"))), Ok("localhost".to_owned()));
    }
}
