//! Writing a file, or the block of an instance in one.

use anyhow::{Context, anyhow};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::{Within, find, markers, parent, place, secret_place, standing};
use crate::{
    capability::{
        Acting, Destroys, Facts, Gate, Preview, Repeat, Settles, StepFailure, StepKind, WrittenBy, diff::diff,
    },
    document,
    model::{
        Denial, Permit, Sameness,
        desired::{Position, Region, WantedFile},
    },
    world::{
        World,
        disk::{self, Found, Locked, Owner},
        state::PlaceRecord,
    },
};

/// What was there before a file was written. It may hold secrets: the journal seals it.
#[derive(Debug, Serialize, Deserialize)]
pub struct FileBefore {
    pub(crate) found: Option<FileFound>,
    /// The lines of the block; none when the region is the whole file, or there was no block.
    pub(crate) block: Option<Encoded>,
    pub(crate) place: Option<(String, String)>,
    pub(crate) held_secret: bool,
}

/// A file as it was.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FileFound {
    /// None when only a block is written: the rest belongs to others.
    bytes: Option<Encoded>,
    mode: u32,
    owner: Owner,
}

/// Bytes in base64, wiped when dropped.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Encoded(String);

impl Drop for Encoded {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Encoded {
    fn new(bytes: &[u8]) -> Self {
        Self(STANDARD.encode(bytes))
    }

    fn bytes(&self) -> Result<Zeroizing<Vec<u8>>, StepFailure> {
        let bytes = STANDARD.decode(&self.0).context("the journal's copy of a file is damaged")?;
        Ok(Zeroizing::new(bytes))
    }
}

impl WantedFile {
    /// One line for plan, progress and errors.
    pub fn headline(&self) -> String {
        match self.region {
            Region::Whole => format!("write {} ({:04o})", self.path, self.mode),
            Region::Block { .. } => format!("write the stack's block in {}", self.path),
        }
    }
}

impl StepKind for WantedFile {
    type Before = FileBefore;

    fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        gate.file_write(self.clone()).map(drop)
    }

    async fn preview(&self, acting: &Acting<'_>) -> Preview {
        let vault = &acting.world.vault;
        // A secret that was written into it before may be one that nobody knows by now.
        let held = acting.world.holds_secret(&self.path).unwrap_or(true);
        let marked = held || self.content.targets().iter().any(|target| vault.is_secret(target));
        let lines = document::mask(&self.content, &|target| vault.marker(target)).map_or_else(
            |refused| {
                vec![crate::capability::PreviewLine {
                    sign: crate::capability::Sign::Same,
                    text: format!("(not writable: {refused})"),
                }]
            },
            |after| {
                let before = acting.gate.file_write(self.clone()).ok().and_then(|permit| {
                    let part = standing(permit.subject()).ok()?.part?;
                    Some(vault.redact(&String::from_utf8_lossy(&part)))
                });
                diff(&before.unwrap_or_default(), &after, marked)
            },
        );
        let owner = self.owner.as_ref().map(|owner| format!(", {}:{}", owner.user, owner.group)).unwrap_or_default();
        let adopts =
            self.adopts.as_ref().map_or("", |_| ", in place of the file there, which this stack has not written");
        Preview { headline: self.headline() + &owner + adopts, lines }
    }

    async fn before(&self, acting: &Acting<'_>) -> Result<FileBefore, StepFailure> {
        let permit = acting.gate.file_write(self.clone())?;
        let within = permit.subject();
        let standing = standing(within)?;
        let whole = self.region == Region::Whole;
        let found = standing.found.as_ref().map(|found| FileFound {
            bytes: whole.then(|| Encoded::new(&found.bytes)),
            mode: found.mode,
            owner: found.owner,
        });
        let block = standing.part.as_ref().filter(|_| !whole).map(|part| Encoded::new(part));
        let state = &acting.world.state;
        let place = state.place(&place(within))?.map(|place| (place.want, place.written));
        Ok(FileBefore { found, block, place, held_secret: state.place(&secret_place(&within.path))?.is_some() })
    }

