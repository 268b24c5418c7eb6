//! Parts that need root (set-up, labs, the tests on them), while cargo builds as the person who started it: no
//! file of root's is left in the checkout.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result, bail};
use stackrun_tests::setup;

use crate::process;

/// Run a program as root: directly, or by way of sudo
#[derive(clap::Args)]
pub struct Args {
    /// The program and its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    command: Vec<OsString>,
}

/// Becomes root, then becomes the program.
pub fn run(args: &Args) -> Result<()> {
    setup::become_root()?;
    let [program, arguments @ ..] = args.command.as_slice() else {
        bail!("as-root needs a program");
    };
    let error = Command::new(program).args(arguments).exec();
    Err(error).with_context(|| format!("cannot start {}", program.display()))
}

/// Runs this program's subcommand as root, to its end. What it is to know comes as arguments.
pub fn xtask(subcommand: &[OsString]) -> Result<()> {
    let this = std::env::current_exe().context("cannot tell where this program is")?;
    let mut command = Command::new(&this);
    command.arg("as-root").arg(&this).args(subcommand);
    // sudo may want to ask for a password.
    process::attended(&mut command)
}
