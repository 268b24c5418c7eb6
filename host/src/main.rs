//! The `stackrun` command.

use std::process::ExitCode;

use clap::Parser;
use stackrun::{
    cli::{Cli, Exit, run},
    condition::inside,
};

fn main() -> ExitCode {
    // Asking from inside a container enters its network, which only a process without a second thread can.
    if std::env::args_os().nth(1).is_some_and(|first| first == "inside") {
        return inside::child::main();
    }
    let cli = Cli::parse();
    // A few workers are enough: plugins run on blocking threads, and the rest waits for others.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let exit = match runtime {
        Ok(runtime) => {
            let exit = runtime.block_on(run(cli));
            // A question that nobody waits for any longer must not hold the process up.
            runtime.shutdown_background();
            exit
        }
        Err(error) => {
            eprintln!("error: the asynchronous runtime does not start: {error}");
            Exit::Error
        }
    };
    ExitCode::from(exit as u8)
}
