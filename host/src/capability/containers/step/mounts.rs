//! Folders that a container mounts, held against those of all other containers of its engine.
//!
//! Whoever may write a folder can put a link to anywhere in the place of a folder inside it. The engine, which is root,
//! would follow that link the next time it starts the container that mounts the inner folder. So no folder that is
//! mounted lies inside one that another container writes. The very same folder may be mounted twice: from inside,
//! nobody can move what is the root of a mount.

use std::path::Path;

use anyhow::anyhow;

use crate::{
    capability::{
        Acting, StepFailure,
        containers::{
            ContainerSubject, EngineQuestion, Ownership,
            client::{Inspect, MountPoint},
            owner,
        },
    },
    model::desired::Mount,
};

/// Two containers whose folders lie inside one another.
#[derive(Debug, thiserror::Error)]
#[error(
    "{inner} lies inside {outer}, which container `{writer}` may write: it could lead stackrun to any other folder\n  \
     mount folders that lie side by side, or mount the outer one read-only"
)]
pub struct Overlap {
    inner: String,
    outer: String,
    writer: String,
}

/// A container of an engine, with what it mounts.
pub struct Mounting {
    name: String,
    container: Inspect,
}

/// All containers of an engine.
///
/// # Errors
/// The engine does not answer; the instance may not ask it.
pub async fn mounting(acting: &Acting<'_>, connection: &str) -> Result<Vec<Mounting>, StepFailure> {
    let permit = acting.gate.engine(EngineQuestion { connection: connection.to_owned() })?;
    let engine = acting.world.connections.engine(&permit.subject().connection)?;
    let mut all = Vec::new();
    for summary in engine.list().await? {
        let container = engine.inspect(summary.name()).await?;
        all.extend(container.map(|container| Mounting { name: summary.name().to_owned(), container }));
    }
    Ok(all)
}

/// A folder of this container, `name`, and one of another container that lie inside one another, the outer one writable.
pub fn overlapping(acting: &Acting<'_>, name: &str, mounts: &[Mount], all: &[Mounting]) -> Option<Overlap> {
    // Its own predecessor and successor: they never run at the same time, and are held apart by the gate.
    let is_own =
        |other: &&Mounting| owner(&other.container, acting.gate.stack(), acting.gate.instance()) == Ownership::Ours;
    let mut others = all.iter().filter(|other| !is_own(other));
    others.find_map(|other| overlap(name, mounts, &other.name, &binds(&other.container)))
}

/// Refuses to go on when a mounted folder is not there, or lies as [`overlapping`] says.
///
/// # Errors
/// [`Overlap`]; a folder is missing; the engine does not answer; the instance may not ask it.
pub(crate) async fn refuse(
    acting: &Acting<'_>,
    connection: &str,
    name: &str,
    mounts: &[Mount],
    missing: &[&str],
) -> Result<(), StepFailure> {
    if let Some(missing) = missing.first() {
        return Err(anyhow!("{missing} is not there to be mounted: make it, or mount the disk that it lies on").into());
    }
    if mounts.is_empty() {
        return Ok(());
    }
    match overlapping(acting, name, mounts, &mounting(acting, connection).await?) {
        None => Ok(()),
        Some(overlap) => Err(anyhow!(overlap).into()),
    }
}

/// The mounted folders of a container that is about to be started, looked at again: since it was made, somebody may have
/// put something else in their place.
pub(crate) async fn refuse_moved(
    acting: &Acting<'_>,
    connection: &str,
    container: &Inspect,
    name: &str,
) -> Result<(), StepFailure> {
    let mounts = binds(container);
    let subject = ContainerSubject { connection: connection.to_owned(), name: name.to_owned() };
    let missing = acting.gate.container_sources(&acting.gate.container(subject)?, &mounts)?;
    refuse(acting, connection, name, &mounts, &missing).await
}

/// Folders of the machine that a container mounts.
fn binds(container: &Inspect) -> Vec<Mount> {
    let binds = container.mounts.iter().filter(|mount| mount.kind == "bind");
    let mount = |mount: &MountPoint| Mount {
        source: mount.source.clone(),
        target: mount.destination.clone(),
        read_only: !mount.writable,
    };
    binds.map(mount).collect()
}

fn overlap(name: &str, mounts: &[Mount], other: &str, theirs: &[Mount]) -> Option<Overlap> {
    let inside = |inner: &Mount, outer: &Mount| {
        !outer.read_only && inner.source != outer.source && Path::new(&inner.source).starts_with(&outer.source)
    };
    mounts.iter().find_map(|ours| {
        theirs.iter().find_map(|their| {
            let (inner, outer, writer) = match (inside(ours, their), inside(their, ours)) {
                (true, _) => (ours, their, other),
                (_, true) => (their, ours, name),
                _ => return None,
            };
            Some(Overlap { inner: inner.source.clone(), outer: outer.source.clone(), writer: writer.to_owned() })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(source: &str, read_only: bool) -> Mount {
        Mount { source: source.into(), target: "/x".into(), read_only }
    }

    #[test]
    fn the_outer_one_decides() {
        let found = |ours: Mount, theirs: Mount| {
            overlap("ours", &[mount("/elsewhere", false), ours], "theirs", &[theirs]).map(|found| found.writer)
        };
        for read_only in [true, false] {
            let inner = || mount("/srv/a/config", read_only);
            assert_eq!(found(inner(), mount("/srv/a", false)).as_deref(), Some("theirs"));
            assert_eq!(found(mount("/srv/a", false), inner()).as_deref(), Some("ours"));
            assert_eq!(found(inner(), mount("/srv/a", true)), None, "nobody writes the outer one");
            assert_eq!(found(inner(), mount("/srv/a/con", false)), None, "a name that only begins alike");
            assert_eq!(found(inner(), mount("/srv/a/config", false)), None, "the very same folder");
        }
    }
}
