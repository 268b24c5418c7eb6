//! `stackrun check`

use std::sync::Arc;

use clap::Args;

use super::Global;
use crate::{
    cache::Cache,
    diagnostic::to_json,
    exit::{Ended, Exit},
    flow::{Machine, front, read, say},
    host_file,
    model::HostFile,
    plugin::{Runtime, builtin},
    render,
    spec::{self, SpecArgs},
};

/// Say all that is wrong with a spec; asks nothing of this machine, and needs no host file
#[derive(Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    spec: SpecArgs,
    /// Print the messages as JSON
    #[arg(long)]
    json: bool,
}

/// Checks, and ends with code 3 when something is wrong.
pub async fn run(args: CheckArgs, global: &Global) -> Result<Exit, Ended> {
    let runtime = Runtime::new(&Cache::default_directory())?;
    let others = plugins_by_others(&args.spec, global);
    let front = tokio::task::block_in_place(|| {
        let read = read(&args.spec)?;
        let plugins = read.plugins(&runtime, others.as_deref())?;
        front(read, plugins, runtime.cache(), Machine::Elsewhere)
    })?;
    if args.json {
        render::print_line(format_args!("{:#}", to_json(&front.diagnostics, &front.sources)));
    } else {
        say(&front.diagnostics, &front.sources);
        if !front.has_errors() {
            render::print_line(format_args!(
                "{}: nothing is wrong with its {}",
                args.spec.spec.display(),
                counted(front.spec.instances.len())
            ));
        }
    }
    Ok(if front.has_errors() { Exit::Invalid } else { Exit::Done })
}

fn counted(instances: usize) -> String {
    match instances {
        1 => "one instance".to_owned(),
        several => format!("{several} instances"),
    }
}

/// Only a spec with kinds that are not built in needs the host file, for the plugins that it names. One that can't be
/// read is no reason to stop: then these kinds are unknown, and that is said.
fn plugins_by_others(args: &SpecArgs, global: &Global) -> Option<Arc<HostFile>> {
    let (spec, _) = spec::read_with(&args.spec, &[]).ok()?;
    if spec.index.kinds().all(|kind| builtin::of(kind).is_some()) {
        return None;
    }
    host_file::read(&global.host).ok().map(|(host_file, _, _)| Arc::new(host_file))
}
