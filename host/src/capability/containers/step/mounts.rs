//! Folders that a container mounts, held against those of all other containers of its engine.
//!
//! Whoever may write a folder can put a link to anywhere in the place of a folder inside it. The engine, which is root,
//! would follow that link the next time it starts the container that mounts the inner folder. So no folder that is
//! mounted lies inside one that another container writes: by its path, and by what the opened folder and those above it
//! are, whatever paths and bind mounts lead there. The very same folder is one thing of one stack, whose containers may
//! share it: from inside, nobody can move what is the root of a mount. A container that somebody made by hand is the
//! operator's word, and may share a folder too.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::anyhow;
use rustix::fs::{CWD, Mode, OFlags};

use crate::{
    capability::{
        Acting, StepFailure,
        containers::{
            ContainerSubject, EngineQuestion, INSTANCE_LABEL, NEXT, STACK_LABEL,
            client::{Inspect, MountPoint, Summary},
        },
    },
    model::desired::{Definition, Mount},
};

/// Two containers whose folders may not be mounted both.
#[derive(Debug, thiserror::Error)]
pub enum Overlap {
    /// One folder lies inside the other.
    #[error(
        "{inner} lies inside {outer}, which container `{writer}` may write: it could lead stackrun to any other folder\n  \
         mount folders that lie side by side, or mount the outer one read-only"
    )]
    Inside {
        /// The one inside.
        inner: String,
        /// The one around it.
        outer: String,
        /// Who may write it.
        writer: String,
    },
    /// It is the same folder, and another stack's.
    #[error(
        "{folder} is mounted by container `{other}` of the stack {stack} as well, and one of the two may write it: a folder \
         belongs to one stack\n  give each stack a folder of its own, or mount it read-only in both"
    )]
    Shared {
        /// The folder.
        folder: String,
        /// Who mounts it too.
        other: String,
        /// Whose that is.
        stack: String,
    },
}

/// What is about to be done with the container whose folders are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It is made: the one that it replaces may still run.
    Making,
    /// It is started: the one that it replaces has been stopped.
    Starting,
}

/// A container that is there or planned, with what it mounts.
#[derive(Clone)]
pub struct Mounting {
    name: String,
    is_up: bool,
    /// The part of it that never changes.
    made: Arc<Made>,
}

/// What a container was made with. It keeps that for life, so that each is asked for once a run.
struct Made {
    stack: Option<String>,
    instance: Option<String>,
    mounts: Vec<Mount>,
}

/// What the containers of all engines were made with, by connection and the engine's id.
#[derive(Default)]
struct Known(Mutex<HashMap<(String, String), Arc<Made>>>);

impl Mounting {
    fn new(summary: &Summary, made: Arc<Made>) -> Self {
        Self { name: summary.name().to_owned(), is_up: summary.is_up(), made }
    }

    /// One that a plan makes.
    pub fn planned(acting: &Acting<'_>, definition: &Definition) -> Self {
        let made = Made {
            stack: Some(acting.gate.stack().to_owned()),
            instance: Some(acting.gate.instance().to_string()),
            mounts: definition.mounts.clone(),
        };
        Self { name: definition.lasting_name().to_owned(), is_up: false, made: Arc::new(made) }
    }

    /// Whether this is what the container of that name replaces, or what replaces it: the two never run at the same time.
    fn is_replaced(&self, acting: &Acting<'_>, name: &str, moment: Moment) -> bool {
        let lasting = |name: &str| name.strip_suffix(NEXT).unwrap_or(name).to_owned();
        let is_own = self.made.stack.as_deref() == Some(acting.gate.stack())
            && self.made.instance == Some(acting.gate.instance().to_string());
        is_own && lasting(&self.name) == lasting(name) && (moment == Moment::Making || !self.is_up)
    }
}

/// All containers of an engine.
///
/// # Errors
/// The engine does not answer; the instance may not ask it.
pub async fn mounting(acting: &Acting<'_>, connection: &str) -> Result<Vec<Mounting>, StepFailure> {
    let permit = acting.gate.engine(EngineQuestion { connection: connection.to_owned() })?;
    let engine = acting.world.connections.engine(&permit.subject().connection)?;
    let known = acting.world.connections.clients::<Known>();
    let known = || known.0.lock().unwrap_or_else(PoisonError::into_inner);
    let mut all = Vec::new();
    for summary in engine.list().await? {
        let key = (connection.to_owned(), summary.id.clone());
        let made = known().get(&key).cloned();
        let made = match made {
            Some(made) => made,
            // It may be gone by now.
            None => match engine.inspect(&summary.id).await? {
                Some(container) => known().entry(key).or_insert(Arc::new(Made::of(&container))).clone(),
                None => continue,
            },
        };
        all.push(Mounting::new(&summary, made));
    }
    Ok(all)
}

