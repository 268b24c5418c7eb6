//! The `stackrun` command.

use std::process::ExitCode;

use clap::Parser;
use stackrun::cli::{Cli, Exit, run};

fn main() -> ExitCode {
    // The process that asks from inside a container: no second thread may be there before it has entered the network.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == "inside") {
        return stackrun::condition::inside::main();
    }
    let cli = Cli::parse();
    // One worker beside the main thread is enough: plugins run on blocking threads, and the rest waits for others.
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
