//! `cargo xtask test`: every test there is, on what it builds and sets up itself.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Result;

use crate::build;
use crate::process;
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
    build::run(&build::Args::default())?;
    let stackrun = build::stackrun(&workspace)?;
    let mut tests = Command::new(process::cargo());
    tests
        .args(["test", "--locked", "--workspace", "--no-fail-fast"])
        .args(&args.cargo)
        .current_dir(&workspace.root)
        // What the end-to-end tests run, and where they find the plugins that are not inside it.
        .env("STACKRUN_BIN", stackrun)
        .env("STACKRUN_TEST_PLUGINS", workspace.plugins_dir());
    process::run(&mut tests)
}
