//! Running the `stackrun` binary on a spec of the checkout and a lab's host file.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

use crate::lab::Lab;

/// One stack: everything but the command.
pub struct Stack {
    /// The binary.
    pub stackrun: PathBuf,
    /// The host file.
    pub host: PathBuf,
    /// The spec.
    pub spec: PathBuf,
    /// Values in place of the spec's, ADDRESS.FIELD=VALUE.
    pub set: Vec<String>,
}

impl Stack {
    /// The same in a test: the binary is what `cargo xtask test` names, else the one built last.
    ///
    /// # Errors
    /// There is none: a test that misses it fails.
    pub fn in_test(lab: &crate::lab::Lab) -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the checkout has no root")?;
        let built = || root.join("target/debug/stackrun");
        let stackrun = std::env::var_os("STACKRUN_BIN").map_or_else(built, PathBuf::from);
        if !stackrun.is_file() {
            bail!("there is no {}: run the tests with `cargo xtask test`", stackrun.display());
        }
        Ok(Self::mediamanager(&stackrun, root, lab))
    }

    /// The whole of `examples/mediamanager.toml` in a lab; only its domain must be one of the lab's.
    pub fn mediamanager(stackrun: &Path, root: &Path, lab: &Lab) -> Self {
        Self {
            stackrun: stackrun.to_owned(),
            host: lab.host_file.clone(),
            spec: root.join("examples/mediamanager.toml"),
            set: vec![format!("gateway.mediamanager.domain={}", domain(&lab.domain))],
        }
    }

    /// `stackrun COMMAND SPEC …`, ready to be run. The command may be of two words, as `secret list` is.
    pub fn command(&self, command: &str, more: &[&str]) -> Command {
        let mut stackrun = Command::new(&self.stackrun);
        stackrun.args(command.split(' ')).arg(&self.spec).arg("--host").arg(&self.host);
        for set in &self.set {
            stackrun.arg("--set").arg(set);
        }
        stackrun.args(more).stdin(Stdio::null());
        stackrun
    }

    /// Runs it in silence; whatever it said is in the error when its exit code is not `code`.
    pub fn quietly(&self, command: &str, more: &[&str], code: i32) -> Result<Output> {
        let mut stackrun = self.command(command, more);
        let output = stackrun.output().with_context(|| format!("cannot start {}", self.stackrun.display()))?;
        if output.status.code() != Some(code) {
            bail!(
                "`stackrun {command} {}` ended with {}, and not with {code}:\n{}{}",
                self.spec.display(),
                output.status,
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(output)
    }
}

/// The application's host name in a lab.
pub fn domain(of_lab: &str) -> String {
    format!("mediamanager.{of_lab}")
}
