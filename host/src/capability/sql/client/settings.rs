//! What `[connection.NAME]` of kind `postgresql` says; `postgresql.toml` says what each setting means.

use std::{
    path::{Path, PathBuf},
    sync::LazyLock,
};

use serde::Deserialize;
use serde_json::Value;

use crate::{
    capability::connection::{ConnectionKind, schema},
    model::{ConnectionSettings, Failure, WriteMode},
};

/// The settings as they are written.
#[derive(Debug, Deserialize)]
pub struct Written {
    socket: Option<PathBuf>,
    port: u16,
    login_as: Option<String>,
    role: Option<String>,
    url: Option<String>,
    sslmode: Option<SslMode>,
    ca: Option<PathBuf>,
    password_file: Option<PathBuf>,
    maintenance_database: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SslMode {
    VerifyFull,
    Disable,
}

impl ConnectionKind for Written {
    const NAME: &'static str = "postgresql";

    fn schema() -> &'static Value {
        static SCHEMA: LazyLock<Value> = LazyLock::new(|| schema(include_str!("postgresql.toml")));
        &SCHEMA
    }

    fn check(connection: &ConnectionSettings) -> Result<(), Failure> {
        Settings::read(connection).map(drop)
    }
}

/// The settings, looked through.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of the connection.
    pub name: String,
    /// Where the server is.
    pub server: Server,
    /// Role that stackrun logs in as.
    pub role: String,
    /// Where the password is read from.
    pub password_file: Option<PathBuf>,
    /// Database for statements that are about no database.
    pub maintenance_database: String,
    /// TCP port, for whoever comes over the network.
    pub port: u16,
    /// Whether TLS is spoken over TCP.
    pub tls: Tls,
    /// How others reach the machine of the server; none is this machine.
    pub address: Option<String>,
    /// Whether pg_hba.conf is written or its lines are printed.
    pub write: WriteMode,
}

/// Where a server is.
#[derive(Clone, Debug)]
pub enum Server {
    /// A unix socket, and whose identity to take on while connecting.
    Socket {
        /// The socket itself.
        path: PathBuf,
        /// A user of this system.
        login_as: Option<String>,
    },
    /// A machine.
    Tcp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
}

