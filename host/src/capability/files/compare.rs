//! How a file stands to what is wanted.
//!
//! State remembers of each place a keyed digest of what was wanted, in which fingerprints stand for secrets, and one of
//! the bytes that this came to. While both are unchanged the file is as it should be, and nothing is decrypted; only else
//! the content is rendered and compared.

use zeroize::Zeroizing;

use super::{FileComparison, Within, find, parent};
use crate::{
    document::{
        self,
        block::{self, Markers},
    },
    model::{
        Failure, Permit, Presence, Sameness,
        desired::{Content, Region, WantedFile},
    },
    world::{
        World,
        disk::{Found, Owner},
        state::PlaceRecord,
    },
};

/// The part of a file that belongs to an instance, as it is now.
pub(crate) struct Standing {
    /// The whole file; none when there is none.
    pub(crate) found: Option<Found>,
    /// The part; none when it is absent.
    pub(crate) part: Option<Zeroizing<Vec<u8>>>,
}

impl World {
    /// How the file stands to what is wanted. The permit is the one for writing it.
    pub async fn file_compare(&self, permit: &Permit<Within<WantedFile>>) -> Result<FileComparison, Failure> {
        let within = permit.subject();
        let wanted = serde_json::to_vec(&within.asked).map_err(other)?;
        let digest = self.vault.digest(&wanted).map_err(other)?;
        let question = format!("compare {} for {} {}", within.path, within.instance(), &digest[..16.min(digest.len())]);
        self.memo.once(question, async { self.compare(within) }).await
    }

    /// A digest of what this file would be written in place of, if that is neither this stack's nor the same.
    pub fn file_by_others(&self, permit: &Permit<Within<WantedFile>>) -> Result<Option<String>, Failure> {
        match standing(permit.subject())?.found {
            Some(found) => self.by_others(permit.subject(), &found),
            None => Ok(None),
        }
    }

    pub(super) fn by_others(&self, within: &Within<WantedFile>, found: &Found) -> Result<Option<String>, Failure> {
        let whole = within.asked.region == Region::Whole;
        if !whole || self.state.place(&place(within)).map_err(other)?.is_some() || self.is_as_wanted(within, found) {
            return Ok(None);
        }
        self.vault.digest(&found.bytes).map(Some).map_err(other)
    }

    /// Whether a file is what would be written.
    pub(super) fn is_as_wanted(&self, within: &Within<WantedFile>, found: &Found) -> bool {
        self.rendered(&within.asked).is_ok_and(|wanted| *wanted == *found.bytes)
    }

    fn compare(&self, within: &Within<WantedFile>) -> Result<FileComparison, Failure> {
        let wanted = &within.asked;
        let standing = standing(within)?;
        let place = self.state.place(&place(within)).map_err(other)?;
        let (Some(found), Some(part)) = (&standing.found, &standing.part) else {
            // What its format can't carry is said now, not when it is written.
            document::mask(&wanted.content, &|target| target.to_string())
                .map_err(|refused| Failure::Other(format!("{}: {refused}", wanted.path)))?;
            return Ok(FileComparison {
                content: Sameness::Absent,
                mode: Sameness::Same,
                owner: Sameness::Same,
                foreign: false,
            });
        };
        let whole = wanted.region == Region::Whole;
        let same = |is: bool| if is { Sameness::Same } else { Sameness::Different };
        let owner = match &wanted.owner {
            Some(owner) if whole && !wanted.ignore_owner => {
                same(Owner::named(&owner.user, &owner.group).map_err(other)? == found.owner)
            }
            _ => Sameness::Same,
        };
        Ok(FileComparison {
            content: self.content_sameness(wanted, part, place.as_ref())?,
            mode: same(!whole || found.mode == wanted.mode),
            owner,
            foreign: whole && place.is_none(),
        })
    }

    fn content_sameness(
        &self,
        wanted: &WantedFile,
        part: &[u8],
        place: Option<&PlaceRecord>,
    ) -> Result<Sameness, Failure> {
        let Some(want) = self.want_digest(&wanted.content)? else { return Ok(Sameness::NotYetKnown) };
        let written = self.vault.digest(part).map_err(other)?;
        if place.is_some_and(|place| place.want == want) {
            let as_written = place.is_some_and(|place| place.written == written);
            return Ok(if as_written { Sameness::Same } else { Sameness::Different });
        }
        let rendered = self.rendered(wanted)?;
        Ok(if *rendered == part { Sameness::Same } else { Sameness::Different })
    }

    /// A keyed digest of what is wanted, with fingerprints in place of secrets; none while one of them is not there.
    pub(crate) fn want_digest(&self, content: &Content) -> Result<Option<String>, Failure> {
        let mut fingerprints = Vec::new();
        for target in content.targets() {
            match self.vault.presence(target)? {
                Presence::Present(fingerprint) => fingerprints.push(fingerprint),
                Presence::Absent => return Ok(None),
                Presence::Lost(why) => return Err(Failure::Other(why)),
            }
        }
        let bytes = serde_json::to_vec(&(content, fingerprints)).map_err(other)?;
        self.vault.digest(&bytes).map(Some).map_err(other)
    }

    /// The part of the file as it should be, for its destination alone.
    pub(crate) fn rendered(&self, wanted: &WantedFile) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let bytes = document::render(&wanted.content, &|target| self.vault.reveal(target))
            .map_err(|failure| in_file(&wanted.path, failure))?;
        Ok(match wanted.region {
            Region::Whole => bytes,
            Region::Block { .. } => Zeroizing::new(block::body(&bytes)),
        })
    }
}

/// State's name for the part of a file that belongs to an instance.
pub(crate) fn place(within: &Within<WantedFile>) -> String {
    match within.asked.region {
        Region::Whole => whole_place(&within.path),
        Region::Block { .. } => block_place(&within.path, within.instance()),
    }
}

pub(crate) fn whole_place(path: &str) -> String {
    format!("file {path}")
}

pub(crate) fn block_place(path: &str, instance: &crate::model::value::Address) -> String {
    format!("block of {instance} in {path}")
}

/// What is there now.
pub(crate) fn standing(within: &Within<WantedFile>) -> Result<Standing, Failure> {
    if parent(within)?.is_none() {
        return Ok(Standing { found: None, part: None });
    }
    let Some(found) = find(within)? else { return Ok(Standing { found: None, part: None }) };
    let part = match &within.asked.region {
        Region::Whole => Some(found.bytes.clone()),
        Region::Block { comment, .. } => markers(within, comment)
            .find(&found.bytes)
            .map_err(|damage| Failure::Other(format!("{}: {damage}", within.path)))?
            .map(|part| Zeroizing::new(part.to_vec())),
    };
    Ok(Standing { found: Some(found), part })
}

/// The marker lines of the instance that asks.
pub(crate) fn markers<T>(within: &Within<T>, comment: &str) -> Markers {
    Markers::new(comment, &within.stack, within.instance())
}

fn in_file(path: &str, failure: Failure) -> Failure {
    match failure {
        Failure::Other(why) => Failure::Other(format!("{path}: {why}")),
        failure => failure,
    }
}

fn other(error: impl Into<anyhow::Error>) -> Failure {
    Failure::Other(format!("{:#}", error.into()))
}
