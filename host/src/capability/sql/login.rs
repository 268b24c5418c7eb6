//! A real login to a PostgreSQL database, with the role's own password, over the network path that the application takes.

use serde::{Deserialize, Serialize};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_postgres::{Config, config::SslMode};

use super::client::{SqlError, log_in};
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
pub(crate) const LIMIT: Duration = Duration::from_secs(8);

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
            let login =
                log_in_at(&host, &[], port, database, role, password.as_ref().map(|password| password.as_str()));
            answer_of(tokio::time::timeout(LIMIT, login).await, &host, port)
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
            let question = inside::Inside::Login { host, port: server.settings().port, database, role, password };
            inside::ask(&place, &question).await?
        }
        Vantage::Consumers => {
            return Err(Failure::Other("a check from the consumers was left without any consumer".to_owned()));
        }
    };
    Ok(Held::of(asked, |text| acting.world.vault.redact(text)))
}

/// Connects to `host`, or to the first of its `addresses` that answers where the caller has looked them up, logs in and
/// asks `SELECT 1`.
pub(crate) async fn log_in_at(
    host: &str,
    addresses: &[std::net::IpAddr],
    port: u16,
    database: &str,
    role: &str,
    password: Option<&str>,
) -> Result<(), SqlError> {
    let place = format!("{host}:{port}");
    let mut config = Config::new();
    config.user(role).dbname(database).application_name("stackrun check").ssl_mode(SslMode::Disable);
    if let Some(password) = password {
        config.password(password.as_bytes());
    }
    let stream = match addresses {
        [] => TcpStream::connect((host, port)).await,
        addresses => {
            let sockets: Vec<_> = addresses.iter().map(|address| (*address, port).into()).collect();
            TcpStream::connect(sockets.as_slice()).await
        }
    };
    let (client, _) = log_in(&config, stream.map_err(|cause| SqlError::reaching(&cause, &place))?, &place).await?;
    let answered = client.query("SELECT 1", &[]).await;
    answered.map(|_| ()).map_err(|error| SqlError::Unreachable(format!("PostgreSQL at {place} broke off: {error}")))
}

/// What a login came to.
pub(crate) fn answer_of(
    login: Result<Result<(), SqlError>, tokio::time::error::Elapsed>,
    host: &str,
    port: u16,
) -> inside::Answer {
    match login {
        Ok(Ok(())) => inside::Answer::LoggedIn,
        // The password that was just set is not going to become another one.
        Ok(Err(error @ SqlError::WrongPassword(_))) => inside::Answer::Hopeless(error.to_string()),
        Ok(Err(error)) => inside::Answer::Failed(error.to_string()),
        Err(_) => inside::Answer::Failed(format!("{host}:{port} gave no answer in time")),
    }
}
