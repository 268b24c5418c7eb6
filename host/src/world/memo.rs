//! Each question is asked once a run, and its answer shared.

use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use super::Asked;
use crate::{
    hex::hex,
    model::{Failure, value::Target},
};

type Answer = Arc<OnceCell<Result<serde_json::Value, Failure>>>;
type Raw = Arc<OnceCell<Result<Arc<dyn Any + Send + Sync>, Failure>>>;

/// The answers of one run. Cheap to clone; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Memo(Arc<Answers>);

#[derive(Debug, Default)]
struct Answers {
    answers: Mutex<HashMap<String, Answer>>,
    raw: Mutex<HashMap<Asked, Raw>>,
    wanted: Mutex<BTreeSet<Asked>>,
    unanswered: AtomicBool,
    carried: Mutex<BTreeSet<(Target, String)>>,
}

impl Memo {
    /// The answer to `question`, asked with `ask` unless somebody has asked it in this run. Two who ask at once wait
    /// for the same answer. `question` is a line for a person, unique for what is asked: `sql main pg_roles rolname=x`.
    pub async fn once<T, F>(&self, question: String, ask: F) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<T, Failure>>,
    {
        let cell = {
            let mut answers = self.0.answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.entry(question).or_default().clone()
        };
        let answer = cell
            .get_or_init(|| async {
                let answer = ask.await?;
                serde_json::to_value(answer).map_err(|error| Failure::Other(error.to_string()))
            })
            .await;
        if let Err(Failure::Unreachable(_) | Failure::TimedOut) = answer {
            self.note_unanswered();
        }
        let value = answer.as_ref().map_err(Clone::clone)?;
        T::deserialize(value).map_err(|error| Failure::Other(error.to_string()))
    }

    /// The same for what answers are made from: a server's list of everything, say. It never crosses to a plugin as it
    /// is, and a plan does not depend on all of it, so it is not among the digests.
    pub(crate) async fn raw<T, F>(&self, asked: Asked, ask: F) -> Result<Arc<T>, Failure>
    where
        T: Send + Sync + 'static,
        F: Future<Output = Result<T, Failure>>,
    {
        let cell = {
            let mut raw = self.0.raw.lock().unwrap_or_else(PoisonError::into_inner);
            raw.entry(asked.clone()).or_default().clone()
        };
        let found = cell.get_or_init(|| async { Ok(Arc::new(ask.await?) as Arc<dyn Any + Send + Sync>) }).await;
        let found = found.as_ref().map_err(Clone::clone)?.clone();
        found.downcast().map_err(|_| Failure::Other(format!("{asked:?} was asked in two ways")))
    }

    /// Somebody has asked a question that needs this.
    pub(crate) fn note_wanted(&self, asked: &Asked) {
        let mut wanted = self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if !wanted.contains(asked) {
            wanted.insert(asked.clone());
        }
    }

    /// All that servers had to be asked for the questions of this run.
    pub fn wanted(&self) -> BTreeSet<Asked> {
        self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A look carried a secret to where it came from; `place` in the host's words.
    pub(crate) fn note_carried(&self, secret: &Target, place: String) {
        let mut carried = self.0.carried.lock().unwrap_or_else(PoisonError::into_inner);
        carried.insert((secret.source().clone(), place));
    }

    /// Secrets that looks carried, with where to.
    pub fn carried(&self) -> BTreeSet<(Target, String)> {
        self.0.carried.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Somebody who was asked is down, too slow, or not well: what is wrong is the world, and not the user's files.
    pub fn note_unanswered(&self) {
        self.0.unanswered.store(true, Ordering::Relaxed);
    }

    /// Whether that happened.
    pub fn unanswered(&self) -> bool {
        self.0.unanswered.load(Ordering::Relaxed)
    }

    /// Each question with a digest of its answer, to say what changed when a saved plan is stale.
    pub fn digests(&self) -> BTreeMap<String, String> {
        let answers = self.0.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let digest = |answer: &Answer| answer.get().map(|answer| format!("{answer:?}"));
        answers
            .iter()
            .filter_map(|(question, answer)| digest(answer).map(|text| (question.clone(), short_digest(&text))))
            .collect()
    }

    /// Forgets everything: after a step has changed the world.
    pub fn clear(&self) {
        self.0.answers.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.0.raw.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn short_digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes())[..8])
}
