//! What `[connection.NAME]` of kind `postgresql` says.
//!
//! | setting | meaning |
//! |---|---|
//! | `socket` | directory of the socket, or the socket itself; `/run/postgresql` when there is no `url` either |
//! | `port` | 5432 unless said |
//! | `login_as` | user of the system whose identity is taken on while connecting: peer authentication asks for it |
//! | `role` | role to log in as; `login_as` unless said |
//! | `url` | `postgresql://ROLE@HOST[:PORT][/DATABASE]`, without a password |
//! | `sslmode` | of a `url`: `verify-full`, which is what every machine but this one gets anyway, or `disable`, for an address of this machine |
//! | `ca` | file of the authorities that may sign the server's certificate; the system's roots unless said |
//! | `password_file` | file whose content, less one last line break, is the password |
//! | `maintenance_database` | where statements about roles and databases are sent; `postgres` unless said |

use std::path::PathBuf;

use crate::model::{ConnectionSettings, WriteMode, value::Tree};

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

const DEFAULT_SOCKET: &str = "/run/postgresql";
const DEFAULT_PORT: u16 = 5432;

impl Settings {
    /// Reads them; an error says which setting is wrong, and why.
    pub fn read(connection: &ConnectionSettings) -> Result<Self, String> {
        let reader = Reader { name: &connection.name, settings: &connection.settings };
        let port = reader.port()?;
        let login_as = reader.string("login_as")?;
        let role = reader.string("role")?.or_else(|| login_as.clone());
        let mut settings = Settings {
            name: connection.name.clone(),
            server: Server::Socket { path: PathBuf::new(), login_as },
            role: String::new(),
            password_file: reader.string("password_file")?.map(PathBuf::from),
            maintenance_database: "postgres".to_owned(),
            port: port.unwrap_or(DEFAULT_PORT),
            tls: Tls::Off,
            address: connection.address.clone(),
            write: connection.write,
        };
        match (reader.string("url")?, reader.string("socket")?) {
            (Some(_), Some(_)) => return Err(reader.wrong("has both `socket` and `url`: keep one of them")),
            (Some(url), None) => settings.take_url(&reader, &url, role, port)?,
            (None, _) if reader.string("sslmode")?.or(reader.string("ca")?).is_some() => {
                return Err(reader.wrong("has `sslmode` or `ca` beside a socket: they belong to a `url`"));
            }
            (None, socket) => settings.take_socket(&reader, socket.as_deref().unwrap_or(DEFAULT_SOCKET), role)?,
        }
        if let Some(database) = reader.string("maintenance_database")? {
            settings.maintenance_database = database;
        }
        Ok(settings)
    }

    fn take_socket(&mut self, reader: &Reader<'_>, socket: &str, role: Option<String>) -> Result<(), String> {
        let mut socket = PathBuf::from(socket);
        if !socket.is_absolute() {
            return Err(reader.wrong("has a `socket` that is no absolute path"));
        }
        let is_socket_itself = socket.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".s.PGSQL."));
        if !is_socket_itself {
            socket.push(format!(".s.PGSQL.{}", self.port));
        }
        self.role = role.ok_or_else(|| {
            reader.wrong("has neither `login_as` (a user of this system, for peer authentication) nor `role`")
        })?;
        if let Server::Socket { path, .. } = &mut self.server {
            *path = socket;
        }
        Ok(())
    }

    fn take_url(
        &mut self,
        reader: &Reader<'_>,
        url: &str,
        role: Option<String>,
        port: Option<u16>,
    ) -> Result<(), String> {
        let parsed =
            url::Url::parse(url).map_err(|error| reader.wrong(&format!("has a `url` that is none: {error}")))?;
        if !matches!(parsed.scheme(), "postgresql" | "postgres") {
            return Err(reader.wrong("has a `url` that does not start with postgresql://"));
        }
        if parsed.password().is_some() {
            return Err(
                reader.wrong("has a password in its `url`: put it into a file, and name that in `password_file`")
            );
        }
        if parsed.query().is_some() {
            return Err(reader.wrong(
                "has parameters in its `url`; only ROLE, HOST, PORT and DATABASE are read, and `sslmode` and `ca` are \
                 settings of their own",
            ));
        }
        let host = parsed.host_str().ok_or_else(|| reader.wrong("has a `url` without a host"))?;
        let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        self.role = match parsed.username() {
            "" => role.ok_or_else(|| reader.wrong("has a `url` without a role: postgresql://ROLE@HOST"))?,
            role => decoded(role),
        };
        self.port = parsed.port().or(port).unwrap_or(DEFAULT_PORT);
        let host = host.trim_matches(['[', ']']).to_owned();
        self.tls = reader.tls(&host)?;
        self.address.get_or_insert_with(|| host.clone());
        self.server = Server::Tcp { host, port: self.port };
        if let Some(database) = parsed.path().strip_prefix('/').filter(|database| !database.is_empty()) {
            self.maintenance_database = decoded(database);
        }
        Ok(())
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

struct Reader<'a> {
    name: &'a str,
    settings: &'a Tree,
}

impl Reader<'_> {
    fn wrong(&self, what: &str) -> String {
        format!("[connection.{}] of the host file {what}", self.name)
    }

    fn string(&self, key: &str) -> Result<Option<String>, String> {
        match self.settings.get(key) {
            None => Ok(None),
            Some(value) => match value.as_str() {
                Some(text) if !text.is_empty() => Ok(Some(text.to_owned())),
                _ => Err(self.wrong(&format!("has a `{key}` that is no plain string"))),
            },
        }
    }

    /// TLS for every host that does not say of itself that it is this machine.
    fn tls(&self, host: &str) -> Result<Tls, String> {
        let ca = self.string("ca")?.map(PathBuf::from);
        match self.string("sslmode")?.as_deref() {
            Some("verify-full") => Ok(Tls::Verified { ca }),
            None if !is_loopback(host) => Ok(Tls::Verified { ca }),
            Some("disable") | None if ca.is_some() => {
                Err(self.wrong("has a `ca` and no TLS that it could be for: give it `sslmode = \"verify-full\"`"))
            }
            Some("disable") | None => Ok(Tls::Off),
            Some(_) => Err(self.wrong(
                "has an `sslmode` that is neither `verify-full` nor `disable`: a certificate is verified in full or not \
                 relied on",
            )),
        }
    }

    fn port(&self) -> Result<Option<u16>, String> {
        match self.settings.get("port") {
            None => Ok(None),
            Some(Tree::Integer(port)) if (1..=65535).contains(port) => Ok(u16::try_from(*port).ok()),
            Some(_) => Err(self.wrong("has a `port` that is none (1 to 65535)")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

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
            (&[("url", "postgresql://a@h"), ("sslmode", "require")], "neither `verify-full` nor `disable`"),
            (&[("url", "postgresql://a@localhost"), ("ca", "/ca.pem")], "no TLS"),
            (&[("role", "a"), ("sslmode", "verify-full")], "beside a socket"),
            (&[("socket", "run"), ("role", "a")], "absolute"),
            (&[("socket", "/run")], "login_as"),
            (&[("port", "5432"), ("role", "a")], "`port`"),
        ] {
            let error = read(entries).unwrap_err();
            assert!(error.contains(says) && error.contains("[connection.main]"), "{error}");
            assert!(!error.contains("secret"));
        }
    }
}