    async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let permit = acting.gate.file_write(self.clone())?;
        let (world, within) = (acting.world, permit.subject());
        // What a secret was written into must be known before it is there: whoever reads asks state first.
        let secret = self.content.targets().iter().any(|target| world.vault.is_secret(target));
        if secret {
            let mark = PlaceRecord { want: String::new(), written: String::new() };
            world.state.set_place(&secret_place(&within.path), Some(&mark))?;
        }
        let part = world.rendered(self)?;
        put(&permit, &part, world)?;
        remember(world, &permit, &part)
    }

    async fn revert(&self, before: &FileBefore, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let permit = acting.gate.file_write(self.clone())?;
        let within = permit.subject();
        put_back(&permit, before, acting.world)?;
        let state = &acting.world.state;
        let record = before.place.clone().map(|(want, written)| PlaceRecord { want, written });
        state.set_place(&place(within), record.as_ref())?;
        // Other blocks of the file may hold secrets by now.
        if self.region == Region::Whole && !before.held_secret {
            state.set_place(&secret_place(&within.path), None)?;
        }
        Ok(())
    }

    fn repeat(&self) -> Repeat {
        Repeat::Repeatable
    }

    async fn is_done(&self, acting: &Acting<'_>) -> Result<bool, StepFailure> {
        let permit = acting.gate.file_write(self.clone())?;
        let comparison = acting.world.file_compare(&permit).await?;
        Ok(comparison.content == Sameness::Same && comparison.mode == Sameness::Same)
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            fills: self.content.targets(),
            place: Some(format!("file {}", self.path)),
            makes: Vec::new(),
            path: Some(&self.path),
            written_by: WrittenBy::WhoeverKeepsTheFile,
            destroys: Destroys::Nothing,
            settles: Settles::No,
            takes: None,
        }
    }
}

/// Puts the part in its place: the file locked, written aside, synced, renamed.
fn put(permit: &Permit<Within<WantedFile>>, part: &[u8], world: &World) -> Result<(), StepFailure> {
    let within = permit.subject();
    let wanted = &within.asked;
    let (folder, name) = locked_parent(within)?;
    let found = find(within)?;
    if let Some(found) = &found
        && let Some(digest) = world.by_others(within, found)?
        && wanted.adopts.as_ref() != Some(&digest)
    {
        return Err(not_ours(&within.path));
    }
    let owner = match &wanted.owner {
        Some(owner) => Some(Owner::named(&owner.user, &owner.group).with_context(|| within.path.clone())?),
        None => None,
    };
    let (bytes, mode, owner) = match (&wanted.region, &found) {
        (Region::Whole, found) => {
            let kept = found.as_ref().map(|found| found.owner);
            (Zeroizing::new(part.to_vec()), wanted.mode, owner.or(kept))
        }
        (Region::Block { comment, position }, found) => {
            let text = found.as_ref().map_or(&[][..], |found| &found.bytes);
            let bytes = with_block(within, comment, text, Some(part), *position)?;
            match found {
                Some(found) => (bytes, found.mode, Some(found.owner)),
                None => (bytes, wanted.mode, owner),
            }
        }
    };
    Ok(folder.replace(&name, &bytes, mode, owner).with_context(|| not_written(&within.path))?)
}

fn put_back(permit: &Permit<Within<WantedFile>>, before: &FileBefore, world: &World) -> Result<(), StepFailure> {
    let within = permit.subject();
    let (folder, name) = locked_parent(within)?;
    let now = find(within)?;
    if let (Region::Whole, Some(now)) = (&within.asked.region, &now) {
        let written = world.state.place(&place(within))?.map(|place| place.written);
        let ours = written == Some(world.vault.digest(&now.bytes)?) || world.is_as_wanted(within, now);
        if !ours {
            // The step failed before it wrote, or somebody has changed it since.
            let untouched = before.whole()?.is_some_and(|(then, ..)| *then == *now.bytes);
            return if untouched { Ok(()) } else { Err(left_alone(&within.path)) };
        }
    }
    match (&within.asked.region, &before.found, now) {
        (_, None, None) => Ok(()),
        (Region::Whole, None, Some(_)) => remove(&folder, &name, &within.path),
        (Region::Whole, Some(_), _) => {
            let (bytes, mode, owner) = before.whole()?.context("the journal has no copy of the file")?;
            write(&folder, &name, &bytes, mode, owner, &within.path)
        }
        // Others may have changed the rest of the file meanwhile: only the block goes back.
        (Region::Block { comment, position }, then, now) => {
            let block = before.block.as_ref().map(Encoded::bytes).transpose()?;
            let text = now.as_ref().map_or(&[][..], |now| &now.bytes);
            let bytes = with_block(within, comment, text, block.as_ref().map(|block| block.as_slice()), *position)?;
            match (then, now) {
                (None, Some(_)) if bytes.is_empty() => remove(&folder, &name, &within.path),
                (_, Some(Found { mode, owner, .. })) => write(&folder, &name, &bytes, mode, owner, &within.path),
                (Some(then), None) => write(&folder, &name, &bytes, then.mode, then.owner, &within.path),
                (None, None) => Ok(()),
            }
        }
    }
}

