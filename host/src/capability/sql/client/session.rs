//! A session with one database.

use std::{future::Future, path::Path, time::Duration};

use tokio_postgres::{
    Client, Config, NoTls, Row,
    types::{ToSql, Type},
};
use zeroize::Zeroizing;

use super::{
    Server, Settings, SqlError,
    scram_only::ScramOnly,
    socket,
    wire::{self, Stream},
};
use crate::{capability::sql::SqlStep, model::Permit, world::vault::Learned};

/// Within this time a session stands.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Within this time a question is answered.
pub const QUESTION_LIMIT: Duration = Duration::from_secs(10);
/// Within this time a statement is carried out: copying a template or making an extension takes a while.
pub const STATEMENT_LIMIT: Duration = Duration::from_secs(120);

/// An open session.
#[derive(Debug)]
pub struct Session {
    settings: Settings,
    client: Client,
    major: u32,
}

/// What a session finds without a schema in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SearchPath {
    /// The catalogue alone.
    Catalogue,
    /// Where `CREATE EXTENSION` puts an extension that does not say where it belongs. That statement names nothing that
    /// a search path resolves, and PostgreSQL sets another path while the extension's script runs.
    Extensions,
}

impl SearchPath {
    /// Start-up options. They win over what a database or a role carries (`ALTER DATABASE … SET`, `ALTER ROLE … SET`),
    /// which its owner may set: an operator `=` of the owner's would otherwise run with our rights, backslashes would
    /// end a literal, and our statements would be carried out in another role's name, or not in time. Left alone is
    /// `default_transaction_read_only`: an operator may have set it, and all that it does is to refuse. Each of these is
    /// known to every PostgreSQL that is still kept up: a server ends a login with an option that it does not know.
    fn options(self) -> String {
        let path = match self {
            SearchPath::Catalogue => "pg_catalog,pg_temp",
            SearchPath::Extensions => "public,pg_catalog,pg_temp",
        };
        let pinned = [
            ("search_path", path),
            ("role", "none"),
            ("standard_conforming_strings", "on"),
            ("backslash_quote", "safe_encoding"),
            ("row_security", "off"),
            ("statement_timeout", "0"),
            ("lock_timeout", "0"),
            ("DateStyle", "ISO"),
            ("bytea_output", "hex"),
        ];
        pinned.map(|(name, value)| format!("-c {name}={value}")).join(" ")
    }
}

impl Session {
    /// Logs in. The password that is read for it becomes known to `learned`.
    pub(crate) async fn open(
        settings: &Settings,
        database: &str,
        path: SearchPath,
        learned: &Learned,
    ) -> Result<Self, SqlError> {
        let mut config = Config::new();
        config.user(&settings.role).dbname(database).application_name("stackrun").options(path.options());
        if let Some(file) = &settings.password_file {
            config.password(read_password(settings, file, learned)?.as_slice());
        }
        let place = settings.place();
        let client = within(CONNECT_LIMIT, &place, async { log_in(&config, reach(settings).await?, &place).await });
        let (client, major) = client.await?;
        Ok(Self { settings: settings.clone(), client, major })
    }

    /// The server's version: 15 of 15.8; 0 when it does not say.
    pub fn major(&self) -> u32 {
        self.major
    }

    /// Whether the server or the network has ended it.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// One question, one answer, in one round trip. `sql` is ours, the parameters are bound, as text. Several that are
    /// asked at once follow each other on the wire without waiting.
    pub async fn ask(&self, sql: &str, parameters: &[&str]) -> Result<Vec<Row>, SqlError> {
        tracing::debug!(connection = %self.settings.name, "SQL {sql}");
        let typed = |text| (text as &(dyn ToSql + Sync), Type::TEXT);
        let parameters: Vec<(&(dyn ToSql + Sync), Type)> = parameters.iter().map(typed).collect();
        // On the heap, since it is large, and whatever asks several questions at once holds as many.
        let asked = Box::pin(self.client.query_typed(sql, &parameters));
        within(QUESTION_LIMIT, &self.settings.place(), async {
            asked.await.map_err(|error| SqlError::statement(&error, &self.settings))
        })
        .await
    }

    /// Tells the server to read its configuration again; it has not done so yet when this returns.
    pub async fn reload(&self, _: &Permit<String>) -> Result<(), SqlError> {
        self.ask("SELECT pg_catalog.pg_reload_conf()", &[]).await.map(drop)
    }

    /// One statement that carries a permitted step out or takes it back, by the extended protocol: a second one behind it
    /// is an error of syntax.
    pub async fn run(&self, _: &Permit<SqlStep>, statement: &str) -> Result<(), SqlError> {
        let done = within(STATEMENT_LIMIT, &self.settings.place(), async {
            let done = self.client.execute(statement, &[]).await;
            done.map_err(|error| SqlError::statement(&error, &self.settings))
        })
        .await;
        if let Err(SqlError::TimedOut(_)) = done {
            // Best effort: the statement shall not go on behind our back.
            if let Ok(stream) = reach(&self.settings).await {
                let _ = self.client.cancel_token().cancel_query_raw(stream, NoTls).await;
            }
        }
        done.map(|_| ())
    }
}

/// The way to the server.
async fn reach(settings: &Settings) -> Result<Box<dyn Stream>, SqlError> {
    match &settings.server {
        Server::Socket { path, login_as } => match socket::connect(path, login_as.as_deref()).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(match error.downcast_ref() {
                Some(cause) => SqlError::reaching(cause, &settings.place()),
                None => SqlError::Unreachable(format!("{error:#}")),
            }),
        },
        Server::Tcp { host, port } => wire::connect(host, &[], *port, &settings.wire()?).await,
    }
}

/// Logs in over a stream, and hears of the server's version: 15 of 15.8, 0 when it does not say. The connection is driven
/// by a task of its own, which ends with the client.
pub async fn log_in(config: &Config, stream: Box<dyn Stream>, place: &str) -> Result<(Client, u32), SqlError> {
    let role = config.get_user().unwrap_or_default();
    let database = config.get_dbname().unwrap_or_default();
    // TLS, where there is any, is spoken further down.
    let opened = config.connect_raw(ScramOnly::new(stream, config), NoTls).await;
    let (client, connection) = opened.map_err(|error| SqlError::connecting(&error, place, role, database))?;
    let version = connection.parameter("server_version").unwrap_or_default();
    let major =
        version.split(|character: char| !character.is_ascii_digit()).next().and_then(|major| major.parse().ok());
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!("a PostgreSQL session has ended: {error}");
        }
    });
    Ok((client, major.unwrap_or_default()))
}

/// The file's content, less one last line break.
fn read_password(settings: &Settings, file: &Path, learned: &Learned) -> Result<Zeroizing<Vec<u8>>, SqlError> {
    let mut password = learned.credential(&settings.name, "password_file", file).map_err(|error| {
        SqlError::Unreachable(format!("the password file {} can't be read: {error}", file.display()))
    })?;
    if password.ends_with(b"\n") {
        password.pop();
    }
    Ok(password)
}

async fn within<T>(
    limit: Duration,
    place: &str,
    work: impl Future<Output = Result<T, SqlError>>,
) -> Result<T, SqlError> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(SqlError::slow(place, limit)))
}
