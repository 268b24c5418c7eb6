//! The `stackrun` command.

use std::process::ExitCode;

use clap::Parser;
use stackrun::{
    capability::inside,
    cli::{Cli, run},
    exit::Exit,
};

fn main() -> ExitCode {
    // Secrets are in this process's memory: no core dump of it, and no other process of the user reads it.
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable) {
        eprintln!("error: core dumps can't be turned off for this process: {error}");
        return ExitCode::from(Exit::Error as u8);
    }
    // Asking from inside a container enters its network, which only a process without a second thread can.
    if std::env::args_os().nth(1).is_some_and(|first| first == "inside") {
        return inside::main();
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(said) => {
            // Nobody can do anything about a terminal that is gone.
            drop(said.print());
            // The library's own code is 2, which says here that changes are pending.
            return ExitCode::from(if said.use_stderr() { Exit::Error } else { Exit::Done } as u8);
        }
    };
    // A few workers are enough: plugins run on blocking threads, and the rest waits for others.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime {
        // Without taking anything apart: a question that nobody waits for any longer must not hold the process up, and
        // good order takes a millisecond.
        Ok(runtime) => std::process::exit(i32::from(runtime.block_on(run(cli)) as u8)),
        Err(error) => {
            eprintln!("error: the asynchronous runtime does not start: {error}");
            ExitCode::from(Exit::Error as u8)
        }
    }
}
