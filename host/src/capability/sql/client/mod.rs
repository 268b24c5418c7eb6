//! PostgreSQL servers: reached over a unix socket as a named user of the system, or by URL with a password from a file.
//!
//! A session is one database's. It is made when it is first needed, and shared for the run; one that the server has
//! closed since is made anew.

mod error;
mod quote;
mod scram_only;
mod session;
mod settings;
mod socket;
mod wire;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

pub use error::SqlError;
pub use quote::{hba_token, identifier, literal};
use session::SearchPath;
pub use session::{Session, log_in};
pub use settings::{Server, Settings, Written};
pub(crate) use wire::connect;
pub use wire::{Stream, Wire};

use crate::{
    capability::sql::SqlStep,
    model::{Failure, HostFile, Permit},
    world::{Connections, vault::Learned},
};

/// The servers of a run, by name of the connection.
#[derive(Debug, Default)]
pub struct Servers(Mutex<HashMap<String, Arc<Postgresql>>>);

/// One server.
#[derive(Debug)]
pub struct Postgresql {
    settings: Settings,
    learned: Arc<Learned>,
    sessions: tokio::sync::Mutex<HashMap<String, Arc<Session>>>,
}

impl Servers {
    fn get(&self, host_file: &HostFile, learned: &Arc<Learned>, name: &str) -> Result<Arc<Postgresql>, Failure> {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = servers.get(name) {
            return Ok(server.clone());
        }
        let Some(connection) = host_file.connections.get(name) else {
            return Err(Failure::Other(format!("the host file has no connection `{name}` of kind postgresql")));
        };
        let settings = Settings::read(connection)?;
        let learned = Arc::clone(learned);
        let server = Arc::new(Postgresql { settings, learned, sessions: tokio::sync::Mutex::default() });
        servers.insert(name.to_owned(), server.clone());
        Ok(server)
    }
}

impl Connections {
    /// The server behind a `postgresql` connection.
    pub fn postgresql(&self, name: &str) -> Result<Arc<Postgresql>, Failure> {
        self.clients::<Servers>().get(self.host_file(), self.learned(), name)
    }
}

impl Postgresql {
    /// How it is reached, and what the host file says of it.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The session for a database; without one, for the connection's maintenance database.
    pub async fn session(&self, database: Option<&str>) -> Result<Arc<Session>, SqlError> {
        let database = database.unwrap_or(&self.settings.maintenance_database);
        // The lock is held while connecting: two who need the same session wait for one.
        let mut sessions = self.sessions.lock().await;
        if let Some(session) = sessions.get(database).filter(|session| !session.is_closed()) {
            return Ok(session.clone());
        }
        let session = Arc::new(Session::open(&self.settings, database, SearchPath::Catalogue, &self.learned).await?);
        sessions.insert(database.to_owned(), session.clone());
        Ok(session)
    }

    /// A session of its own, for what only a new one shows: to the maintenance database.
    pub async fn new_session(&self) -> Result<Session, SqlError> {
        Session::open(&self.settings, &self.settings.maintenance_database, SearchPath::Catalogue, &self.learned).await
    }

    /// Carries out `CREATE EXTENSION`, in a session of its database that does nothing else.
    ///
    /// # Errors
    /// As any statement: the extension is not there to be made, or may not be.
    pub async fn create_extension(&self, permit: &Permit<SqlStep>, statement: &str) -> Result<(), SqlError> {
        let database = permit.subject().statement.database().unwrap_or(&self.settings.maintenance_database);
        let session = Session::open(&self.settings, database, SearchPath::Extensions, &self.learned).await?;
        session.run(permit, statement).await
    }

    /// Gives up the session for a database: one that is to be dropped must have none.
    pub async fn leave(&self, database: &str) {
        self.sessions.lock().await.remove(database);
    }
}
