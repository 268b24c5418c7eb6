//! `cargo xtask build`: every guest of the workspace, from source to component.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::component;
use crate::process;
use crate::stamp::Stamp;
use crate::toolchain::{self, TARGET, Way};
use crate::workspace::{Guest, Workspace};

/// The profile of the workspace's `Cargo.toml` that guests are built with.
const PROFILE: &str = "guest";

/// Build all plugins into target/plugins/NAME.wasm
#[derive(clap::Args, Default)]
pub struct Args {
    /// How to compile, instead of the first way that works here
    #[arg(long, value_enum)]
    via: Option<Way>,
}

/// Builds the guests; quick when nothing changed.
pub fn run(args: &Args) -> Result<()> {
    let workspace = Workspace::load()?;
    let guests = workspace.guests()?;
    let plugins = workspace.plugins_dir();
    let outputs: Vec<PathBuf> = guests.iter().map(|guest| plugins.join(&guest.name).with_extension("wasm")).collect();
    let target_dir = workspace.target.join("guest");
    let stamp = Stamp::new(target_dir.join("built"), sources(&workspace)?, outputs.clone());
    if args.via.is_none() && stamp.is_fresh() {
        return Ok(());
    }

    let began = Instant::now();
    let seen = stamp.sources()?;
    let mut cargo = toolchain::cargo_build(args.via)?;
    cargo
        .args(["--lib", "--locked", "--profile", PROFILE, "--target-dir"])
        .arg(&target_dir)
        .args(guests.iter().flat_map(|guest| ["-p", &guest.package]))
        .current_dir(&workspace.root);
    process::run(&mut cargo)?;

    fs::create_dir_all(&plugins).with_context(|| format!("cannot make {}", plugins.display()))?;
    let modules = target_dir.join(TARGET).join(PROFILE);
    for (Guest { module, .. }, output) in guests.iter().zip(&outputs) {
        let size = component::make(&modules.join(module), output)?;
        eprintln!("{:>8.1} kB  {}", size as f64 / 1000.0, output.display());
    }
    stamp.set(seen)?;
    eprintln!("{} plugins in {:.1} s", guests.len(), began.elapsed().as_secs_f64());
    Ok(())
}

/// How cargo is to tell what it built: as JSON on standard output, and to the person as ever.
pub const MESSAGES: &str = "json-render-diagnostics";

/// Builds the `stackrun` binary, with the guests inside that [`run`] made, and says where it is.
pub fn stackrun(workspace: &Workspace, profile: &str) -> Result<PathBuf> {
    let mut cargo = Command::new(process::cargo());
    cargo
        .args(["build", "--locked", "-p", "stackrun", "--profile", profile, "--message-format", MESSAGES])
        .current_dir(&workspace.root);
    binary(&mut cargo)
}

/// Where the `stackrun` binary is that this cargo command, with [`MESSAGES`], builds among other things.
pub fn binary(cargo: &mut Command) -> Result<PathBuf> {
    let messages = process::output(cargo)?;
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Artifact>(line).ok()?.executable)
        .find(|file| file.file_stem().is_some_and(|name| name == "stackrun"))
        .context("cargo built no binary named stackrun")
}

/// The one field that we read of cargo's messages.
#[derive(Deserialize)]
struct Artifact {
    executable: Option<PathBuf>,
}

/// All that decides what the guests become; this program too.
fn sources(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let mut sources: Vec<PathBuf> = workspace.guest_sources().into_iter().filter(|path| path.exists()).collect();
    for file in ["Cargo.toml", "Cargo.lock"] {
        sources.push(workspace.root.join(file));
    }
    sources.push(std::env::current_exe().context("cannot tell where this program is")?);
    if sources.iter().any(|path| !path.exists()) {
        bail!("the checkout at {} is not whole", workspace.root.display());
    }
    Ok(sources)
}
