//! The capability `containers`.
//!
//! | grant | accepts |
//! |---|---|
//! | `names` | that container, and the same name with `-next`, which its replacement has until it is proved |
//! | `mounts` | that directory and everything below it, by path and by what the path leads to |
//! | `networks` | that network, beside the one that a container gets when it names none |
//! | `publish` | that address of the machine to publish ports on, beside the connection's own |
//! | `capabilities` | that Linux capability, beside those that every container has |
//!
//! What leads out of a container can't be said at all: there is no word for privileged, devices, or the machine's
//! process list, and `host`, `container:…` and their like are no networks here. Labels of stackrun's own are the
//! host's to set.

use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags, ResolveFlags};

use super::{ContainerQuestion, EngineQuestion};
use crate::{
    capability::Gate,
    model::{
        Denial, Permit,
        denial::NEVER,
        desired::{Definition, Mount},
        value::Address,
    },
};

/// A container to be changed, or waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct ContainerSubject {
    pub connection: String,
    pub name: String,
}

/// A definition that the gate let pass, with the labels that it gets.
#[derive(Clone, Debug, PartialEq)]
pub struct DefinedContainer {
    /// `docker-api` connection.
    pub connection: String,
    /// What it should be.
    pub wanted: Definition,
    /// Whose it is.
    pub stack: String,
    /// Whose it is.
    pub instance: Address,
    /// The granted directory that each mount lies in, in the order of the definition.
    pub mounted_from: Vec<PathBuf>,
}

/// What a replacement is called until it is proved.
pub const NEXT: &str = "-next";
/// Labels that begin like this are the host's.
pub const OWN_LABELS: &str = "stackrun.";
/// Networks of that name are the machine's or another container's.
const NO_NETWORKS: [&str; 5] = ["host", "private", "pasta", "slirp4netns", "none"];

/// Why a line of this field could never match; none when it can.
pub(in crate::capability) fn unfit(field: &str, value: &str) -> Option<String> {
    match field {
        "names" if !is_word(value) => Some(format!("no container can be called `{value}`")),
        "networks" if !is_word(value) || NO_NETWORKS.contains(&value) => {
            Some(format!("`{value}` is the machine's own network or another container's, which no plugin may join"))
        }
        "mounts" if !is_plain(Path::new(value)) => Some(format!("`{value}` is not an absolute path without `..`")),
        _ => None,
    }
}

impl Gate {
    /// Comparing a container, and making it.
    pub fn container_define(&self, question: ContainerQuestion) -> Result<Permit<DefinedContainer>, Denial> {
        let ContainerQuestion { connection, wanted } = question;
        self.engine_connection(&connection, "containers.create")?;
        self.container_name(&wanted.name)?;
        self.container_name(wanted.lasting_name())?;
        let mounted_from = wanted
            .mounts
            .iter()
            .map(|mount| self.container_mount(&mount.source, &mount.target))
            .collect::<Result<_, _>>()?;
        self.container_mounts_apart(&wanted)?;
        self.container_labels(&wanted)?;
        self.container_network(&wanted)?;
        self.container_rights(&wanted)?;
        Ok(Permit::new(DefinedContainer {
            connection,
            wanted,
            stack: self.stack().to_owned(),
            instance: self.instance().clone(),
            mounted_from,
        }))
    }

    /// Asking an engine about images, ports and itself.
    pub fn engine(&self, question: EngineQuestion) -> Result<Permit<EngineQuestion>, Denial> {
        self.engine_connection(&question.connection, "containers")?;
        Ok(Permit::new(question))
    }

    /// Starting, stopping, renaming, removing and watching a container.
    pub fn container(&self, subject: ContainerSubject) -> Result<Permit<ContainerSubject>, Denial> {
        self.engine_connection(&subject.connection, "containers")?;
        self.container_name(&subject.name)?;
        Ok(Permit::new(subject))
    }

