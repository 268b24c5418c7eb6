//! Steps: the typed effects that the host can carry out. Each kind is one module.
//!
//! A step lives through this: the gate looks at it when a plugin makes it ([`StepKind::permit`]); the plan shows it
//! ([`StepKind::preview`]); apply has the gate look again, keeps what it will change ([`StepKind::before`]), carries it
//! out ([`StepKind::carry_out`]), and takes it back when its action fails ([`StepKind::revert`]).

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Acting, Gate};
use crate::model::{Denial, Failure, value::Target};

/// A step as a reviewer sees it. Never holds a secret: holes are shown by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// One line: `write /srv/…/config.toml (0600)`, or the SQL statement itself.
    pub headline: String,
    /// What there is to read: a diff, a definition, a request.
    pub lines: Vec<PreviewLine>,
}

impl Preview {
    /// Lines that are shown of one step.
    const MOST_LINES: usize = 2_000;
    /// Characters that are shown of one line.
    const LONGEST_LINE: usize = 2_000;

    /// The same, as long as somebody may want to read it; what is left out is said.
    pub fn limited(mut self) -> Self {
        for line in &mut self.lines {
            if let Some((cut, _)) = line.text.char_indices().nth(Self::LONGEST_LINE) {
                let more = line.text[cut..].chars().count();
                line.text.truncate(cut);
                line.text.push_str(&format!("… (and {more} more characters)"));
            }
        }
        if self.lines.len() > Self::MOST_LINES {
            let cut = self.lines.split_off(Self::MOST_LINES);
            let count = |sign: Sign| cut.iter().filter(|line| line.sign == sign).count();
            let (added, removed) = (count(Sign::Added), count(Sign::Removed));
            let text = format!(
                "(and {} more lines, {added} added and {removed} removed; plan --json has all that is written)",
                cut.len()
            );
            self.lines.push(PreviewLine { sign: Sign::Same, text });
        }
        self
    }
}

/// A line of a preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewLine {
    /// What it means in a diff.
    pub sign: Sign,
    /// The text, control characters escaped.
    pub text: String,
}

/// What a line means in a diff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Sign {
    Same,
    Added,
    Removed,
}

/// What is known of a step that was begun when the run was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Carrying it out again does no harm.
    Repeatable,
    /// The world tells whether it happened ([`StepKind::is_done`]).
    Detectable,
    /// Nobody can tell; it is reported, never hidden.
    Unknowable,
}

/// Why a step could not be carried out, for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum StepFailure {
    /// The gate refused it.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// A condition did not hold; `because` is what the world said last, log lines included.
    #[error("{says}: {because}")]
    Unproven {
        /// The condition, in words.
        says: String,
        /// What was seen instead.
        because: String,
    },
    /// Everything else.
    #[error("{0:#}")]
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for StepFailure {
    fn from(error: anyhow::Error) -> Self {
        StepFailure::Failed(error)
    }
}

impl From<Failure> for StepFailure {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Denied(denial) => StepFailure::Denied(denial),
            other => StepFailure::Failed(anyhow::Error::new(other)),
        }
    }
}

/// What every kind of step can do.
#[allow(async_fn_in_trait)]
pub trait StepKind {
    /// What is kept from before the step, for its revert. It may hold secrets: the journal encrypts it.
    type Before: Serialize + DeserializeOwned;

    /// Asks the gate. Called when the step is made, when a saved plan is read, and before it is carried out.
    fn permit(&self, gate: &Gate) -> Result<(), Denial>;

