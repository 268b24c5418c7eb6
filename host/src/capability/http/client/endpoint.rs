//! Where a request really goes: which server, by which way, trusted by which CA.
//!
//! | connection | origin | way |
//! |---|---|---|
//! | `caddy` | `admin`: `unix:/run/caddy/admin.sock`, `http://127.0.0.1:2019` (the default) | as written |
//! | with `issuer` | scheme, host and port of `issuer` | `address` (`host:port`) where given, else by name |
//! | any other | `origin`, else `address`, as `https://host:port`, `http://host:port` or `unix:/path` | as written |
//!
//! A site behind a gateway is reached at the gateway's own address and `https_port`, whatever its name resolves to: the
//! name stands in SNI and Host.

use std::path::PathBuf;

use url::Url;

use super::{Caddy, Web};
use crate::{
    capability::connection::ConnectionKind,
    model::{ConnectionSettings, Failure},
};

/// A server as a request finds it. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// The connection's name, for messages that say what to change in the host file; none for a container.
    pub connection: Option<String>,
    /// Scheme, host and port as the server knows itself: `https://auth.example.org`. No path, no slash at the end.
    pub origin: String,
    /// How to get there.
    pub route: Route,
    /// PEM file with the CAs that are trusted, and no others; none is the system's roots.
    pub ca: Option<PathBuf>,
}

/// How to get to a server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    /// Where the origin's name and port lead.
    Name,
    /// To this host and port, whatever the origin's name resolves to.
    Address(String, u16),
    /// Through a socket of this machine.
    Unix(PathBuf),
}

impl Endpoint {
    /// The server that requests to a connection go to.
    pub fn of_connection(connection: &ConnectionSettings) -> Result<Self, Failure> {
        let web = Web::read(connection)?;
        if connection.kind == Caddy::NAME {
            return Self::written(connection, "admin", &Caddy::read(connection)?.admin, web.ca);
        }
        if let Some(issuer) = web.issuer {
            let mut endpoint = Self::written(connection, "issuer", &issuer, web.ca)?;
            if let Some(address) = &connection.address {
                let default_port = port_of(&endpoint.origin).unwrap_or(443);
                let (host, port) =
                    split_address(address, default_port).ok_or_else(|| wrong(connection, "address", address))?;
                endpoint.route = Route::Address(host, port);
            }
            return Ok(endpoint);
        }
        match (web.origin, &connection.address) {
            (Some(origin), _) => Self::written(connection, "origin", &origin, web.ca),
            (None, Some(address)) => Self::written(connection, "address", address, web.ca),
            (None, None) => Err(Failure::Other(format!(
                "[connection.{}] says nowhere where HTTP requests go: give it an `origin`, for example \
                 \"https://name.example.org\" or \"unix:/run/name.sock\"",
                connection.name
            ))),
        }
    }

    /// A site behind a gateway. `port` is the one that an URL of the site names; none is the gateway's `https_port`.
    pub fn of_site(gateway: &ConnectionSettings, host: &str, port: Option<u16>) -> Result<Self, Failure> {
        let web = Web::read(gateway)?;
        let https_port = web.https_port.unwrap_or(443);
        let asked = port.unwrap_or(https_port);
        let address = gateway.address.as_deref().unwrap_or("127.0.0.1");
        let (machine, given) = split_address(address, https_port).ok_or_else(|| wrong(gateway, "address", address))?;
        // A site is behind its gateway, and whatever else listens on that machine is none.
        if ![https_port, given, 443].contains(&asked) {
            return Err(Failure::Other(format!(
                "https://{host}:{asked} is not a site of connection {}, which serves its sites on port {https_port}",
                gateway.name
            )));
        }
        let origin = origin_of("https", host, asked)
            .ok_or_else(|| Failure::Other(format!("`{host}` is no host name of a site")))?;
        Ok(Self { connection: Some(gateway.name.clone()), origin, route: Route::Address(machine, given), ca: web.ca })
    }

    /// A port of a container as this machine reaches it.
    pub fn of_container(published: std::net::SocketAddr) -> Self {
        Self { connection: None, origin: format!("http://{published}"), route: Route::Name, ca: None }
    }

    /// An origin as it stands in a setting.
    fn written(connection: &ConnectionSettings, key: &str, value: &str, ca: Option<PathBuf>) -> Result<Self, Failure> {
        let (origin, route) = if let Some(path) = value.strip_prefix("unix:") {
            ("http://localhost".to_owned(), Route::Unix(PathBuf::from(path.strip_prefix("//").unwrap_or(path))))
        } else {
            let with_scheme = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
            let url = Url::parse(&with_scheme).map_err(|_| wrong(connection, key, value))?;
            if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
                return Err(wrong(connection, key, value));
            }
            (url.origin().ascii_serialization(), Route::Name)
        };
        Ok(Self { connection: Some(connection.name.clone()), origin, route, ca })
    }

    /// What stands in the Host header: `auth.example.org`, `localhost:8443`.
    pub fn authority(&self) -> &str {
        self.origin.split_once("://").map_or(self.origin.as_str(), |(_, authority)| authority)
    }

    /// The name that a certificate has to be for.
    pub fn host(&self) -> &str {
        let authority = self.authority();
        match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        }
    }

    /// The server, for messages: `https://auth.example.org at 10.0.0.2:443 (connection idp)`.
    pub fn called(&self) -> String {
        let way = match &self.route {
            Route::Name => String::new(),
            Route::Address(host, port) => format!(" at {host}:{port}"),
            Route::Unix(path) => format!(" at {}", path.display()),
        };
        match &self.connection {
            Some(connection) => format!("{}{way} (connection {connection})", self.origin),
            None => format!("{}{way}", self.origin),
        }
    }
}

