//! What a PostgreSQL server is asked.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    SqlAnswer, SqlQuery,
    hba::{self, ConfigFile, ServerFile, View},
    questions,
};
use crate::{
    model::Failure,
    world::{Connections, Inquiry, Servers},
};

/// Rows of a relation of the catalogue.
#[derive(Debug, Serialize, Deserialize)]
pub struct Rows(pub SqlQuery);

/// What is kept of a role's password.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Verifier {
    pub server: String,
    pub role: String,
}

/// One of the two files about who may log in.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AccessFile {
    pub server: String,
    pub which: ConfigFile,
}

/// The same as the server reads it.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AccessView {
    pub server: String,
    pub which: View,
}

impl Inquiry for Rows {
    const NAME: &'static str = "rows";
    type Answer = SqlAnswer;

    async fn ask(&self, connections: &Connections) -> Result<Self::Answer, Failure> {
        questions::rows(connections, &self.0).await
    }
}

impl Inquiry for Verifier {
    const NAME: &'static str = "verifier";
    /// None when the role is absent or has no password.
    type Answer = Option<String>;

    async fn ask(&self, connections: &Connections) -> Result<Self::Answer, Failure> {
        questions::verifier(connections, &self.server, &self.role).await
    }
}

impl Inquiry for AccessFile {
    const NAME: &'static str = "access-file";
    type Answer = ServerFile;

    async fn ask(&self, connections: &Connections) -> Result<Self::Answer, Failure> {
        hba::read_file(&*connections.postgresql(&self.server)?.session(None).await?, self.which).await
    }
}

impl Inquiry for AccessView {
    const NAME: &'static str = "access-view";
    /// Rows as JSON.
    type Answer = Vec<String>;

    async fn ask(&self, connections: &Connections) -> Result<Self::Answer, Failure> {
        hba::read_view(&*connections.postgresql(&self.server)?.session(None).await?, self.which).await
    }
}

impl Servers<'_> {
    pub(super) async fn rows(self, query: &SqlQuery) -> Result<Arc<SqlAnswer>, Failure> {
        self.ask(&Rows(query.clone())).await
    }

    pub(super) async fn verifier(self, server: &str, role: &str) -> Result<Arc<Option<String>>, Failure> {
        self.ask(&Verifier { server: server.to_owned(), role: role.to_owned() }).await
    }

    pub(super) async fn config_file(self, server: &str, which: ConfigFile) -> Result<Arc<ServerFile>, Failure> {
        self.ask(&AccessFile { server: server.to_owned(), which }).await
    }

    pub(super) async fn view(self, server: &str, which: View) -> Result<Arc<Vec<String>>, Failure> {
        self.ask(&AccessView { server: server.to_owned(), which }).await
    }
}
