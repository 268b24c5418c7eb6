//! The system users that the lab's servers run as. PostgreSQL's own comes with its package.

use std::process::Command;

use anyhow::{Context, Result};

use crate::command::{run, succeeds};

/// Runs the lab's Caddy: a user of its own, so that what root may do and Caddy may not shows in the lab too.
pub const CADDY_USER: &str = "stackrun-lab-caddy";
/// Runs the lab's identity provider.
pub const IDP_USER: &str = "stackrun-lab-idp";

/// Makes the users that are missing.
///
/// # Errors
/// When `useradd` refuses.
pub(super) fn ensure(say: &mut dyn FnMut(&str)) -> Result<()> {
    for name in [CADDY_USER, IDP_USER] {
        if !succeeds(Command::new("getent").args(["passwd", name])) {
            say(&format!("adding the system user {name}"));
            run(Command::new("useradd")
                .args(["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"])
                .args(["--shell", "/usr/sbin/nologin", name]))?;
        }
    }
    Ok(())
}

/// The numbers of a user of this machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ids {
    /// The user's number.
    pub(crate) uid: u32,
    /// The number of the user's own group.
    pub(crate) gid: u32,
}

/// Looks a user up.
///
/// # Errors
/// When the machine has no such user: set-up has not run.
pub(crate) fn ids(name: &str) -> Result<Ids> {
    let line = run(Command::new("getent").args(["passwd", name]))
        .with_context(|| format!("this machine has no user {name}; run the set-up first"))?;
    let mut fields = line.trim().split(':').skip(2).map(str::parse::<u32>);
    match (fields.next(), fields.next()) {
        (Some(Ok(uid)), Some(Ok(gid))) => Ok(Ids { uid, gid }),
        _ => anyhow::bail!("getent's line for {name} is not one of a passwd file: {line}"),
    }
}
