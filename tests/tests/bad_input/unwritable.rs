//! Places that can't be written: read-only file systems, which stop root as well.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};

use crate::{
    INVALID,
    machine::{Machine, path, place, told},
};

/// A folder that is mounted over itself, read only, as long as this is there.
struct ReadOnly<'a>(&'a Path);

impl<'a> ReadOnly<'a> {
    fn new(folder: &'a Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        mount(&["--bind", path(folder)?, path(folder)?])?;
        let mounted = Self(folder);
        mount(&["-o", "remount,ro,bind", path(folder)?])?;
        Ok(mounted)
    }
}

impl Drop for ReadOnly<'_> {
    fn drop(&mut self) {
        // Nothing can be done about a failure here; the lab's end would tell.
        drop(Command::new("umount").arg(self.0).status());
    }
}

fn mount(arguments: &[&str]) -> Result<()> {
    let status = Command::new("mount").args(arguments).status().context("mount can't be started")?;
    ensure!(status.success(), "mount {arguments:?}: {status}");
    Ok(())
}

pub fn places(machine: &Machine<'_>) -> Result<()> {
    let lab = machine.lab;
    let idp = lab.idp.clients_fragment.parent().context("the fragment lies in a folder")?.to_owned();
    let hba = lab.postgres.hba.parent().context("pg_hba.conf lies in a folder")?.to_owned();
    let container = place(&machine.stack()?, "[container.")?;
    let print = "give the connection write = \"print\"";
    for (folder, says) in [
        (lab.caddy.sites.clone(), ["is on a read-only file system", "[connection.caddy]", print]),
        (idp, ["is on a read-only file system", "[connection.authelia]", print]),
        (hba, ["pg_hba.conf can't be written", "[connection.postgres]", "give the connection `write = \"print\"`"]),
        (lab.dir.join("data"), ["is on a read-only file system", &container, "another folder in the host file"]),
        (lab.dir.join("store"), ["can't be written", "secrets can't be made and filled in", "[store]"]),
    ] {
        let read_only = ReadOnly::new(&folder)?;
        let ended = machine.stack()?.quietly("apply", &["--yes"], INVALID);
        drop(read_only);
        told(&ended?, &says).with_context(|| folder.display().to_string())?;
    }
    Ok(())
}
