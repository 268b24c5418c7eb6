//! The lines that let an instance's role in: a marked block in pg_hba.conf and one in pg_ident.conf.
//!
//! A broken line is harmless until the next start of the server, which then fails. So the server parses what was written
//! before anything is reloaded, and the old bytes are back when it does not like them. After a kill in the middle the
//! step is simply carried out again: it writes the same bytes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    ConfigHere, HbaRule, HbaRules, Marked,
    client::{Postgresql, Session},
    config_file::Lock,
    hba::{self, ConfigFile, ServerFile},
};
use crate::{
    capability::{Acting, Facts, Gate, Preview, PreviewLine, Repeat, Sign, StepFailure, StepKind, WrittenBy},
    model::{
        Denial, Failure, Permit, WriteMode,
        desired::{Admission, Position},
    },
};

/// `sql.revoke-admission` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeAdmission {
    /// Name of the connection.
    pub connection: String,
}

/// The instance's blocks as they were; none where there was none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocks {
    hba: Option<String>,
    ident: Option<String>,
}

impl Admission {
    /// One line.
    pub fn headline(&self) -> String {
        format!("let {} in on {}", roles(self), &self.connection)
    }
}

impl StepKind for Admission {
    type Before = Blocks;

    fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        gate.sql_admission(self.clone()).map(|_| ())
    }

    async fn preview(&self, acting: &Acting<'_>) -> Preview {
        let headline = self.headline();
        match acting.gate.sql_admission(self.clone()) {
            Ok(permit) => preview(headline, &permit, acting).await,
            Err(denial) => Preview { headline, lines: vec![line(Sign::Same, &denial.to_string())] },
        }
    }

    async fn before(&self, acting: &Acting<'_>) -> Result<Blocks, StepFailure> {
        current(&acting.gate.sql_admission(self.clone())?, acting).await.map_err(StepFailure::from)
    }

    async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let permit = acting.gate.sql_admission(self.clone())?;
        write(&permit, &wanted(self), acting).await.map_err(StepFailure::from)
    }

    async fn revert(&self, before: &Blocks, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let permit = acting.gate.sql_revoke(self.connection.clone())?;
        write(&permit, before, acting).await.map_err(StepFailure::from)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Repeatable
    }

    async fn is_done(&self, acting: &Acting<'_>) -> Result<bool, StepFailure> {
        Ok(self.before(acting).await? == wanted(self))
    }

    fn facts(&self) -> Facts<'_> {
        Facts::written(WrittenBy::WhoeverKeepsTheFile)
    }
}

impl RevokeAdmission {
    /// One line.
    pub fn headline(&self) -> String {
        format!("take back the lines that let it in on {}", self.connection)
    }
}

impl StepKind for RevokeAdmission {
    type Before = Blocks;

    fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        gate.sql_revoke(self.connection.to_owned()).map(|_| ())
    }

    async fn preview(&self, acting: &Acting<'_>) -> Preview {
        let headline = self.headline();
        match acting.gate.sql_revoke(self.connection.to_owned()) {
            Ok(permit) => preview(headline, &permit, acting).await,
            Err(denial) => Preview { headline, lines: vec![line(Sign::Same, &denial.to_string())] },
        }
    }

    async fn before(&self, acting: &Acting<'_>) -> Result<Blocks, StepFailure> {
        current(&acting.gate.sql_revoke(self.connection.to_owned())?, acting).await.map_err(StepFailure::from)
    }

    async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let permit = acting.gate.sql_revoke(self.connection.to_owned())?;
        write(&permit, &Blocks::default(), acting).await.map_err(StepFailure::from)
    }

    async fn revert(&self, before: &Blocks, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let permit = acting.gate.sql_revoke(self.connection.to_owned())?;
        write(&permit, before, acting).await.map_err(StepFailure::from)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Repeatable
    }

    async fn is_done(&self, acting: &Acting<'_>) -> Result<bool, StepFailure> {
        Ok(self.before(acting).await? == Blocks::default())
    }

    fn facts(&self) -> Facts<'_> {
        Facts::written(WrittenBy::WhoeverKeepsTheFile)
    }
}

/// An admission without lines in a file has no block there.
fn wanted(admission: &Admission) -> Blocks {
    let block = |text: String| Some(text).filter(|text| !text.is_empty());
    Blocks { hba: block(admission.hba_text()), ident: block(admission.ident_text()) }
}

