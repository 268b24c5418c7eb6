//! A real login to a PostgreSQL database, with the role's own password, over the network path that the application takes.

use serde::{Deserialize, Serialize};
use std::time::Duration;

use tokio_postgres::Config;

use super::client::{Server, SqlError, Wire, connect, log_in};
use crate::{
    capability::{Acting, Gate, Held, Vantage, containers::name_of_this_machine},
    model::{Denial, Failure, value::Target},
    world::inside,
};

/// See `sql.login` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SqlLogin {
    pub connection: String,
    pub database: String,
    pub role: String,
    pub password: Option<Target>,
}

/// A login takes milliseconds; a host that is not there, as long as we let it.
const LIMIT: Duration = Duration::from_secs(8);

/// Asks the gate.
pub fn permit(login: &SqlLogin, gate: &Gate) -> Result<(), Denial> {
    gate.sql_login(login.clone()).map(|_| ())
}

/// In the host's words.
pub fn says(login: &SqlLogin) -> String {
    let SqlLogin { connection, database, role, password } = login;
    let password = if password.is_some() { "with its password" } else { "without a password" };
    format!("role {role} logs in to database {database} on {connection} {password}").escape_debug().to_string()
}

/// Logs in once, from this machine or from inside a container.
pub async fn ask(login: &SqlLogin, vantage: &Vantage, acting: &Acting<'_>) -> Result<Held, Failure> {
    let permit = acting.gate.sql_login(login.clone())?;
    let SqlLogin { connection, database, role, password } = permit.subject();
    let server = acting.world.connections.postgresql(connection)?;
    let password = password.as_ref().map(|target| acting.world.vault.reveal(target)).transpose()?;
    let asked = match vantage {
        Vantage::Host => {
            let (host, port) = server.settings().tcp_from_here();
            let wire = match &server.settings().server {
                Server::Socket { .. } => Wire::PlainHere,
                Server::Tcp { .. } => server.settings().wire()?,
            };
            let password = password.as_ref().map(|password| password.as_str());
            Attempt { host: &host, addresses: &[], port, database, role, password, wire }.answer().await
        }
        Vantage::Container { connection: engine, name } => {
            let place = inside::Place::find(acting, engine, name).await?;
            let machine = match acting.world.host_file.connections.get(engine) {
                Some(engine) if !place.shares_network => name_of_this_machine(engine),
                _ => "localhost".to_owned(),
            };
            let host = server.settings().elsewhere().map_or(machine, str::to_owned);
            let (database, role) = (database.clone(), role.clone());
            let password = password.map(Into::into);
            let trust = match server.settings().wire()? {
                Wire::Tls(trust) => Some(trust),
                Wire::Plain | Wire::PlainHere => None,
            };
            let question =
                inside::Inside::Login { host, port: server.settings().port, database, role, password, trust };
            inside::ask(&place, &question).await?
        }
        Vantage::Consumers => {
            return Err(Failure::Other("a check from the consumers was left without any consumer".to_owned()));
        }
    };
    Ok(Held::of(asked, |text| acting.world.vault.redact(text)))
}

/// One login.
pub(crate) struct Attempt<'a> {
    pub(crate) host: &'a str,
    /// Where the caller has looked them up.
    pub(crate) addresses: &'a [std::net::IpAddr],
    pub(crate) port: u16,
    pub(crate) database: &'a str,
    pub(crate) role: &'a str,
    pub(crate) password: Option<&'a str>,
    pub(crate) wire: Wire,
}

impl Attempt<'_> {
    /// Logs in and asks `SELECT 1`, and says what it came to.
    pub(crate) async fn answer(&self) -> inside::Answer {
        match tokio::time::timeout(LIMIT, self.log_in()).await {
            Ok(Ok(())) => inside::Answer::LoggedIn,
            // The password that was just set is not going to become another one, nor is the rule that was just loaded.
            Ok(Err(error @ (SqlError::WrongPassword(_) | SqlError::Unproven(_)))) => {
                inside::Answer::Hopeless(error.to_string())
            }
            Ok(Err(error)) => inside::Answer::Failed(error.to_string()),
            Err(_) => inside::Answer::Failed(format!("{}:{} gave no answer in time", self.host, self.port)),
        }
    }

    async fn log_in(&self) -> Result<(), SqlError> {
        let place = format!("{}:{}", self.host, self.port);
        let mut config = Config::new();
        config.user(self.role).dbname(self.database).application_name("stackrun check");
        if let Some(password) = self.password {
            config.password(password.as_bytes());
        }
        let stream = connect(self.host, self.addresses, self.port, &self.wire).await?;
        let (client, _) = log_in(&config, stream, &place).await?;
        let answered = client.query("SELECT 1", &[]).await;
        answered.map(|_| ()).map_err(|error| SqlError::Unreachable(format!("PostgreSQL at {place} broke off: {error}")))
    }
}
