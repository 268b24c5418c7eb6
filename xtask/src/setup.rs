//! `cargo xtask setup`: what the demo and the tests need on this machine.

use anyhow::Result;
use stackrun_tests::setup::{self, Need};

use crate::root;

/// Install what is missing for the demo and the tests; says nothing when all is there
#[derive(clap::Args)]
pub struct Args {
    /// Leave out the browser, which only the tests drive
    #[arg(long)]
    no_browser: bool,
}

/// Installs what is missing.
pub fn run(args: &Args) -> Result<()> {
    let needs: &[Need] = if args.no_browser { &[Need::Lab] } else { &[Need::Lab, Need::Browser] };
    ensure(needs)
}

/// Sees to it that `needs` are there; as root, or through sudo.
pub fn ensure(needs: &[Need]) -> Result<()> {
    if setup::is_root() {
        return setup::ensure(needs, &mut |line| eprintln!("set-up: {line}"));
    }
    let mut command = vec!["setup".into()];
    if !needs.contains(&Need::Browser) {
        command.push("--no-browser".into());
    }
    root::xtask(&command)
}