impl Blocks {
    fn of(&self, which: ConfigFile) -> Option<&str> {
        match which {
            ConfigFile::Hba => self.hba.as_deref(),
            ConfigFile::Ident => self.ident.as_deref(),
        }
    }
}

/// The ident map first: the rule that names it comes after.
const FILES: [ConfigFile; 2] = [ConfigFile::Ident, ConfigFile::Hba];

fn server(marked: &Marked<Admission>, acting: &Acting<'_>) -> Result<Arc<Postgresql>, Failure> {
    acting.world.connections.postgresql(&marked.what.connection)
}

async fn current(permit: &Permit<Marked<Admission>>, acting: &Acting<'_>) -> Result<Blocks, Failure> {
    let marked = permit.subject();
    let session = server(marked, acting)?.session(None).await?;
    let mut found = Blocks::default();
    for which in FILES {
        let file = hba::read_file(&session, which).await?;
        let block = marked.markers().find(&file.bytes).map_err(|damage| file.damaged(&damage))?;
        let block = block.map(|block| String::from_utf8_lossy(block).into_owned());
        match which {
            ConfigFile::Hba => found.hba = block,
            ConfigFile::Ident => found.ident = block,
        }
    }
    Ok(found)
}

/// The file with the block as it shall be.
fn edited(marked: &Marked<Admission>, file: &ServerFile, block: Option<&str>) -> Result<Vec<u8>, Failure> {
    let edited = match block {
        Some(text) => marked.markers().put(&file.bytes, text.as_bytes(), Position::First),
        None => marked.markers().remove(&file.bytes),
    };
    edited.map_err(|damage| file.damaged(&damage))
}

async fn write(permit: &Permit<Marked<Admission>>, blocks: &Blocks, acting: &Acting<'_>) -> Result<(), Failure> {
    let marked = permit.subject();
    let server = server(marked, acting)?;
    if server.settings().write == WriteMode::Print {
        return Ok(());
    }
    let session = server.session(None).await?;
    let others = others_rules(&session, marked).await?;
    let hba = hba::read_file(&session, ConfigFile::Hba).await?;
    let mut lock = None;
    let mut written: Vec<(ConfigHere, Vec<u8>)> = Vec::new();
    for which in FILES {
        // Nothing of ours there and nothing wanted: the file need not even be within reach.
        let file = hba::read_file(&session, which).await?;
        if edited(marked, &file, blocks.of(which))? == file.bytes {
            continue;
        }
        if lock.is_none() {
            lock = Some(Lock::beside(&hba).await.map_err(unwritable)?);
        }
        match write_one(&session, marked, which, blocks.of(which)).await {
            Ok(done) => written.push(done),
            Err(failure) => return Err(put_back(&written, failure)),
        }
    }
    match accepted(&session, marked, &others).await {
        Ok(()) => Ok(()),
        Err(failure) => Err(put_back(&written, failure)),
    }
}

/// Whether the server parses what was written, and reads everybody else's rules as it did before.
async fn accepted(session: &Session, marked: &Marked<Admission>, others: &[HbaRule]) -> Result<(), Failure> {
    if let Some(line) = hba::rules(session, None).await?.broken.first() {
        return Err(Failure::Other(format!(
            "PostgreSQL does not accept the new lines: {} line {}: {}",
            line.file, line.line, line.error
        )));
    }
    // A comment that ends with a backslash goes on in the next line: a block put there would cut it off.
    match others_rules(session, marked).await? == others {
        true => Ok(()),
        false => Err(Failure::Other("PostgreSQL would read other rules of pg_hba.conf in another way".to_owned())),
    }
}

/// The rules that are not this instance's, wherever they stand. With somebody else's broken line in a file nothing is
/// written: ours would come into force only after that is corrected.
async fn others_rules(session: &Session, marked: &Marked<Admission>) -> Result<Vec<HbaRule>, Failure> {
    let HbaRules { rules, broken, .. } = hba::rules(session, Some(&marked.markers())).await?;
    match broken.first() {
        None => Ok(rules.into_iter().filter(|rule| !rule.ours).map(|rule| HbaRule { line: 0, ..rule }).collect()),
        Some(line) => Err(Failure::Other(format!(
            "{} line {} is broken ({}): with it no reload takes effect, and the next start of PostgreSQL fails; correct \
             the line first",
            line.file, line.line, line.error
        ))),
    }
}