    /// How the reviewer sees it; may look at the world for a diff.
    async fn preview(&self, acting: &Acting<'_>) -> Preview;

    /// Looks at what the step is about to change.
    async fn before(&self, acting: &Acting<'_>) -> Result<Self::Before, StepFailure>;

    /// Acts.
    async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure>;

    /// Puts back what `before` found.
    async fn revert(&self, before: &Self::Before, acting: &Acting<'_>) -> Result<(), StepFailure>;

    /// What may be done with it after a kill.
    fn repeat(&self) -> Repeat;

    /// Whether the world shows that it has been carried out; asked only of detectable steps.
    async fn is_done(&self, acting: &Acting<'_>) -> Result<bool, StepFailure>;

    /// What it means for whoever looks at a plan. Every kind has to answer every part of it.
    fn facts(&self) -> Facts<'_>;
}

/// What has to be known of a step before it is carried out. Nothing in it has a default: what is forgotten would count as
/// harmless.
#[derive(Debug)]
pub struct Facts<'a> {
    /// Every target that it fills in, with repetitions.
    pub fills: Vec<&'a Target>,
    /// Where these go, for the list of secrets: `file /srv/…/config.toml`; none is the step's headline.
    pub place: Option<String>,
    /// Every target that it makes, or makes anew.
    pub makes: Vec<&'a Target>,
    /// The path at which it makes, writes or removes something.
    pub path: Option<&'a str>,
    /// Who carries it out where another program keeps the files of a connection (`write = "print"`).
    pub written_by: WrittenBy,
    /// Whether data is gone after it.
    pub destroys: Destroys,
    /// Whether it makes changes take effect, and may stand where an action settles.
    pub settles: Settles,
    /// The thing that it takes away, as whoever owns it would name it: connection, kind and name. What lies at a path is
    /// told by the path.
    pub takes: Option<[&'a str; 3]>,
}

impl Facts<'static> {
    /// Of a step that is none of it: it fills in, makes and destroys nothing, writes no path, and does not settle.
    /// Outside of this file only as a whole, so that nothing is left out beside what is given.
    pub const NONE: Self = Self {
        fills: Vec::new(),
        place: None,
        makes: Vec::new(),
        path: None,
        written_by: WrittenBy::Stackrun,
        destroys: Destroys::Nothing,
        settles: Settles::No,
        takes: None,
    };
}

impl<'a> Facts<'a> {
    /// Of a step that acts at a path and does nothing else.
    pub fn at(path: &'a str, written_by: WrittenBy, destroys: Destroys) -> Self {
        Self { path: Some(path), written_by, destroys, ..Facts::NONE }
    }

    /// Of a step that takes a thing away, which the host can put back, and does nothing else.
    pub fn taking(thing: [&'a str; 3]) -> Self {
        Self { takes: Some(thing), ..Facts::NONE }
    }

    /// Of a step that may make changes take effect, and does nothing else.
    pub fn settling(settles: Settles) -> Self {
        Self { settles, ..Facts::NONE }
    }

    /// Of a step that writes the files of a connection, and does nothing else.
    pub fn written(written_by: WrittenBy) -> Self {
        Self { written_by, ..Facts::NONE }
    }
}

/// Whether a step may settle an action: it runs again after reverts, once for several actions, and a reviewer expects
/// nothing else of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settles {
    /// It is a reload or a restart.
    Yes,
    /// It is anything else.
    No,
}

/// Who carries a step out where another program keeps the files of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenBy {
    /// stackrun, as everywhere.
    Stackrun,
    /// Whoever keeps the file: stackrun prints what is to be written.
    WhoeverKeepsTheFile,
}

/// Whether data is gone after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destroys {
    /// What it takes away, the host can put back; or nobody can tell, and the operator named it in the grants.
    Nothing,
    /// Nothing brings back what was there.
    Data,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_is_cut_and_says_what_is_left_out() {
        let line = |text: &str, sign: Sign| PreviewLine { sign, text: text.to_owned() };
        let of = |lines: Vec<PreviewLine>| Preview { headline: "write".to_owned(), lines }.limited().lines;
        assert_eq!(of(vec![line("short", Sign::Same)]), [line("short", Sign::Same)]);
        let long = of(vec![line(&"é".repeat(2_500), Sign::Added)]);
        assert!(long[0].text.ends_with("é… (and 500 more characters)"), "{}", long[0].text);
        let mut many = vec![line("x", Sign::Removed); 40_000];
        many.extend(vec![line("y", Sign::Added); 40_000]);
        let shown = of(many);
        assert_eq!(shown.len(), 2_001);
        let note = &shown[2_000].text;
        assert!(note.starts_with("(and 78000 more lines, 40000 added and 38000 removed"), "{note}");
    }
}
