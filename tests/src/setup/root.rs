//! Set-up and the lab need root: packages, users, containers and other users' files. Who isn't root is asked once, by sudo.

use std::io::IsTerminal;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Variables that a run under sudo must keep: where cargo and its things are, how the network is reached, our own settings.
const KEPT: &[&str] = &["PATH", "HOME", "CI", "NO_COLOR", "TERM", "LANG", "TMPDIR"];
const KEPT_PREFIXES: &[&str] =
    &["CARGO", "RUST", "STACKRUN_", "PIP_", "NPM_", "npm_", "SSL_CERT_", "http_proxy", "https_proxy", "no_proxy"];

/// Whether this is root already.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Returns at once as root; otherwise starts this same program again through `sudo` and doesn't return.
///
/// sudo may ask for a password only where there is a terminal to ask on.
///
/// # Errors
/// When sudo is missing, or can't be used without a password and there is no terminal.
pub fn become_root() -> Result<()> {
    if is_root() {
        return Ok(());
    }
    let program = std::env::current_exe().context("can't tell which program this is")?;
    let mut sudo = Command::new("sudo");
    if !std::io::stdin().is_terminal() {
        sudo.arg("-n");
    }
    sudo.arg("--").arg("env");
    for (name, value) in std::env::vars() {
        if KEPT.contains(&name.as_str()) || KEPT_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
            sudo.arg(format!("{name}={value}"));
        }
    }
    let error = sudo.arg(program).args(std::env::args_os().skip(1)).exec();
    bail!("this needs root, and sudo can't be started ({error}): run it as root, or install sudo")
}