    /// Looks at the sources of a definition's mounts before the engine does: each is a directory below the granted one,
    /// and no symbolic link leads to it. Returns those that are not there, which an engine would make as root's.
    pub fn container_mounts<'a>(&self, permit: &'a Permit<DefinedContainer>) -> Result<Vec<&'a str>, Denial> {
        let DefinedContainer { wanted, mounted_from, .. } = permit.subject();
        self.look_at_sources(wanted.mounts.iter().zip(mounted_from.iter().cloned()))
    }

    /// The same for a container that is there: what it was made with is held against the grants of today.
    pub fn container_sources<'a>(
        &self,
        _: &Permit<ContainerSubject>,
        mounts: &'a [Mount],
    ) -> Result<Vec<&'a str>, Denial> {
        let folder = |mount: &'a Mount| Ok((mount, self.container_mount(&mount.source, &mount.target)?));
        let mounts: Vec<(&Mount, PathBuf)> = mounts.iter().map(folder).collect::<Result<_, Denial>>()?;
        self.look_at_sources(mounts.into_iter())
    }

    fn look_at_sources<'a>(&self, mounts: impl Iterator<Item = (&'a Mount, PathBuf)>) -> Result<Vec<&'a str>, Denial> {
        let mut missing = Vec::new();
        for (mount, folder) in mounts {
            let below = Path::new(&mount.source).strip_prefix(&folder).unwrap_or(Path::new(""));
            let Err(error) = look_below(&folder, below) else { continue };
            if error.kind() == std::io::ErrorKind::NotFound {
                missing.push(mount.source.as_str());
                continue;
            }
            let asked = format!(
                "the mount of {}, which is no directory below {} that is reached without a link: {error}",
                mount.source.escape_debug(),
                folder.display()
            );
            return Err(self.deny("containers.mounts", asked, NEVER));
        }
        Ok(missing)
    }

    fn engine_connection(&self, connection: &str, capability: &'static str) -> Result<(), Denial> {
        if self.grants().containers.connections.iter().any(|granted| granted == connection) {
            return Ok(());
        }
        let line = Gate::line("containers.connections", connection);
        Err(self.deny(capability, format!("the container engine of connection `{connection}`"), line))
    }

    fn container_name(&self, name: &str) -> Result<(), Denial> {
        let granted = |granted: &String| name == granted || name.strip_suffix(NEXT) == Some(granted);
        if is_word(name) && self.grants().containers.names.iter().any(granted) {
            return Ok(());
        }
        let line = Gate::line("containers.names", name.strip_suffix(NEXT).unwrap_or(name));
        Err(self.deny("containers.names", format!("the container `{}`", name.escape_debug()), line))
    }

    /// The granted directory that the source lies in.
    fn container_mount(&self, source: &str, target: &str) -> Result<PathBuf, Denial> {
        let granted = self.grants().containers.mounts.iter().map(Path::new);
        let around = granted.filter(|folder| is_plain(folder) && Path::new(source).starts_with(folder));
        let denied = |asked: String, line: String| self.deny("containers.mounts", asked, line);
        let (shown, shown_target) = (source.escape_debug(), target.escape_debug());
        if !is_plain(Path::new(source)) || !is_plain(Path::new(target)) {
            let asked = format!("the mount {shown}:{shown_target}: both are absolute paths without `..`");
            return Err(denied(asked, NEVER.to_owned()));
        }
        // The outermost: whoever may write an outer folder can put a link in the place of an inner one.
        let outermost = around.min_by_key(|folder| folder.as_os_str().len());
        outermost.map(Path::to_owned).ok_or_else(|| {
            denied(format!("{shown} mounted at {shown_target}"), Gate::line("containers.mounts", source))
        })
    }

    /// No source lies inside another one's: whoever may write the outer folder could put a link to anywhere in the place
    /// of the inner one, and the engine, which is root, would follow it at the next start.
    fn container_mounts_apart(&self, wanted: &Definition) -> Result<(), Denial> {
        let sources = || wanted.mounts.iter().map(|mount| mount.source.as_str());
        let nested = sources().find_map(|inner| {
            let inside = |outer: &&str| *outer != inner && Path::new(inner).starts_with(outer);
            sources().find(inside).map(|outer| (inner, outer))
        });
        let Some((inner, outer)) = nested else { return Ok(()) };
        let asked = format!(
            "the mount of {}, which lies inside the mounted {}: give each a folder of its own, side by side",
            inner.escape_debug(),
            outer.escape_debug()
        );
        Err(self.deny("containers.mounts", asked, NEVER))
    }

    fn container_labels(&self, wanted: &Definition) -> Result<(), Denial> {
        match wanted.labels.iter().find(|(label, _)| label.starts_with(OWN_LABELS)) {
            None => Ok(()),
            Some((label, _)) => {
                let asked = format!("the label `{}`, which tells whose a container is", label.escape_debug());
                Err(self.deny("containers.create", asked, NEVER))
            }
        }
    }

    fn container_network(&self, wanted: &Definition) -> Result<(), Denial> {
        let Some(network) = &wanted.network else { return Ok(()) };
        let asked = format!("the network `{}`", network.escape_debug());
        if !is_word(network) || NO_NETWORKS.contains(&network.as_str()) {
            let asked = format!("{asked}, which is the machine's own or another container's");
            return Err(self.deny("containers.networks", asked, NEVER));
        }
        if self.grants().containers.networks.contains(network) {
            return Ok(());
        }
        Err(self.deny("containers.networks", asked, Gate::line("containers.networks", network)))
    }

    fn container_rights(&self, wanted: &Definition) -> Result<(), Denial> {
        let grants = &self.grants().containers;
        let addresses = wanted.ports.iter().filter_map(|port| port.host_address.as_ref());
        if let Some(address) = addresses.into_iter().find(|address| !grants.publish.contains(address)) {
            let asked = format!("a port published on {}", address.escape_debug());
            return Err(self.deny("containers.publish", asked, Gate::line("containers.publish", address)));
        }
        let granted: Vec<String> = grants.capabilities.iter().map(|name| bare(name)).collect();
        if let Some(added) = wanted.add_capabilities.iter().find(|added| !granted.contains(&bare(added))) {
            let asked = format!("a container with the capability `{}`", added.escape_debug());
            return Err(self.deny("containers.capabilities", asked, Gate::line("containers.capabilities", added)));
        }
        Ok(())
    }
}

/// A Linux capability without its prefix, in capitals: the engines take any spelling.
fn bare(capability: &str) -> String {
    let upper = capability.to_ascii_uppercase();
    upper.strip_prefix("CAP_").unwrap_or(&upper).to_owned()
}

/// Fails where the path is no directory below the folder, where a link is on the way, or where nothing is.
fn look_below(folder: &Path, below: &Path) -> std::io::Result<()> {
    // The granted folder is the operator's word, and may be reached as they like.
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::open(folder, flags, Mode::empty())?;
    if below.as_os_str().is_empty() {
        return Ok(());
    }
    let inside = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    rustix::fs::openat2(&folder, below, flags, Mode::empty(), inside)?;
    Ok(())
}

/// Absolute, and without `..` or anything else that is not the name of an entry.
fn is_plain(path: &Path) -> bool {
    path.is_absolute() && path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)))
}

/// What the engines take for a name of a container or network.
fn is_word(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

#[cfg(test)]
#[path = "grant_tests.rs"]
mod tests;
