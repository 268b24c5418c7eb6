//! How much a call of a plugin may use. Each limit is generous for a real plugin and small for the machine.

use std::{io, time::Duration};

use serde::Serialize;
use wasmtime::ResourceLimiter;

use super::What;

/// Limits of one call.
#[derive(Clone, Debug)]
pub struct Limits {
    /// WebAssembly instructions, about.
    pub fuel: u64,
    /// Bytes of each linear memory.
    pub memory: usize,
    /// Elements of each table.
    pub table: usize,
    /// Bytes that the plugin hands over in one crossing, its answer included.
    pub crossing: usize,
    /// Bytes of log messages.
    pub log: usize,
    /// Bytes of all resources that the plugin makes, every change of one counted as a new one.
    pub kept: usize,
    /// Resources that exist at one time.
    pub resources: usize,
    /// Derived references.
    pub derived: usize,
    /// Questions, counted one by one.
    pub questions: usize,
    /// Words that are looked for in files.
    pub mentions: usize,
    /// Actions, things, checks and outputs, of each.
    pub actions: usize,
    /// Steps of a plan, those of reverts and undo included.
    pub steps: usize,
    /// How long one question may take.
    pub question_time: Duration,
    /// How long all questions of a call may take together.
    pub waiting_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: 500_000_000,
            memory: 64 << 20,
            table: 20_000,
            crossing: 8 << 20,
            log: 64 << 10,
            kept: 128 << 20,
            resources: 20_000,
            derived: 1_000,
            questions: 2_000,
            mentions: 16,
            actions: 1_000,
            steps: 10_000,
            question_time: Duration::from_secs(20),
            waiting_time: Duration::from_secs(120),
        }
    }
}

/// What a call has used of its limits so far.
#[derive(Debug)]
pub struct Meter {
    limits: Limits,
    logged: usize,
    kept: usize,
    asked: usize,
    mentioned: usize,
    waited: Duration,
    /// A memory or table that was not let grow.
    refused: Option<What>,
}

impl Meter {
    /// Nothing used yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, logged: 0, kept: 0, asked: 0, mentioned: 0, waited: Duration::ZERO, refused: None }
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Counts a log message.
    pub fn log(&mut self, bytes: usize) -> Result<(), What> {
        self.logged = self.logged.saturating_add(bytes);
        match self.logged > self.limits.log {
            true => Err(What::TooMuch(format!("more than {} kB of log messages", self.limits.log / 1000))),
            false => Ok(()),
        }
    }

    /// Counts what the host keeps for the plugin. The plugin pays nothing for it: a clone of a large thing is one call.
    pub fn keep(&mut self, value: &impl Serialize) -> Result<(), What> {
        let mut size = Size(0);
        serde_json::to_writer(&mut size, value).map_err(|error| What::Host(error.to_string()))?;
        self.kept = self.kept.saturating_add(size.0);
        match self.kept > self.limits.kept {
            true => Err(What::TooMuch(format!(
                "more than {} MiB of steps and what they are made of",
                self.limits.kept >> 20
            ))),
            false => Ok(()),
        }
    }

    /// Counts questions, before they are asked.
    pub fn ask(&mut self, number: usize) -> Result<(), What> {
        self.asked = self.asked.saturating_add(number);
        match self.asked > self.limits.questions {
            true => Err(What::TooMuch(format!("more than {} questions", self.limits.questions))),
            false => Ok(()),
        }
    }

    /// Counts words that are looked for in files, however many files those are.
    pub fn mention(&mut self) -> Result<(), What> {
        self.mentioned += 1;
        match self.mentioned > self.limits.mentions {
            true => Err(What::TooMuch(format!("more than {} words to be looked for in files", self.limits.mentions))),
            false => Ok(()),
        }
    }

    /// Counts the time that questions took.
    pub fn wait(&mut self, time: Duration) -> Result<(), What> {
        self.waited = self.waited.saturating_add(time);
        match self.waited > self.limits.waiting_time {
            true => Err(What::TooSlow(self.limits.waiting_time.as_secs())),
            false => Ok(()),
        }
    }

    /// The memory or table that was not let grow, if that happened.
    pub fn refused(&mut self) -> Option<What> {
        self.refused.take()
    }
}

/// Fails the growth itself: a guest that gets "no" from `memory.grow` only panics in words that nobody understands.
impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        if desired > self.limits.memory {
            self.refused = Some(What::OutOfMemory(self.limits.memory));
            wasmtime::bail!("the memory limit");
        }
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        if desired > self.limits.table {
            self.refused = Some(What::OutOfTable(self.limits.table));
            wasmtime::bail!("the table limit");
        }
        Ok(true)
    }
}

/// Counts what is written.
struct Size(usize);

impl io::Write for Size {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_few_words_are_looked_for_in_files() {
        let mut meter = Meter::new(Limits::default());
        assert!((0..16).all(|_| meter.mention().is_ok()));
        assert!(meter.mention().unwrap_err().to_string().contains("more than 16 words"));
    }
}
