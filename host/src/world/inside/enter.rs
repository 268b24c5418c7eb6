//! Entering a container's network, and giving up root.

use std::os::fd::AsFd;

use anyhow::{Context, Result};
use rustix::{
    fs::{CWD, Mode, OFlags},
    process::{Gid, Uid, geteuid},
    thread::{LinkNameSpaceType, move_into_link_name_space, set_thread_groups, set_thread_res_gid, set_thread_res_uid},
};

const NOBODY: u32 = 65534;

/// The network namespace of a process: for the one thread that there is.
pub(crate) fn enter_network(pid: u32) -> Result<()> {
    let path = format!("/proc/{pid}/ns/net");
    let namespace = rustix::fs::openat(CWD, &path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    let namespace = namespace.with_context(|| format!("{path} can't be opened: is the container running?"))?;
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
        .context("the container's network can't be entered: that takes root")
}

/// What follows reads what strangers send.
pub(crate) fn give_up_root() -> Result<()> {
    if !geteuid().is_root() {
        return Ok(());
    }
    let (uid, gid) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    set_thread_groups(&[])?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)?;
    Ok(())
}
