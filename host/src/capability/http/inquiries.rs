//! What is asked of a connection over HTTP, whoever wants to know it.

use serde::{Deserialize, Serialize};

use super::client::{Answer, Endpoint};
use crate::{
    model::Failure,
    world::{Connections, Inquiry},
};

/// A path of a connection's own origin, without headers, credential or body.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Page {
    pub connection: String,
    pub path: String,
}

impl Inquiry for Page {
    const NAME: &'static str = "page";
    type Answer = Answer;

    async fn ask(&self, connections: &Connections) -> Result<Self::Answer, Failure> {
        let endpoint = Endpoint::of_connection(connections.settings(&self.connection)?)?;
        Ok(connections.http().page(&endpoint, &self.path).await?)
    }
}
