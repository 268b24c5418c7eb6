//! The journal: what a run meant to do is on the disk before it does it, and how it went after.

use anyhow::Result;
use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use crate::{
    capability::Step,
    draft::Change,
    model::{Thing, value::Address},
    world::{State, state::parsed},
};

/// A run's number.
pub type RunId = i64;

/// A run that did not come to its end.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// The plan it carried out, as JSON.
    pub plan: String,
    /// What it did, in order.
    pub entries: Vec<JournalEntry>,
}

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Whose.
    pub address: Address,
    /// The thing that the action changes. Its key alone would not say which: a thing that has got another name leaves the
    /// one of its old name to be removed.
    pub thing: Thing,
    /// What happens to it.
    pub change: Change,
    /// Which move of the action; none for a settle.
    pub index: Option<usize>,
    /// The step.
    pub step: Step,
    /// How far it came.
    #[serde(skip, default = "Phase::intended")]
    pub phase: Phase,
    /// What it found before, sealed to the store's recipients.
    #[serde(skip)]
    pub before: Option<Vec<u8>>,
}

/// How far a step came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// It was about to begin, or had begun.
    Intended,
    /// It was carried out.
    Done,
    /// It failed; the world may be changed half.
    Failed,
}

impl Phase {
    fn intended() -> Self {
        Phase::Intended
    }

    fn word(self) -> &'static str {
        match self {
            Phase::Intended => "intended",
            Phase::Done => "done",
            Phase::Failed => "failed",
        }
    }
}

impl State {
    /// Begins a run with the plan it carries out.
    pub fn begin_run(&self, plan: &str) -> Result<RunId> {
        let sqlite = self.sqlite();
        sqlite.execute("insert into run (plan, status) values (?, 'running')", [plan])?;
        Ok(sqlite.last_insert_rowid())
    }

    /// Ends a run, whatever came of it: nothing is left to recover.
    pub fn end_run(&self, run: RunId, status: &str) -> Result<()> {
        let sqlite = self.sqlite();
        sqlite.execute("update run set status = ? where id = ?", params![status, run])?;
        // Before-images are of no more use, and the plans of old runs neither.
        sqlite.execute("update journal set before = null where run = ?", [run])?;
        sqlite.execute("delete from journal where run < ? - 20", [run])?;
        sqlite.execute("delete from run where id < ? - 20", [run])?;
        Ok(())
    }

    /// The run that was killed, if there is one.
    pub fn unfinished_run(&self) -> Result<Option<Run>> {
        let sqlite = self.sqlite();
        let found = sqlite
            .query_row("select id, plan from run where status = 'running' order by id desc limit 1", [], |row| {
                Ok((row.get::<_, RunId>(0)?, row.get::<_, String>(1)?))
            })
            .optional()?;
        let Some((id, plan)) = found else { return Ok(None) };
        let mut statement = sqlite.prepare("select entry, before, phase from journal where run = ? order by seq")?;
        let mut rows = statement.query([id])?;
        let mut entries = Vec::new();
        while let Some(row) = rows.next()? {
            let mut entry: JournalEntry = parsed(row.get_ref(0)?.as_str()?)?;
            entry.before = row.get(1)?;
            entry.phase = parsed(&format!("\"{}\"", row.get_ref(2)?.as_str()?))?;
            entries.push(entry);
        }
        Ok(Some(Run { id, plan, entries }))
    }

    /// Forgets the steps of an action that is complete: what is left in the journal is of actions that are not.
    pub fn forget_steps(&self, run: RunId, steps: &[i64]) -> Result<()> {
        let sqlite = self.sqlite();
        let mut statement = sqlite.prepare_cached("delete from journal where run = ? and seq = ?")?;
        for step in steps {
            statement.execute(params![run, step])?;
        }
        Ok(())
    }

    /// Writes an intent, synced to the disk when this returns. Gives its number in the run.
    pub fn intend(&self, run: RunId, entry: &JournalEntry) -> Result<i64> {
        let sqlite = self.sqlite();
        let seq: i64 = sqlite
            .prepare_cached("select coalesce(max(seq), 0) + 1 from journal where run = ?")?
            .query_row([run], |row| row.get(0))?;
        sqlite.prepare_cached("insert into journal values (?, ?, ?, ?, 'intended')")?.execute(params![
            run,
            seq,
            serde_json::to_string(entry)?,
            entry.before
        ])?;
        Ok(seq)
    }

    /// Writes how it went.
    pub fn outcome(&self, run: RunId, seq: i64, phase: Phase) -> Result<()> {
        self.sqlite().prepare_cached("update journal set phase = ? where run = ? and seq = ?")?.execute(params![
            phase.word(),
            run,
            seq
        ])?;
        Ok(())
    }
}
