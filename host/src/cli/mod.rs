//! The command line. One file a command, its arguments beside what it does.

mod apply;
mod check;
mod completions;
mod destroy;
mod forget;
mod graph;
mod page;
mod plan;
mod plugin;
mod schema;
mod secret;
mod status;
mod verify;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use crate::{
    exit::{Ended, Exit},
    spec::SpecArgs,
};

use crate::{render, words};

/// Deploys a self-hosted application from one reviewed file, and proves that it works.
#[derive(Debug, Parser)]
#[command(name = "stackrun", version, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options that every command has.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// The host file: this machine's connections, folders, secret store
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "STACKRUN_HOST",
        default_value = "/etc/stackrun/stackrun.toml"
    )]
    pub host: PathBuf,
    /// Colours in the output; NO_COLOR is heeded
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// What to log to standard error: a level, or directives such as `stackrun=debug`
    #[arg(long, global = true, value_name = "LEVEL", env = "STACKRUN_LOG", default_value = "warn")]
    pub log: String,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::CheckArgs),
    Plan(plan::PlanArgs),
    Apply(apply::ApplyArgs),
    Verify(verify::VerifyArgs),
    Status(status::StatusArgs),
    Destroy(destroy::DestroyArgs),
    Forget(forget::ForgetArgs),
    Graph(graph::GraphArgs),
    Secret(secret::SecretArgs),
    Plugin(plugin::PluginArgs),
    Schema(schema::SchemaArgs),
    Completions(completions::CompletionsArgs),
}

/// Runs a command. Everything the person has to know has been printed when this returns.
pub async fn run(cli: Cli) -> Exit {
    let Cli { global, command } = cli;
    global.color.choose();
    if let Err(ended) = global.start_log() {
        return tell(&ended.message, ended.exit);
    }
    let ended = match command {
        Command::Check(args) => check::run(args, &global).await,
        Command::Plan(args) => plan::run(args, &global).await,
        Command::Apply(args) => apply::run(args, &global).await,
        Command::Verify(args) => verify::run(args, &global).await,
        Command::Status(args) => status::run(args, &global).await,
        Command::Destroy(args) => destroy::run(args, &global).await,
        Command::Forget(args) => forget::run(args, &global).await,
        Command::Graph(args) => graph::run(args, &global).await,
        Command::Secret(args) => secret::run(args, &global).await,
        Command::Plugin(args) => plugin::run(args, &global).await,
        Command::Schema(args) => schema::run(args, &global).await,
        Command::Completions(args) => completions::run(&args),
    };
    let exit = match (ended, render::failed()) {
        (Ok(_), Some(why)) => tell(&format!("standard output can't be written: {why}"), Exit::Error),
        (Ok(exit), None) => exit,
        (Err(ended), _) => tell(&ended.message, ended.exit),
    };
    words::sink::close();
    exit
}

fn tell(message: &str, exit: Exit) -> Exit {
    if !message.is_empty() {
        render::tell_line(format_args!("{} {message}", render::error_word()));
    }
    exit
}

impl Global {
    /// Messages go to standard error; standard output carries results alone.
    fn start_log(&self) -> Result<(), Ended> {
        let filter = tracing_subscriber::EnvFilter::try_new(&self.log)
            .map_err(|error| Ended::new(Exit::Error, format!("--log {}: {error}", self.log)))?;
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(|| crate::words::sink::CleanStderr)
            .with_target(false)
            .with_timer(tracing_subscriber::fmt::time::uptime())
            .with_ansi(anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never)
            .init();
        Ok(())
    }
}

impl Color {
    fn choose(self) {
        let choice = match self {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
    }
}
