//! `cargo xtask lab up|down [DIR]`: the lab alone, to work against by hand.

use std::path::{Path, PathBuf};

use anyhow::Result;
use stackrun_tests::lab::Lab;
use stackrun_tests::setup::{self, Need};

/// Start or stop real servers of their own: PostgreSQL, Podman, Caddy, an identity provider
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Set up what is missing, start the lab, and leave DIR/stackrun.toml
    Up(Folder),
    /// Stop everything of the lab and remove what it made
    Down(Folder),
}

#[derive(clap::Args)]
struct Folder {
    /// The lab's folder; others must be able to enter every folder above it
    #[arg(default_value = "/var/lib/stackrun-lab")]
    dir: PathBuf,
}

/// Starts or stops it.
pub fn run(args: &Args) -> Result<()> {
    setup::become_root()?;
    match &args.action {
        Action::Up(folder) => up(&folder.dir),
        Action::Down(folder) => {
            Lab::down(&folder.dir)?;
            eprintln!("the lab in {} is down", folder.dir.display());
            Ok(())
        }
    }
}

fn up(dir: &Path) -> Result<()> {
    setup::ensure(&[Need::Lab], &mut |line| eprintln!("set-up: {line}"))?;
    let lab = Lab::up(dir)?;
    eprintln!("the lab in {} is up; stackrun reaches it with", lab.dir.display());
    println!("--host {}", lab.host_file.display());
    Ok(())
}