impl Made {
    fn of(container: &Inspect) -> Self {
        let label = |name: &str| container.config.labels.get(name).cloned();
        Self { stack: label(STACK_LABEL), instance: label(INSTANCE_LABEL), mounts: binds(container) }
    }
}

/// A folder of the container `name` and one of another container that may not be mounted both.
pub fn overlapping(
    acting: &Acting<'_>,
    name: &str,
    mounts: &[Mount],
    moment: Moment,
    all: &[Mounting],
) -> Option<Overlap> {
    let ours: Vec<Folder<'_>> = mounts.iter().map(Folder::open).collect();
    if let Some((inner, outer)) =
        ours.iter().find_map(|one| Some((one, ours.iter().find(|other| one.is_under(other))?)))
    {
        return Some(inside(inner, outer, name));
    }
    all.iter().filter(|other| !other.is_replaced(acting, name, moment)).find_map(|other| {
        let theirs: Vec<Folder<'_>> = other.made.mounts.iter().map(Folder::open).collect();
        let stack = other.made.stack.as_deref().filter(|stack| *stack != acting.gate.stack());
        ours.iter().flat_map(|our| theirs.iter().map(move |their| (our, their))).find_map(|(our, their)| match stack {
            _ if our.is_under(their) => Some(inside(our, their, &other.name)),
            _ if their.is_under(our) => Some(inside(their, our, name)),
            Some(stack) if our.is(their) && !(our.mount.read_only && their.mount.read_only) => Some(Overlap::Shared {
                folder: our.mount.source.clone(),
                other: other.name.clone(),
                stack: stack.to_owned(),
            }),
            _ => None,
        })
    })
}

fn inside(inner: &Folder<'_>, outer: &Folder<'_>, writer: &str) -> Overlap {
    let (inner, outer) = (inner.mount.source.clone(), outer.mount.source.clone());
    Overlap::Inside { inner, outer, writer: writer.to_owned() }
}

/// A mounted folder, and by device and inode what it is, with all that it lies in.
struct Folder<'a> {
    mount: &'a Mount,
    /// Itself first; empty where it can't be opened.
    chain: Vec<(u64, u64)>,
}

impl<'a> Folder<'a> {
    fn open(mount: &'a Mount) -> Self {
        Self { mount, chain: chain(&mount.source).unwrap_or_default() }
    }

    fn is(&self, other: &Folder<'_>) -> bool {
        self.mount.source == other.mount.source
            || matches!((self.chain.first(), other.chain.first()), (Some(one), Some(other)) if one == other)
    }

    /// Whether it lies inside the other one, and that can be written.
    fn is_under(&self, outer: &Folder<'_>) -> bool {
        let by_path = Path::new(&self.mount.source).starts_with(&outer.mount.source);
        let found = outer.chain.first().is_some_and(|outer| self.chain.iter().skip(1).any(|above| above == outer));
        !outer.mount.read_only && !self.is(outer) && (by_path || found)
    }
}

