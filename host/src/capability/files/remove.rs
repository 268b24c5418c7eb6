//! Removing a file, or the block of an instance from one.

use anyhow::anyhow;
use serde::{Deserialize, Serialize};

use super::{
    FileBefore, Within, block_place, find, markers, secret_place, whole_place,
    write::{left_alone, locked, locked_parent, remove, write},
};
use crate::{
    capability::{Acting, Destroys, Facts, Gate, Preview, PreviewLine, Repeat, Sign, StepFailure, StepKind, WrittenBy},
    model::Denial,
    words::printable,
    world::state::PlaceRecord,
};

/// `files.remove`: a file that this stack wrote. One that somebody else put there stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRemove {
    /// Absolute.
    pub path: String,
}

/// `files.remove-block`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRemoveBlock {
    /// Absolute.
    pub path: String,
    /// What starts a comment line.
    pub comment: String,
}

impl FileRemove {
    /// One line for plan, progress and errors.
    pub fn headline(&self) -> String {
        format!("remove {}", self.path)
    }
}

impl FileRemoveBlock {
    /// One line for plan, progress and errors.
    pub fn headline(&self) -> String {
        format!("remove the stack's block from {}", self.path)
    }
}

impl StepKind for FileRemove {
    type Before = FileBefore;

    fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        gate.path_change(self.path.to_owned()).map(drop)
    }

    async fn preview(&self, acting: &Acting<'_>) -> Preview {
        let part = acting.gate.path_change(self.path.to_owned()).ok().and_then(|permit| find(permit.subject()).ok()?);
        Preview {
            headline: self.headline(),
            lines: removed(acting, &self.path, part.as_ref().map(|found| &found.bytes[..])),
        }
    }

    async fn before(&self, acting: &Acting<'_>) -> Result<FileBefore, StepFailure> {
        let permit = acting.gate.path_change(self.path.to_owned())?;
        let within = permit.subject();
        let found = find(within)?;
        let state = &acting.world.state;
        let place = state.place(&whole_place(&within.path))?;
        if found.is_some() && place.is_none() {
            return Err(not_removed(&within.path));
        }
        let held_secret = state.place(&secret_place(&within.path))?.is_some();
        Ok(FileBefore::of(found.as_ref(), place, held_secret))
    }

    async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let permit = acting.gate.path_change(self.path.to_owned())?;
        let within = permit.subject();
        if let Some((folder, name)) = locked(within)?
            && find(within)?.is_some()
        {
            if acting.world.state.place(&whole_place(&within.path))?.is_none() {
                return Err(not_removed(&within.path));
            }
            remove(&folder, &name, &within.path)?;
        }
        acting.world.state.set_place(&whole_place(&within.path), None)?;
        acting.world.state.set_place(&secret_place(&within.path), None)?;
        Ok(())
    }

    async fn revert(&self, before: &FileBefore, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let permit = acting.gate.path_change(self.path.to_owned())?;
        let within = permit.subject();
        if let Some((bytes, mode, owner)) = before.whole()? {
            let (folder, name) = locked_parent(within)?;
            match find(within)? {
                None => write(&folder, &name, &bytes, mode, owner, &within.path)?,
                Some(now) if *now.bytes == *bytes => {}
                Some(_) => return Err(left_alone(&within.path)),
            }
        }
        put_back_places(acting, &whole_place(&within.path), within, before)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Repeatable
    }

    async fn is_done(&self, acting: &Acting<'_>) -> Result<bool, StepFailure> {
        let permit = acting.gate.path_change(self.path.to_owned())?;
        Ok(find(permit.subject())?.is_none())
    }

    fn facts(&self) -> Facts<'_> {
        Facts::at(&self.path, WrittenBy::WhoeverKeepsTheFile, Destroys::Nothing)
    }
}

impl StepKind for FileRemoveBlock {
    type Before = FileBefore;

    fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        gate.block_remove(&self.path, &self.comment).map(drop)
    }

    async fn preview(&self, acting: &Acting<'_>) -> Preview {
        let block = || {
            let permit = acting.gate.block_remove(&self.path, &self.comment).ok()?;
            let found = find(permit.subject()).ok()??;
            let block = markers(permit.subject(), &self.comment).find(&found.bytes).ok()??.to_vec();
            Some(zeroize::Zeroizing::new(block))
        };
        Preview {
            headline: self.headline(),
            lines: removed(acting, &self.path, block().as_ref().map(|block| &block[..])),
        }
    }

    async fn before(&self, acting: &Acting<'_>) -> Result<FileBefore, StepFailure> {
        let permit = acting.gate.block_remove(&self.path, &self.comment)?;
        let within = permit.subject();
        let found = find(within)?;
        if let Some(found) = &found {
            markers(within, &self.comment).find(&found.bytes).map_err(|damage| anyhow!("{}: {damage}", within.path))?;
        }
        let state = &acting.world.state;
        let place = state.place(&block_place(&within.path, within.instance()))?;
        Ok(FileBefore::of(found.as_ref(), place, state.place(&secret_place(&within.path))?.is_some()))
    }

    async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let permit = acting.gate.block_remove(&self.path, &self.comment)?;
        let within = permit.subject();
        if let Some((folder, name)) = locked(within)?
            && let Some(found) = find(within)?
        {
            let rest = markers(within, &self.comment).remove(&found.bytes);
            let rest = rest.map_err(|damage| anyhow!("{}: {damage}", within.path))?;
            if rest.as_slice() != found.bytes.as_slice() {
                write(&folder, &name, &rest, found.mode, found.owner, &within.path)?;
            }
        }
        // Blocks of other instances may still hold secrets: that the file does stays known.
        acting.world.state.set_place(&block_place(&within.path, within.instance()), None)?;
        Ok(())
    }

    async fn revert(&self, before: &FileBefore, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let permit = acting.gate.block_remove(&self.path, &self.comment)?;
        let within = permit.subject();
        let markers = markers(within, &self.comment);
        if let Some((then, mode, owner)) = before.whole()?
            && let Some(block) = markers.find(&then).map_err(|damage| anyhow!("{}: {damage}", within.path))?
        {
            let (folder, name) = locked_parent(within)?;
            // The file as it was, if nobody has changed the rest; else the block goes to its end.
            let (bytes, mode, owner) = match find(within)? {
                Some(now) if markers.remove(&then).ok().as_deref() != Some(&now.bytes[..]) => {
                    let put = markers.put(&now.bytes, block, crate::model::desired::Position::Last);
                    (put.map_err(|damage| anyhow!("{}: {damage}", within.path))?, now.mode, now.owner)
                }
                _ => (then.to_vec(), mode, owner),
            };
            write(&folder, &name, &zeroize::Zeroizing::new(bytes), mode, owner, &within.path)?;
        }
        put_back_places(acting, &block_place(&within.path, within.instance()), within, before)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Repeatable
    }

    async fn is_done(&self, acting: &Acting<'_>) -> Result<bool, StepFailure> {
        let permit = acting.gate.block_remove(&self.path, &self.comment)?;
        let Some(found) = find(permit.subject())? else { return Ok(true) };
        let block = markers(permit.subject(), &self.comment).find(&found.bytes);
        Ok(block.map_err(|damage| anyhow!("{}: {damage}", self.path))?.is_none())
    }

    fn facts(&self) -> Facts<'_> {
        Facts::at(&self.path, WrittenBy::WhoeverKeepsTheFile, Destroys::Nothing)
    }
}

fn not_removed(path: &str) -> StepFailure {
    anyhow!("{path} is not removed: this stack has not written it").into()
}

fn put_back_places<T>(
    acting: &Acting<'_>,
    place: &str,
    within: &Within<T>,
    before: &FileBefore,
) -> Result<(), StepFailure> {
    let state = &acting.world.state;
    let record = before.place.clone().map(|(want, written)| PlaceRecord { want, written });
    state.set_place(place, record.as_ref())?;
    if before.held_secret {
        let mark = PlaceRecord { want: String::new(), written: String::new() };
        state.set_place(&secret_place(&within.path), Some(&mark))?;
    }
    Ok(())
}

/// The lines that go away; not those of a file that a secret was written into.
fn removed(acting: &Acting<'_>, path: &str, part: Option<&[u8]>) -> Vec<PreviewLine> {
    let Some(part) = part else { return Vec::new() };
    if acting.world.holds_secret(path).unwrap_or(true) {
        let text = "(not shown: secrets were written into it)".to_owned();
        return vec![PreviewLine { sign: Sign::Removed, text }];
    }
    let text = acting.world.vault.redact(&String::from_utf8_lossy(part));
    text.lines().map(|line| PreviewLine { sign: Sign::Removed, text: printable(line) }).collect()
}