fn with_block(
    within: &Within<WantedFile>,
    comment: &str,
    text: &[u8],
    block: Option<&[u8]>,
    position: Position,
) -> Result<Zeroizing<Vec<u8>>, StepFailure> {
    let markers = markers(within, comment);
    let bytes = match block {
        Some(block) => markers.put(text, block, position),
        None => markers.remove(text),
    };
    Ok(Zeroizing::new(bytes.map_err(|damage| anyhow!("{}: {damage}", within.path))?))
}

fn remember(world: &World, permit: &Permit<Within<WantedFile>>, part: &[u8]) -> Result<(), StepFailure> {
    let within = permit.subject();
    let want = world.want_digest(&within.asked.content)?;
    let want = want.context("a secret that was written is gone from the store again")?;
    let record = PlaceRecord { want, written: world.vault.digest(part)? };
    world.state.set_place(&place(within), Some(&record))?;
    world.vault.remember()?;
    Ok(())
}

/// The directory that a file lies in, locked, and its name there; none when there is no such directory.
pub(crate) fn locked<T>(within: &Within<T>) -> Result<Option<(Locked, String)>, StepFailure> {
    let Some((directory, name)) = parent(within)? else { return Ok(None) };
    Ok(Some((disk::lock(&directory).with_context(|| within.path.clone())?, name)))
}

pub(crate) fn locked_parent<T>(within: &Within<T>) -> Result<(Locked, String), StepFailure> {
    locked(within)?.ok_or_else(|| {
        let directory = std::path::Path::new(&within.path).parent().unwrap_or(&within.root);
        anyhow!("{} can't be written: there is no directory {}", within.path, directory.display()).into()
    })
}

fn not_ours(path: &str) -> StepFailure {
    anyhow!(
        "{path} is not written: the file that is there is not this stack's, and not one that the plan takes over\n  move it \
         away, and run the same again"
    )
    .into()
}

pub(crate) fn left_alone(path: &str) -> StepFailure {
    anyhow!("{path} is left as it is: it is not what this stack wrote there").into()
}

pub(crate) fn write(
    folder: &Locked,
    name: &str,
    bytes: &[u8],
    mode: u32,
    owner: Owner,
    path: &str,
) -> Result<(), StepFailure> {
    Ok(folder.replace(name, bytes, mode, Some(owner)).with_context(|| not_written(path))?)
}

pub(crate) fn remove(folder: &Locked, name: &str, path: &str) -> Result<(), StepFailure> {
    Ok(folder.remove(name).with_context(|| format!("{path} can't be removed"))?)
}

fn not_written(path: &str) -> String {
    format!("{path} can't be written")
}

/// Bytes, mode and owner of a file.
pub(crate) type Whole = (Zeroizing<Vec<u8>>, u32, Owner);

impl FileBefore {
    /// A whole file as it was found, for steps that remove it.
    pub(crate) fn of(found: Option<&Found>, place: Option<PlaceRecord>, held_secret: bool) -> Self {
        let found = found.map(|found| FileFound {
            bytes: Some(Encoded::new(&found.bytes)),
            mode: found.mode,
            owner: found.owner,
        });
        Self { found, block: None, place: place.map(|place| (place.want, place.written)), held_secret }
    }

    /// The whole file.
    pub(crate) fn whole(&self) -> Result<Option<Whole>, StepFailure> {
        let Some(FileFound { bytes: Some(bytes), mode, owner }) = &self.found else { return Ok(None) };
        Ok(Some((bytes.bytes()?, *mode, *owner)))
    }
}
