//! What servers are asked, and what their answers are. The questions of plugins are answered out of these: one list does
//! for several of them, and one of them may need several answers. None of it crosses to a plugin as it is.
//!
//! Each is asked once a run. What a plan has asked is kept for the next one of the same spec, which asks it ahead, while
//! its plugins are still being loaded: the servers' time is then no longer spent waiting for ours.

use std::{any::Any, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    containers::client::{ImageFacts, Inspect, Summary},
    http::client::{Answer, Endpoint, Outgoing},
    sql::{
        SqlAnswer, SqlQuery,
        hba::{self, ConfigFile, ServerFile, View},
        questions,
    },
};
use crate::{
    model::Failure,
    world::{Connections, Memo, World},
};

/// One thing that a server is asked. Reads only, of what a gate has let pass before; holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Inquiry {
    /// All containers of an engine.
    Containers { engine: String },
    /// A container, by name.
    Container { engine: String, name: String },
    /// An image, by reference.
    Image { engine: String, reference: String },
    /// Rows of a relation of the catalogue.
    Rows(SqlQuery),
    /// What is kept of a role's password.
    Verifier { server: String, role: String },
    /// One of PostgreSQL's two files about who may log in.
    ConfigFile { server: String, which: ConfigFile },
    /// The same as PostgreSQL reads it.
    View { server: String, which: View },
    /// A path of a connection's own origin, without headers, credential or body.
    Page { connection: String, path: String },
}

/// Asks servers, each thing once a run.
#[derive(Clone, Copy, Debug)]
pub struct Servers<'a> {
    connections: &'a Connections,
    memo: &'a Memo,
    ahead: bool,
}

impl World {
    pub(crate) fn servers(&self) -> Servers<'_> {
        Servers { connections: &self.connections, memo: &self.memo, ahead: false }
    }
}

impl<'a> Servers<'a> {
    /// Asks what somebody may want in this run. It is not noted as asked unless somebody does.
    pub async fn ask_ahead(connections: &'a Connections, memo: &'a Memo, inquiry: &Inquiry) {
        let ahead = Self { connections, memo, ahead: true };
        // What fails here fails again, and is told, where it is wanted.
        match inquiry {
            Inquiry::Containers { engine } => drop(ahead.containers(engine).await),
            Inquiry::Container { engine, name } => drop(ahead.container(engine, name).await),
            Inquiry::Image { engine, reference } => drop(ahead.image(engine, reference).await),
            Inquiry::Rows(query) => drop(ahead.rows(query).await),
            Inquiry::Verifier { server, role } => drop(ahead.verifier(server, role).await),
            Inquiry::ConfigFile { server, which } => drop(ahead.config_file(server, *which).await),
            Inquiry::View { server, which } => drop(ahead.view(server, *which).await),
            Inquiry::Page { connection, path } => drop(ahead.page(connection, path).await),
        }
    }

    pub(crate) async fn containers(self, engine: &str) -> Result<Arc<Vec<Summary>>, Failure> {
        let inquiry = Inquiry::Containers { engine: engine.to_owned() };
        self.once(inquiry, async { Ok(self.connections.engine(engine)?.list().await?) }).await
    }

    /// None when there is no such container.
    pub(crate) async fn container(self, engine: &str, name: &str) -> Result<Arc<Option<Inspect>>, Failure> {
        let inquiry = Inquiry::Container { engine: engine.to_owned(), name: name.to_owned() };
        self.once(inquiry, async { Ok(self.connections.engine(engine)?.inspect(name).await?) }).await
    }

    /// None when it is not there.
    pub(crate) async fn image(self, engine: &str, reference: &str) -> Result<Arc<Option<ImageFacts>>, Failure> {
        let inquiry = Inquiry::Image { engine: engine.to_owned(), reference: reference.to_owned() };
        self.once(inquiry, async { Ok(self.connections.engine(engine)?.image(reference).await?) }).await
    }

    pub(crate) async fn rows(self, query: &SqlQuery) -> Result<Arc<SqlAnswer>, Failure> {
        self.once(Inquiry::Rows(query.clone()), questions::rows(self.connections, query)).await
    }

    /// None when the role is absent or has no password.
    pub(crate) async fn verifier(self, server: &str, role: &str) -> Result<Arc<Option<String>>, Failure> {
        let inquiry = Inquiry::Verifier { server: server.to_owned(), role: role.to_owned() };
        self.once(inquiry, questions::verifier(self.connections, server, role)).await
    }

    pub(crate) async fn config_file(self, server: &str, which: ConfigFile) -> Result<Arc<ServerFile>, Failure> {
        let inquiry = Inquiry::ConfigFile { server: server.to_owned(), which };
        let ask = async {
            let session = self.connections.postgresql(server)?.session(None).await?;
            hba::read_file(&session, which).await
        };
        self.once(inquiry, ask).await
    }

    /// Rows as JSON.
    pub(crate) async fn view(self, server: &str, which: View) -> Result<Arc<Vec<String>>, Failure> {
        let inquiry = Inquiry::View { server: server.to_owned(), which };
        let ask = async {
            let session = self.connections.postgresql(server)?.session(None).await?;
            hba::read_view(&session, which).await
        };
        self.once(inquiry, ask).await
    }

    pub(crate) async fn page(self, connection: &str, path: &str) -> Result<Arc<Answer>, Failure> {
        let inquiry = Inquiry::Page { connection: connection.to_owned(), path: path.to_owned() };
        let ask = async {
            let endpoint = Endpoint::of_connection(self.connections.settings(connection)?)?;
            Ok(self.connections.http().exchange(&endpoint, &Outgoing::get(path)).await?)
        };
        self.once(inquiry, ask).await
    }

    async fn once<T: Any + Send + Sync>(
        self,
        inquiry: Inquiry,
        ask: impl Future<Output = Result<T, Failure>>,
    ) -> Result<Arc<T>, Failure> {
        if !self.ahead {
            self.memo.note_wanted(&inquiry);
        }
        // On the heap, since a conversation with a server is large, and whoever asks ten questions at once holds ten of them.
        self.memo.raw(inquiry, Box::pin(ask)).await
    }
}
