//! Running the `stackrun` binary on a spec of the checkout and a lab's host file.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::lab::Lab;

/// Done, or nothing to do.
pub const DONE: i32 = 0;
/// Anything that has no code of its own.
pub const ERROR: i32 = 1;
/// Changes are pending.
pub const PENDING: i32 = 2;
/// The saved plan is stale.
pub const STALE: i32 = 4;
/// Apply stopped part-way.
pub const PARTWAY: i32 = 6;
/// A proof or a check failed.
pub const UNPROVEN: i32 = 7;

/// One stack: everything but the command.
#[derive(Debug, Clone)]
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

    /// `stackrun COMMAND SPEC …`, ready to be run; a command may have two words, such as `secret list`.
    pub fn command(&self, command: &str, more: &[&str]) -> Command {
        let mut stackrun = Command::new(&self.stackrun);
        stackrun.args(command.split(' ')).arg(&self.spec).arg("--host").arg(&self.host);
        for set in &self.set {
            stackrun.arg("--set").arg(set);
        }
        stackrun.args(more).stdin(Stdio::null());
        stackrun
    }

    /// Kinto of `examples/kinto.toml` in a lab, as [`Stack::in_test`] has it of MediaManager.
    ///
    /// # Errors
    /// As [`Stack::in_test`].
    pub fn kinto_in_test(lab: &Lab) -> Result<Self> {
        let mut stack = Self::in_test(lab)?;
        stack.spec.set_file_name("kinto.toml");
        stack.set = vec![format!("gateway.kinto.domain=kinto.{}", lab.domain)];
        Ok(stack)
    }

    /// The same stack by a spec and a host file of its own, in the lab's folder: a test may change them.
    ///
    /// # Errors
    /// When they can't be copied.
    pub fn on_copies(&self, lab: &Lab) -> Result<Self> {
        // The applications' data are no part of what a machine is held against, and neither is a test's own.
        let folder = lab.dir.join("data/files-of-the-test");
        fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
        let copy = |from: &Path| -> Result<PathBuf> {
            let to = folder.join(from.file_name().context("a file has a name")?);
            let text = fs::read(from).with_context(|| format!("can't read {}", from.display()))?;
            let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&to)?;
            file.write_all(&text).with_context(|| format!("can't write {}", to.display()))?;
            Ok(to)
        };
        Ok(Self { spec: copy(&self.spec)?, host: copy(&self.host)?, ..self.clone() })
    }

    /// How each instance stands, as `status` says it.
    ///
    /// # Errors
    /// When it fails, or what it says can't be read.
    pub fn status(&self) -> Result<Vec<Standing>> {
        #[derive(Deserialize)]
        struct Status {
            instances: Vec<Standing>,
        }
        let said = self.quietly("status", &["--json"], DONE)?;
        let Status { instances } = serde_json::from_slice(&said.stdout).context("what status says can't be read")?;
        Ok(instances)
    }

    /// Whether everything is as it should be, for `plan` and for `status`.
    ///
    /// # Errors
    /// When something is not: what they say of it.
    pub fn nothing_to_do(&self) -> Result<()> {
        self.quietly("plan", &["--detailed-exitcode"], DONE).context("there is something left to do")?;
        let status = self.status()?;
        ensure!(status.iter().all(|one| one.status == "ok"), "not as it should be: {status:?}");
        Ok(())
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

/// A secret of [`Stack::mediamanager`] as the store has it.
///
/// # Errors
/// When it can't be exported, or there is none of that name.
pub fn secret(stack: &Stack, name: &str) -> Result<String> {
    secrets(stack)?.remove(name).with_context(|| format!("no secret {name}"))
}

/// All secrets as the store has them, by their names.
///
/// # Errors
/// When they can't be exported.
pub fn secrets(stack: &Stack) -> Result<BTreeMap<String, String>> {
    let folder = tempfile::tempdir().context("can't make a temporary folder")?;
    let file = folder.path().join("secrets.toml");
    stack.quietly("secret export", &["--clear", "--to", &file.display().to_string()], 0)?;
    let text = std::fs::read_to_string(&file).context("the exported secrets can't be read")?;
    toml::from_str(&text).context("the exported secrets are not TOML")
}

/// How an instance stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Standing {
    /// Its address.
    pub instance: String,
    /// `ok`, `drifted`, `missing` or `unwanted`.
    pub status: String,
    /// What is not as it should be, a line each.
    pub drift: Vec<String>,
}

/// What a program wrote, for messages and to look for something in it.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Kills an apply, run with `--json`, when it reports that a step begins whose headline contains `moment`.
///
/// # Errors
/// When it ends, or two minutes pass, before it comes to that.
pub fn kill_when(stack: &Stack, arguments: &[&str], moment: &str) -> Result<()> {
    let mut run = stack.command("apply", arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let out = BufReader::new(run.stdout.take().context("apply has no output")?);
    let start = Instant::now();
    for line in out.lines() {
        let line = line?;
        if line.contains("step-began") && line.contains(moment) {
            run.kill()?;
            run.wait()?;
            return Ok(());
        }
        ensure!(start.elapsed() < Duration::from_secs(120), "apply never came to: {moment}");
    }
    bail!("apply ended before it came to: {moment}")
}

/// The application's host name in a lab.
pub fn domain(of_lab: &str) -> String {
    format!("mediamanager.{of_lab}")
}