/// Writes one file, under the lock; answers with what it was.
async fn write_one(
    session: &Session,
    marked: &Marked<Admission>,
    which: ConfigFile,
    block: Option<&str>,
) -> Result<(ConfigHere, Vec<u8>), Failure> {
    let file = hba::read_file(session, which).await?;
    let here = ConfigHere::open(&file).map_err(unwritable)?;
    here.replace(&edited(marked, &file, block)?).map_err(unwritable)?;
    Ok((here, file.bytes))
}

fn unwritable(error: anyhow::Error) -> Failure {
    Failure::Other(format!("{error:#}"))
}

fn put_back(written: &[(ConfigHere, Vec<u8>)], failure: Failure) -> Failure {
    for (file, old) in written {
        if let Err(error) = file.replace(old) {
            return Failure::Other(format!("{failure}\n  and the file as it was could not be put back: {error:#}"));
        }
    }
    match written.is_empty() {
        true => failure,
        false => Failure::Other(format!("{failure}\n  the files are as they were before")),
    }
}

// ---- the preview -----------------------------------------------------------------------------------------------

async fn preview(headline: String, permit: &Permit<Marked<Admission>>, acting: &Acting<'_>) -> Preview {
    match preview_lines(permit, acting).await {
        Ok((print, lines)) => {
            let print =
                if print { ": put these lines in place yourself (write = \"print\"), nothing is written" } else { "" };
            Preview { headline: format!("{headline}{print}"), lines }
        }
        Err(failure) => {
            // What is there can't be told; what is wanted can.
            let text = acting.world.vault.redact(&failure.to_string());
            let admission = &permit.subject().what;
            let wanted = [admission.hba_text(), admission.ident_text()].concat();
            let wanted = wanted.lines().map(|text| line(Sign::Added, text));
            Preview { headline, lines: std::iter::once(line(Sign::Same, &text)).chain(wanted).collect() }
        }
    }
}

async fn preview_lines(
    permit: &Permit<Marked<Admission>>,
    acting: &Acting<'_>,
) -> Result<(bool, Vec<PreviewLine>), Failure> {
    let marked = permit.subject();
    let server = server(marked, acting)?;
    let session = server.session(None).await?;
    let mut lines = Vec::new();
    for which in FILES {
        let file = hba::read_file(&session, which).await?;
        let new = edited(marked, &file, wanted(&marked.what).of(which))?;
        lines.extend(diff(&file, &new));
    }
    Ok((server.settings().write == WriteMode::Print, lines))
}

/// A unified diff of one file, its name first; nothing when nothing changes.
fn diff(file: &ServerFile, new: &[u8]) -> Vec<PreviewLine> {
    let (old, new) = (String::from_utf8_lossy(&file.bytes), String::from_utf8_lossy(new));
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let diff = similar::TextDiff::from_slices(&old, &new);
    // Where a rule begins and ends, the file as it is decides: what is put into it adds no password.
    let shown = hba::without_passwords(&old);
    let mut lines = Vec::new();
    for hunk in diff.unified_diff().context_radius(2).iter_hunks() {
        let header = hunk.header().to_string();
        lines.push(line(Sign::Same, &format!("{} {header}", file.path.display())));
        for change in hunk.iter_changes() {
            let sign = match change.tag() {
                similar::ChangeTag::Equal => Sign::Same,
                similar::ChangeTag::Delete => Sign::Removed,
                similar::ChangeTag::Insert => Sign::Added,
            };
            let known = change.old_index().and_then(|index| shown.get(index));
            let text = known.map_or(change.value(), |line| &line.shown);
            lines.push(line(sign, text));
        }
    }
    lines
}

fn line(sign: Sign, text: &str) -> PreviewLine {
    let text = text
        .chars()
        .map(|c| if crate::words::is_unseen(c) && c != '\t' { c.escape_default().to_string() } else { c.into() });
    PreviewLine { sign, text: text.collect() }
}

fn roles(admission: &Admission) -> String {
    let mut roles: Vec<&str> = admission.hba.iter().map(|entry| entry.role.as_str()).collect();
    roles.dedup();
    roles.join(", ").escape_debug().to_string()
}
