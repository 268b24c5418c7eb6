//! HTTP as the lab needs it, by the `curl` program: over a unix socket, or to a lab's site with its certificate checked.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::command::run;

/// Seconds for one request.
const LIMIT: &str = "10";

/// A `curl` that fails on an error status, shows why, and ignores the user's own settings and proxies.
pub(crate) fn curl() -> Command {
    let mut curl = Command::new("curl");
    curl.args(["--disable", "--fail-with-body", "--silent", "--show-error", "--max-time", LIMIT, "--noproxy", "*"]);
    curl
}

/// The body of a GET over a unix socket.
///
/// # Errors
/// When nothing listens there or the status is an error.
pub(crate) fn get_unix(socket: &Path, path: &str) -> Result<String> {
    run(curl().arg("--unix-socket").arg(socket).arg(format!("http://localhost{path}")))
}
