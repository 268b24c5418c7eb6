//! A compiler for `wasm32-unknown-unknown`, found or fetched.
//!
//! 1. The active toolchain has the target: nothing to do.
//! 2. rustup can add it.
//! 3. Debian and Ubuntu ship a compiler with the sources of its standard library (`rustc-web`,
//!    `cargo-web`, `rust-web-src`; std's own dependencies are vendored beside them). They have no
//!    prebuilt standard library for the target, so cargo builds it, once for all guests. That is
//!    an unstable feature of cargo, unlocked by `RUSTC_BOOTSTRAP`. Their compiler has no linker for
//!    WebAssembly either; `rust-lld` of the active toolchain does it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::process;

/// What guests are built for.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// rustup fetches some 25 MB.
const RUSTUP_LIMIT: Duration = Duration::from_secs(120);

const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// A way to compile a guest.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum Way {
    /// The active toolchain, to which rustup adds the target where it lacks it.
    Toolchain,
    /// Debian's compiler, which builds the standard library from source.
    Debian,
}

/// A `cargo build` that makes modules, by the way asked for or else by the first that works here.
pub fn cargo_build(way: Option<Way>) -> Result<Command> {
    let mut command = match way {
        Some(Way::Debian) => debian()?,
        Some(Way::Toolchain) if !has_target() && !add_target() => {
            bail!("rustup cannot add the target {TARGET} here")
        }
        Some(Way::Toolchain) => active(),
        None if has_target() || add_target() => active(),
        None => debian().with_context(|| {
            format!("the active Rust toolchain has no target {TARGET}, and rustup cannot add it here")
        })?,
    };
    // Flags meant for this machine's own programs would reach the guests.
    command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS").args(["--target", TARGET]);
    Ok(command)
}

fn active() -> Command {
    let mut command = Command::new(process::cargo());
    command.arg("build");
    command
}

fn has_target() -> bool {
    let mut ask = Command::new("rustc");
    ask.args(["--print", "target-libdir", "--target", TARGET]);
    process::output(&mut ask).is_ok_and(|dir| Path::new(dir.trim()).is_dir())
}

/// Quiet: that rustup is not there, or can't reach its server, is no fault where the next way works.
fn add_target() -> bool {
    eprintln!("adding {TARGET} to the Rust toolchain with rustup");
    let mut add = Command::new("rustup");
    let added = process::quietly(add.args(["target", "add", TARGET]), RUSTUP_LIMIT) && has_target();
    if !added {
        eprintln!("rustup cannot add it here");
    }
    added
}

fn debian() -> Result<Command> {
    let linker = rust_lld()?;
    install_debian_packages()?;
    let mut command = Command::new(DEBIAN_CARGO);
    command
        .args(["build", "-Zbuild-std=std,panic_abort"])
        .env("RUSTC", DEBIAN_RUSTC)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
        // `cargo run` points these at the active toolchain.
        .env_remove("CARGO")
        .env_remove("LD_LIBRARY_PATH");
    Ok(command)
}

/// The linker that every toolchain of rustup's has.
fn rust_lld() -> Result<PathBuf> {
    let libdir = process::output(Command::new("rustc").args(["--print", "target-libdir"]))?;
    let Some(target) = Path::new(libdir.trim()).parent() else {
        bail!("`rustc --print target-libdir` gave {libdir:?}");
    };
    let linker = target.join("bin/rust-lld");
    if !linker.is_file() {
        bail!("there is no linker for WebAssembly at {}: use a Rust toolchain of rustup's", linker.display());
    }
    Ok(linker)
}

fn install_debian_packages() -> Result<()> {
    let installed = |package: &&str| {
        let mut ask = Command::new("dpkg-query");
        ask.args(["--show", "--showformat=${db:Status-Status}", package]);
        ask.output().is_ok_and(|output| output.stdout == b"installed")
    };
    if DEBIAN_PACKAGES.iter().all(installed) {
        return Ok(());
    }
    let what = DEBIAN_PACKAGES.join(" ");
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!("add the target with `rustup target add {TARGET}`; or, on Debian or Ubuntu, install {what}");
    }
    eprintln!("installing {what}");
    let install = || {
        let mut install = as_root("apt-get");
        install
            .args(["install", "--yes", "-qq", "--no-install-recommends"])
            .args(DEBIAN_PACKAGES)
            .stdout(Stdio::null());
        process::run(&mut install)
    };
    // The list of packages of a new machine is empty or old.
    install()
        .or_else(|_| process::run(as_root("apt-get").args(["update", "-qq"])).and_then(|()| install()))
        .with_context(|| format!("as root or with sudo, run `apt-get install {what}`"))
}

/// `program`, with `sudo` where we are not root; it never asks for a password.
fn as_root(program: &str) -> Command {
    let root = process::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    let mut command = Command::new(if root { "env" } else { "sudo" });
    if !root {
        command.args(["-n", "env"]);
    }
    command.args(["DEBIAN_FRONTEND=noninteractive", program]);
    command
}