/// A folder and those above it, up to the root, by device and inode.
fn chain(path: &str) -> rustix::io::Result<Vec<(u64, u64)>> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut folder = rustix::fs::openat(CWD, path, flags, Mode::empty())?;
    let mut chain = Vec::new();
    loop {
        let facts = rustix::fs::fstat(&folder)?;
        // The root is its own parent.
        if chain.last() == Some(&(facts.st_dev, facts.st_ino)) {
            return Ok(chain);
        }
        chain.push((facts.st_dev, facts.st_ino));
        folder = rustix::fs::openat(&folder, "..", flags, Mode::empty())?;
    }
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
    moment: Moment,
) -> Result<(), StepFailure> {
    if let Some(missing) = missing.first() {
        return Err(anyhow!("{missing} is not there to be mounted: make it, or mount the disk that it lies on").into());
    }
    if mounts.is_empty() {
        return Ok(());
    }
    match overlapping(acting, name, mounts, moment, &mounting(acting, connection).await?) {
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
    refuse(acting, connection, name, &mounts, &missing, Moment::Starting).await
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::machine::Stage;

    fn mount(source: &Path, read_only: bool) -> Mount {
        Mount { source: source.display().to_string(), target: "/x".into(), read_only }
    }

    fn container(name: &str, owner: Option<(&str, &str)>, is_up: bool, mount: Mount) -> Mounting {
        let (stack, instance) = owner.map(|(stack, instance)| (stack.to_owned(), instance.to_owned())).unzip();
        Mounting { name: name.into(), is_up, made: Arc::new(Made { stack, instance, mounts: vec![mount] }) }
    }

    #[test]
    fn the_outer_one_decides() {
        let stage = Stage::new();
        let acting = stage.acting();
        let elsewhere = mount(Path::new("/elsewhere"), false);
        let found = |ours: Mount, theirs: Mount| {
            let theirs = container("theirs", Some(("media", "container.other")), true, theirs);
            let found = overlapping(&acting, "ours", &[elsewhere.clone(), ours], Moment::Making, &[theirs]);
            found.map(|found| match found {
                Overlap::Inside { writer, .. } => writer,
                Overlap::Shared { stack, .. } => panic!("shared with {stack}"),
            })
        };
        // Whether they are there or not.
        for root in [Path::new("/srv/nowhere"), &stage.path("mounts")] {
            let at = |name: &str| root.join(name);
            if root.starts_with("/tmp") || root.starts_with(std::env::temp_dir()) {
                std::fs::create_dir_all(at("a/config")).unwrap();
                std::fs::create_dir_all(at("a/con")).unwrap();
            }
            for read_only in [true, false] {
                let inner = || mount(&at("a/config"), read_only);
                assert_eq!(found(inner(), mount(&at("a"), false)).as_deref(), Some("theirs"));
                assert_eq!(found(mount(&at("a"), false), inner()).as_deref(), Some("ours"));
                assert_eq!(found(inner(), mount(&at("a"), true)), None, "nobody writes the outer one");
                assert_eq!(found(inner(), mount(&at("a/con"), false)), None, "a name that only begins alike");
                assert_eq!(found(inner(), mount(&at("a/config"), false)), None, "the very same folder");
            }
        }
    }

    #[test]
    fn a_folder_is_what_it_is_whatever_path_leads_there() {
        let stage = Stage::new();
        let acting = stage.acting();
        let real = stage.path("disk/a");
        std::fs::create_dir_all(real.join("config")).unwrap();
        std::os::unix::fs::symlink(stage.path("disk"), stage.path("alias")).unwrap();
        let alias = stage.path("alias/a");
        let find = |ours: &Path, theirs: &Path, stack: &str| {
            let theirs = container("theirs", Some((stack, "container.other")), true, mount(theirs, false));
            overlapping(&acting, "ours", &[mount(ours, true)], Moment::Making, &[theirs])
        };
        assert!(matches!(find(&alias.join("config"), &real, "media"), Some(Overlap::Inside { .. })));
        assert!(matches!(find(&real.join("config"), &alias, "media"), Some(Overlap::Inside { .. })));
        assert!(find(&alias, &real, "media").is_none(), "the very same, in one stack");
        assert!(matches!(find(&alias, &real, "other"), Some(Overlap::Shared { .. })));
        // And within one definition.
        let own = [mount(&real, false), mount(&alias.join("config"), true)];
        assert!(matches!(overlapping(&acting, "ours", &own, Moment::Making, &[]), Some(Overlap::Inside { .. })));
    }

    #[test]
    fn a_folder_belongs_to_one_stack() {
        let stage = Stage::new();
        let acting = stage.acting();
        let folder = stage.path("shared");
        let shared = |owner: Option<(&str, &str)>, ours_read_only: bool, theirs_read_only: bool| {
            let theirs = container("theirs", owner, true, mount(&folder, theirs_read_only));
            let ours = [mount(&folder, ours_read_only)];
            overlapping(&acting, "ours", &ours, Moment::Starting, &[theirs]).is_some()
        };
        let (same, other) = (Some(("media", "container.other")), Some(("kinto", "container.other")));
        for (ours, theirs) in [(false, false), (false, true), (true, false), (true, true)] {
            assert!(!shared(same, ours, theirs), "one stack, whose instances all name it");
            assert_eq!(shared(other, ours, theirs), !(ours && theirs), "unless nobody writes");
            assert!(!shared(None, ours, theirs), "made by hand: the operator's word");
        }
    }

    /// The old container may write a folder around the new one's, as long as it does not run when the new one is started.
    #[test]
    fn the_old_container_is_left_out_while_it_is_replaced() {
        let stage = Stage::new();
        let acting = stage.acting();
        let own = acting.gate.instance().to_string();
        let folder = stage.path("a");
        let found = |name: &str, owner: (&str, &str), is_up: bool, moment: Moment| {
            let old = container(name, Some(owner), is_up, mount(&folder, false));
            overlapping(&acting, "app-next", &[mount(&folder.join("config"), true)], moment, &[old]).is_some()
        };
        let ours = ("media", own.as_str());
        assert!(!found("app", ours, true, Moment::Making));
        assert!(!found("app", ours, false, Moment::Starting));
        assert!(found("app", ours, true, Moment::Starting), "it runs");
        assert!(found("worker", ours, false, Moment::Making), "another container of the same instance");
        assert!(found("app", ("media", "container.other"), false, Moment::Making));
        assert!(found("app", ("kinto", own.as_str()), false, Moment::Making), "another stack's instance of that name");
    }
}