/// Scheme, host and port in the canonical form, the scheme's own port left out.
pub fn origin_of(scheme: &str, host: &str, port: u16) -> Option<String> {
    let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
    let url = Url::parse(&format!("{scheme}://{host}:{port}/")).ok()?;
    // A host that smuggles in a user or a path makes another URL of it.
    let plain = url.path() == "/" && url.username().is_empty() && url.query().is_none() && url.fragment().is_none();
    plain.then(|| url.origin().ascii_serialization())
}

fn port_of(origin: &str) -> Option<u16> {
    Url::parse(origin).ok()?.port_or_known_default()
}

/// `storage:16366`, `storage`, `10.0.0.2:443`, `[::1]:443`, `::1`.
fn split_address(address: &str, default_port: u16) -> Option<(String, u16)> {
    if let Ok(ip) = address.parse::<std::net::IpAddr>() {
        return Some((ip.to_string(), default_port));
    }
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (address, default_port),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let sound = !host.is_empty() && !host.contains(['/', '@', ' ']);
    sound.then(|| (host.to_owned(), port))
}

fn wrong(connection: &ConnectionSettings, key: &str, value: &str) -> Failure {
    Failure::Other(format!(
        "[connection.{}] {key} = `{value}`: expected https://HOST[:PORT], http://HOST:PORT or unix:/PATH \
         (for `address` of a connection with an issuer or sites: HOST[:PORT])",
        connection.name
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::{WriteMode, value::Tree};

    fn connection(kind: &str, address: Option<&str>, settings: &[(&str, &str)]) -> ConnectionSettings {
        let entries = settings.iter().map(|(key, value)| (key.to_string(), Tree::literal(*value)));
        ConnectionSettings {
            name: "it".to_owned(),
            kind: kind.to_owned(),
            address: address.map(str::to_owned),
            write: WriteMode::Files,
            verbs: BTreeMap::new(),
            settings: Tree::Table(entries.collect()),
        }
    }

    #[test]
    fn connections_lead_where_they_say() {
        let unix = Route::Unix("/run/caddy.sock".into());
        let elsewhere = |host: &str, port| Route::Address(host.to_owned(), port);
        let table = [
            (connection("caddy", None, &[]), "http://127.0.0.1:2019", Route::Name),
            (connection("caddy", Some("edge"), &[("admin", "localhost:2020")]), "http://localhost:2020", Route::Name),
            (connection("caddy", None, &[("admin", "unix:/run/caddy.sock")]), "http://localhost", unix.clone()),
            (connection("caddy", None, &[("admin", "unix:///run/caddy.sock")]), "http://localhost", unix),
            (
                connection("authelia", None, &[("issuer", "https://Auth.Example.org/base")]),
                "https://auth.example.org",
                Route::Name,
            ),
            (
                connection("authelia", Some("10.0.0.2"), &[("issuer", "https://a.org")]),
                "https://a.org",
                elsewhere("10.0.0.2", 443),
            ),
            (
                connection("x", Some("[::1]:8443"), &[("issuer", "https://a.org:9000")]),
                "https://a.org:9000",
                elsewhere("::1", 8443),
            ),
            (connection("dns", Some("https://dns.example.org"), &[]), "https://dns.example.org", Route::Name),
        ];
        for (settings, origin, route) in table {
            let endpoint = Endpoint::of_connection(&settings).unwrap();
            assert_eq!((endpoint.origin.as_str(), &endpoint.route), (origin, &route), "{settings:?}");
        }
    }

    #[test]
    fn a_site_is_asked_at_its_gateway_in_its_own_name() {
        let gateway = connection("caddy", Some("storage"), &[("ca", "/etc/ca.pem")]);
        let site = Endpoint::of_site(&gateway, "media.example.org", None).unwrap();
        assert_eq!(site.origin, "https://media.example.org");
        assert_eq!(site.route, Route::Address("storage".to_owned(), 443));
        assert_eq!(site.ca, Some("/etc/ca.pem".into()));
        let behind = connection("caddy", Some("storage:16366"), &[]);
        for (port, reached) in [(443, Some(16366)), (16366, Some(16366)), (22, None), (8443, None)] {
            let site = Endpoint::of_site(&behind, "media.example.org", Some(port));
            let route = site.ok().map(|site| site.route);
            assert_eq!(route, reached.map(|reached| Route::Address("storage".to_owned(), reached)), "{port}");
        }
    }

    #[test]
    fn a_host_name_smuggles_nothing_in() {
        for host in ["a.org/x", "a.org@b.org", "a.org?x", "a.org#x", "", "a.org:80"] {
            assert_eq!(origin_of("https", host, 443), None, "{host}");
        }
        assert_eq!(origin_of("https", "::1", 8443).as_deref(), Some("https://[::1]:8443"));
    }
}
