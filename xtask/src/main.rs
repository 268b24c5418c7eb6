//! `cargo xtask`: what is done around the code. One subcommand a file.
//!
//! Nothing here is needed by the `stackrun` binary when it runs; but the binary holds five plugins,
//! and `cargo xtask build` makes them.

mod bench;
mod build;
mod component;
mod demo;
mod lab;
mod process;
mod root;
mod setup;
mod stamp;
mod test;
mod toolchain;
mod workspace;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Set-up, build, lab, test, demo and bench.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Setup(setup::Args),
    Build(build::Args),
    Lab(lab::Args),
    Demo(demo::Args),
    Bench(bench::Args),
    Test(test::Args),
    #[command(hide = true)]
    AsRoot(root::Args),
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Setup(args) => setup::run(&args),
        Command::Build(args) => build::run(&args),
        Command::Lab(args) => lab::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Test(args) => test::run(&args),
        Command::AsRoot(args) => root::run(&args),
    }
}