/// Whether TLS is spoken over TCP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// No: the server is on this machine.
    Off,
    /// Yes, and the certificate is verified in full.
    Verified {
        /// File of the authorities that may have signed it; none is the system's roots.
        ca: Option<PathBuf>,
    },
}

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// Which setting is wrong, and why.
    pub fn read(connection: &ConnectionSettings) -> Result<Self, Failure> {
        let written = Written::read(connection)?;
        let wrong = |what: String| Failure::Other(format!("[connection.{}] of the host file {what}", connection.name));
        let role = written.role.clone().or_else(|| written.login_as.clone());
        let settings = Settings {
            name: connection.name.clone(),
            server: Server::Socket { path: PathBuf::new(), login_as: written.login_as.clone() },
            role: String::new(),
            password_file: written.password_file.clone(),
            maintenance_database: written.maintenance_database.clone(),
            port: written.port,
            tls: Tls::Off,
            address: connection.address.clone(),
            write: connection.write,
        };
        let read = match (&written.url, &written.socket) {
            (Some(url), None) => settings.by_url(&written, url, role),
            (None, Some(_)) if written.sslmode.is_some() || written.ca.is_some() => {
                Err("has `sslmode` or `ca` beside a socket: they belong to a `url`".to_owned())
            }
            (None, Some(socket)) => settings.by_socket(socket, role),
            (Some(_), Some(_)) | (None, None) => Err("needs one of `socket` and `url`, and not both".to_owned()),
        };
        read.map_err(wrong)
    }

    fn by_socket(mut self, socket: &Path, role: Option<String>) -> Result<Self, String> {
        if !socket.is_absolute() {
            return Err("has a `socket` that is no absolute path".to_owned());
        }
        let is_socket_itself = socket.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".s.PGSQL."));
        self.role = role.ok_or("has neither `login_as` (a user of this system, for peer authentication) nor `role`")?;
        if let Server::Socket { path, .. } = &mut self.server {
            *path = match is_socket_itself {
                true => socket.to_owned(),
                false => socket.join(format!(".s.PGSQL.{}", self.port)),
            };
        }
        Ok(self)
    }

    fn by_url(mut self, written: &Written, url: &str, role: Option<String>) -> Result<Self, String> {
        let parsed = url::Url::parse(url).map_err(|error| format!("has a `url` that is none: {error}"))?;
        if !matches!(parsed.scheme(), "postgresql" | "postgres") {
            return Err("has a `url` that does not start with postgresql://".to_owned());
        }
        if parsed.password().is_some() {
            return Err("has a password in its `url`: put it into a file, and name that in `password_file`".to_owned());
        }
        if parsed.query().is_some() {
            return Err("has parameters in its `url`; only ROLE, HOST, PORT and DATABASE are read, and `sslmode` and \
                        `ca` are settings of their own"
                .to_owned());
        }
        let host = parsed.host_str().ok_or("has a `url` without a host")?.trim_matches(['[', ']']).to_owned();
        let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        self.role = match parsed.username() {
            "" => role.ok_or("has a `url` without a role: postgresql://ROLE@HOST")?,
            role => decoded(role),
        };
        self.port = parsed.port().unwrap_or(self.port);
        self.tls = written.tls(&host)?;
        self.address.get_or_insert_with(|| host.clone());
        self.server = Server::Tcp { host, port: self.port };
        if let Some(database) = parsed.path().strip_prefix('/').filter(|database| !database.is_empty()) {
            self.maintenance_database = decoded(database);
        }
        Ok(self)
    }

    /// Where the server is, for messages.
    pub fn place(&self) -> String {
        match &self.server {
            Server::Socket { path, .. } => path.display().to_string(),
            Server::Tcp { host, port } => format!("{host}:{port}"),
        }
    }

    /// The address of the server's machine, when that is another one.
    pub fn elsewhere(&self) -> Option<&str> {
        self.address.as_deref().filter(|address| !is_loopback(address))
    }

    /// Where a program on this machine reaches the server over TCP.
    pub fn tcp_from_here(&self) -> (String, u16) {
        match &self.server {
            Server::Tcp { host, port } => (host.clone(), *port),
            Server::Socket { .. } => (self.address.clone().unwrap_or_else(|| "127.0.0.1".to_owned()), self.port),
        }
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

impl Written {
    /// TLS for every host that does not say of itself that it is this machine.
    fn tls(&self, host: &str) -> Result<Tls, String> {
        let ca = self.ca.clone();
        match self.sslmode {
            Some(SslMode::VerifyFull) => Ok(Tls::Verified { ca }),
            None if !is_loopback(host) => Ok(Tls::Verified { ca }),
            Some(SslMode::Disable) | None if ca.is_some() => {
                Err("has a `ca` and no TLS that it could be for: give it `sslmode = \"verify-full\"`".to_owned())
            }
            Some(SslMode::Disable) | None => Ok(Tls::Off),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::value::Tree;

    fn read(entries: &[(&str, &str)]) -> Result<Settings, String> {
        let entries = entries.iter().map(|(key, value)| ((*key).to_owned(), Tree::literal(*value))).collect();
        Settings::read(&ConnectionSettings {
            name: "main".into(),
            kind: "postgresql".into(),
            address: None,
            write: WriteMode::Files,
            verbs: BTreeMap::new(),
            settings: Tree::Table(entries),
        })
        .map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_socket_is_a_directory_or_the_socket_itself() {
        let settings = read(&[("login_as", "postgres")]).unwrap();
        assert_eq!((settings.place().as_str(), settings.role.as_str()), ("/run/postgresql/.s.PGSQL.5432", "postgres"));
        let settings = read(&[("socket", "/srv/pg/.s.PGSQL.5544"), ("role", "admin")]).unwrap();
        assert_eq!(settings.place(), "/srv/pg/.s.PGSQL.5544");
        assert_eq!(settings.tcp_from_here(), ("127.0.0.1".to_owned(), 5432));
    }

    #[test]
    fn a_url_says_role_host_port_and_database() {
        let settings = read(&[("url", "postgresql://ad%40min@db.example:5433/main%20one")]).unwrap();
        assert_eq!(settings.role, "ad@min");
        assert_eq!(settings.maintenance_database, "main one");
        assert_eq!(settings.tcp_from_here(), ("db.example".to_owned(), 5433));
        assert_eq!(settings.address.as_deref(), Some("db.example"));
    }

    #[test]
    fn every_machine_but_this_one_gets_tls() {
        let tls = |entries: &[(&str, &str)]| read(entries).map(|settings| settings.tls);
        let verified = |ca: Option<&str>| Ok(Tls::Verified { ca: ca.map(PathBuf::from) });
        assert_eq!(tls(&[("url", "postgresql://a@db.example")]), verified(None));
        assert_eq!(tls(&[("url", "postgresql://a@db.example"), ("ca", "/ca.pem")]), verified(Some("/ca.pem")));
        assert_eq!(tls(&[("url", "postgresql://a@10.0.0.7"), ("sslmode", "verify-full")]), verified(None));
        for here in ["localhost", "127.0.0.1", "127.9.9.9", "[::1]"] {
            assert_eq!(tls(&[("url", &format!("postgresql://a@{here}"))]), Ok(Tls::Off), "{here}");
        }
        assert_eq!(tls(&[("url", "postgresql://a@localhost"), ("sslmode", "verify-full")]), verified(None));
        assert_eq!(
            tls(&[("url", "postgresql://a@10.0.0.7"), ("sslmode", "disable")]),
            Ok(Tls::Off),
            "held against the peer"
        );
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (entries, says) in [
            (&[("url", "postgresql://a:secret@h")][..], "password in its `url`"),
            (&[("url", "mysql://a@h")], "does not start with postgresql://"),
            (&[("url", "postgresql://h")], "without a role"),
            (&[("url", "postgresql://a@h?sslmode=require")], "parameters"),
            (&[("url", "postgresql://a@h"), ("socket", "/x")], "both"),
            (&[("url", "postgresql://a@h"), ("sslmode", "require")], "expected `verify-full` or `disable`"),
            (&[("url", "postgresql://a@localhost"), ("ca", "/ca.pem")], "no TLS"),
            (&[("role", "a"), ("sslmode", "verify-full")], "beside a socket"),
            (&[("socket", "run"), ("role", "a")], "absolute"),
            (&[("socket", "/run")], "login_as"),
            (&[("port", "5432"), ("role", "a")], "expected u16"),
        ] {
            let error = read(entries).unwrap_err();
            assert!(error.contains(says) && error.contains("[connection.main]"), "{error}");
            assert!(!error.contains("secret"));
        }
    }
}
