//! What an engine is asked.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::client::{ImageFacts, Inspect, Summary};
use crate::{
    model::Failure,
    world::{Connections, Inquiry, Servers},
};

/// All containers of an engine.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AllContainers {
    pub engine: String,
}

/// A container, by name.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct OneContainer {
    pub engine: String,
    pub name: String,
}

/// An image, by reference.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct OneImage {
    pub engine: String,
    pub reference: String,
}

impl Inquiry for AllContainers {
    const NAME: &'static str = "containers";
    type Answer = Vec<Summary>;

    async fn ask(&self, connections: &Connections) -> Result<Self::Answer, Failure> {
        Ok(connections.engine(&self.engine)?.list().await?)
    }
}

impl Inquiry for OneContainer {
    const NAME: &'static str = "container";
    /// None when there is no such container.
    type Answer = Option<Inspect>;

    async fn ask(&self, connections: &Connections) -> Result<Self::Answer, Failure> {
        Ok(connections.engine(&self.engine)?.inspect(&self.name).await?)
    }
}

impl Inquiry for OneImage {
    const NAME: &'static str = "image";
    /// None when it is not there.
    type Answer = Option<ImageFacts>;

    async fn ask(&self, connections: &Connections) -> Result<Self::Answer, Failure> {
        Ok(connections.engine(&self.engine)?.image(&self.reference).await?)
    }
}

impl Servers<'_> {
    pub(super) async fn containers(self, engine: &str) -> Result<Arc<Vec<Summary>>, Failure> {
        self.ask(&AllContainers { engine: engine.to_owned() }).await
    }

    pub(super) async fn container(self, engine: &str, name: &str) -> Result<Arc<Option<Inspect>>, Failure> {
        self.ask(&OneContainer { engine: engine.to_owned(), name: name.to_owned() }).await
    }

    pub(super) async fn image(self, engine: &str, reference: &str) -> Result<Arc<Option<ImageFacts>>, Failure> {
        self.ask(&OneImage { engine: engine.to_owned(), reference: reference.to_owned() }).await
    }
}
