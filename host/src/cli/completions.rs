//! `stackrun completions`

use clap::{Args, CommandFactory};

use super::{Cli, Ended, Exit};

/// Print completions for a shell
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    shell: clap_complete::Shell,
}

/// Writes to standard output what the shell is to source.
pub fn run(args: &CompletionsArgs) -> Result<Exit, Ended> {
    clap_complete::generate(args.shell, &mut Cli::command(), "stackrun", &mut std::io::stdout());
    Ok(Exit::Done)
}
