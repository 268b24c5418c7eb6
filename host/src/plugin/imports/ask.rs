//! How a question gets from a plugin to the world and its answer back: the phase, the number, the gate, the time, the
//! redactor, the scan for secrets, the recorder. Every question goes this way.

use std::time::Instant;

use futures_util::{StreamExt, stream};
use serde::Serialize;
use tokio::{runtime::Handle, time::timeout};

use crate::{
    capability::Gate,
    model::{Denial, Failure},
    plugin::{
        What,
        bindings::stackrun::plugin::types,
        call::{Call, Outside},
        convert::{self, Crosses},
        recorder::each_string,
    },
    world::World,
};

/// Questions of one list that are asked at the same time.
const AT_ONCE: usize = 8;

/// An answer as it crosses.
pub type Answer<T> = Result<<T as Crosses>::Wit, types::Failure>;

impl Call {
    /// The outside, where questions may be asked.
    pub fn outside(&mut self, what: &'static str) -> wasmtime::Result<Outside> {
        match &self.outside {
            Some(outside) => Ok(outside.clone()),
            None => self.fail(What::AskedTooEarly(what)),
        }
    }

    /// Asks one question.
    pub fn ask<Q, P, T>(
        &mut self,
        what: &'static str,
        question: Q,
        permit: impl Fn(&Gate, Q) -> Result<P, Denial>,
        ask: impl AsyncFn(&World, &P) -> Result<T, Failure>,
    ) -> wasmtime::Result<Answer<T>>
    where
        T: Crosses + Serialize,
    {
        let mut answers = self.ask_each(what, vec![question], permit, ask)?;
        match answers.pop() {
            Some(answer) => Ok(answer),
            None => self.fail(What::Host(format!("`{what}` was not answered; this is a mistake in stackrun"))),
        }
    }

    /// Asks a list of questions, each for itself, and answers in their order. `permit` turns a question into the
    /// gate's permit, and what else `ask` needs beside it.
    pub fn ask_each<Q, P, T>(
        &mut self,
        what: &'static str,
        questions: Vec<Q>,
        permit: impl Fn(&Gate, Q) -> Result<P, Denial>,
        ask: impl AsyncFn(&World, &P) -> Result<T, Failure>,
    ) -> wasmtime::Result<Vec<Answer<T>>>
    where
        T: Crosses + Serialize,
    {
        let Outside { world, gate } = self.outside(what)?;
        let counted = self.meter.ask(questions.len());
        self.or_fail(counted)?;
        let handle = match Handle::try_current() {
            Ok(handle) => handle,
            Err(error) => return self.fail(What::Host(format!("no question can be asked here: {error}"))),
        };
        let permits: Vec<Result<P, Denial>> = questions.into_iter().map(|question| permit(&gate, question)).collect();

        let limit = self.meter.limits().question_time;
        let ask_one = async |permit: Result<P, Denial>| match timeout(limit, ask(&world, &permit?)).await {
            Ok(answer) => answer,
            Err(_) => {
                world.memo.note_unanswered();
                Err(Failure::TimedOut)
            }
        };
        let began = Instant::now();
        let asking = stream::iter(permits).map(ask_one).buffered(AT_ONCE).collect::<Vec<_>>();
        let answers = handle.block_on(asking);
        let waited = self.meter.wait(began.elapsed());
        self.or_fail(waited)?;
        answers.into_iter().map(|answer| self.hand_over(what, answer, &world)).collect()
    }

    /// The last look at an answer before the plugin has it.
    fn hand_over<T>(
        &mut self,
        what: &'static str,
        answer: Result<T, Failure>,
        world: &World,
    ) -> wasmtime::Result<Answer<T>>
    where
        T: Crosses + Serialize,
    {
        let answer = match answer {
            Ok(answer) => Ok(answer),
            Err(Failure::Denied(denial)) => {
                self.denied(denial.clone());
                Err(Failure::Denied(denial))
            }
            Err(Failure::Unreachable(why)) => Err(Failure::Unreachable(world.vault.redact(&why))),
            Err(Failure::Other(why)) => Err(Failure::Other(world.vault.redact(&why))),
            Err(failure) => Err(failure),
        };
        let mut holds_secret = false;
        let scanned = each_string(&answer, |text| {
            holds_secret |= world.vault.finds_secret_in(text);
            !holds_secret
        });
        self.or_fail(scanned.map_err(What::Host))?;
        if holds_secret {
            return self.fail(What::SecretInAnswer(what));
        }
        match &answer {
            Err(Failure::Denied(denial)) => self.record(what, &denial.to_string())?,
            answer => self.record(what, answer)?,
        }
        Ok(answer.map(Crosses::cross).map_err(convert::failure))
    }

    /// Tells the recorder what crosses.
    pub fn record(&mut self, what: &str, value: &impl Serialize) -> wasmtime::Result<()> {
        let Some(recorder) = self.recorder.clone() else { return Ok(()) };
        let plugin = self.plugin.clone();
        let recorded = each_string(value, |text| {
            recorder.crossed(&plugin, what, text);
            true
        });
        self.or_fail(recorded.map_err(What::Host))
    }
}
