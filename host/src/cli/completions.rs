//! `stackrun completions`

use clap::{Args, CommandFactory};

use super::Cli;
use crate::{
    exit::{Ended, Exit},
    render,
};

/// Print completions for a shell
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    shell: clap_complete::Shell,
}

/// Writes to standard output what the shell is to source.
pub fn run(args: &CompletionsArgs) -> Result<Exit, Ended> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "stackrun", &mut script);
    render::print(String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}
