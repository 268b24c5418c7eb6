//! Each question is asked once a run, and its answer shared.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use super::Failure;

type Answer = Arc<OnceCell<Result<serde_json::Value, Failure>>>;

/// The answers of one run.
#[derive(Debug, Default)]
pub struct Memo {
    answers: Mutex<HashMap<String, Answer>>,
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
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.entry(question).or_default().clone()
        };
        let answer = cell
            .get_or_init(|| async {
                let answer = ask.await?;
                serde_json::to_value(answer).map_err(|error| Failure::Other(error.to_string()))
            })
            .await;
        let value = answer.as_ref().map_err(Clone::clone)?;
        T::deserialize(value).map_err(|error| Failure::Other(error.to_string()))
    }

    /// Each question with a digest of its answer, to say what changed when a saved plan is stale.
    pub fn digests(&self) -> BTreeMap<String, String> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let digest = |answer: &Answer| answer.get().map(|answer| format!("{answer:?}"));
        answers
            .iter()
            .filter_map(|(question, answer)| digest(answer).map(|text| (question.clone(), short_digest(&text))))
            .collect()
    }

    /// Forgets everything: after a step has changed the world.
    pub fn clear(&self) {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn short_digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
