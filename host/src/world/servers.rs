//! What servers are asked, and what their answers are. The questions of plugins are answered out of these: one list does
//! for several of them, and one of them may need several answers. None of it crosses to a plugin as it is.
//!
//! Each is asked once a run. What a plan has asked is kept for the next one of the same spec, which asks it ahead
//! (`capability::prefetch`), while its plugins are still being loaded: the servers' time is then no longer spent waiting
//! for ours.

use std::{any::Any, fmt::Debug, sync::Arc};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Connections, Memo, World};
use crate::model::Failure;

/// One kind of thing that a server is asked. Reads only, of what a gate has let pass before; holds no secret.
pub trait Inquiry: Debug + Serialize + DeserializeOwned + Send + Sync {
    /// What it is called where it is kept for the next plan; no other kind has the same.
    const NAME: &'static str;

    /// What the server says.
    type Answer: Any + Send + Sync;

    /// Asks.
    ///
    /// # Errors
    /// Whatever keeps the server from answering.
    fn ask(&self, connections: &Connections) -> impl Future<Output = Result<Self::Answer, Failure>> + Send;
}

/// An inquiry as it is kept: which kind, and what is asked, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Asked {
    name: String,
    inquiry: String,
}

impl Asked {
    /// Of an inquiry.
    ///
    /// # Errors
    /// It is no JSON.
    pub fn of<Q: Inquiry>(inquiry: &Q) -> Result<Self, Failure> {
        let json = serde_json::to_string(inquiry).map_err(|error| Failure::Other(error.to_string()))?;
        Ok(Self { name: Q::NAME.to_owned(), inquiry: json })
    }

    /// Its kind.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The inquiry itself; none when it was kept by another version.
    pub fn inquiry<Q: Inquiry>(&self) -> Option<Q> {
        (self.name == Q::NAME).then(|| serde_json::from_str(&self.inquiry).ok()).flatten()
    }
}

/// Asks servers, each thing once a run. Every capability adds its own inquiries.
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
    pub fn ahead(connections: &'a Connections, memo: &'a Memo) -> Self {
        Self { connections, memo, ahead: true }
    }

    /// The answer, asked for unless somebody has in this run.
    ///
    /// # Errors
    /// Those of [`Inquiry::ask`].
    pub async fn ask<Q: Inquiry>(self, inquiry: &Q) -> Result<Arc<Q::Answer>, Failure> {
        let asked = Asked::of(inquiry)?;
        if !self.ahead {
            self.memo.note_wanted(&asked);
        }
        // On the heap, since a conversation with a server is large, and whoever asks ten questions at once holds ten of them.
        self.memo.raw(asked, Box::pin(inquiry.ask(self.connections))).await
    }
}
