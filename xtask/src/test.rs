//! `cargo xtask test`: every test there is, on what it builds and sets up itself.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use stackrun_tests::setup::{self as machine, Need};

use crate::build;
use crate::process;
use crate::setup;
use crate::workspace::Workspace;

/// Run everything: unit, snapshot, property, deny and end-to-end tests
#[derive(clap::Args)]
pub struct Args {
    /// Passed on to `cargo test`; without any, all tests run
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    cargo: Vec<OsString>,
}

/// Sets up, builds, tests. Nothing is skipped: a test that misses something fails.
pub fn run(args: &Args) -> Result<()> {
    let workspace = Workspace::load()?;
    setup::ensure(&[Need::Lab, Need::Browser])?;
    build::run(&build::Args::default())?;

    // One build for the tests and for the program that the end-to-end tests run: another choice of packages could
    // be another choice of features, and then Wasmtime would be compiled twice.
    let stackrun = build::binary(cargo_test(&workspace).args(["--no-run", "--message-format"]).arg(build::MESSAGES))?;
    let mut tests = cargo_test(&workspace);
    tests
        .arg("--no-fail-fast")
        .args(&args.cargo)
        // What the end-to-end tests run, and where they find the plugins that are not inside it.
        .env("STACKRUN_BIN", stackrun)
        .env("STACKRUN_TEST_PLUGINS", workspace.plugins_dir());
    if !machine::is_root() {
        let this = std::env::current_exe().context("cannot tell where this program is")?;
        tests.arg("--config").arg(run_as_root(&this));
    }
    process::attended(&mut tests)
}

fn cargo_test(workspace: &Workspace) -> Command {
    let mut cargo = Command::new(process::cargo());
    cargo.args(["test", "--locked", "--workspace"]).current_dir(&workspace.root);
    cargo
}

/// Cargo's setting that has the tests themselves, which start labs, run as root; what compiles them need not be.
fn run_as_root(this: &Path) -> String {
    let runner = [this.to_string_lossy().as_ref(), "as-root"].map(|word| toml::Value::from(word).to_string());
    format!("target.'cfg(all())'.runner = [{}]", runner.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_is_toml_whatever_the_folder_is_called() -> Result<()> {
        let setting: toml::Table = toml::from_str(&run_as_root(Path::new("/home/a \"b\"/xtask")))?;
        assert_eq!(setting["target"]["cfg(all())"]["runner"][0].as_str(), Some("/home/a \"b\"/xtask"));
        Ok(())
    }
}
