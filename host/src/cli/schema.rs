//! `stackrun schema`

use std::sync::Arc;

use clap::Args;

use super::Global;
use crate::{
    cache::Cache,
    exit::{Ended, Exit},
    flow::Plugins,
    host_file,
    model::HostFile,
    plugin::{Runtime, builtin},
    render,
    schema::Catalog,
};

/// Print the JSON Schema of specs, for editors
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Print the reference page of specs, host files and contracts instead
    #[arg(long)]
    markdown: bool,
}

/// Of the five plugins, and of those that the host file names, where there is one.
pub async fn run(args: SchemaArgs, global: &Global) -> Result<Exit, Ended> {
    let host_file = host_file::read(&global.host).ok().map(|(host_file, _, _)| Arc::new(host_file));
    if args.markdown {
        // The page is about stackrun, not about this machine.
        render::print(tokio::task::block_in_place(|| catalog(None))?.page());
    } else {
        render::print_line(format_args!(
            "{:#}",
            tokio::task::block_in_place(|| catalog(host_file.as_deref()))?.whole()
        ));
    }
    Ok(Exit::Done)
}

fn catalog(host_file: Option<&HostFile>) -> Result<Catalog, Ended> {
    let runtime = Runtime::new(&Cache::default_directory())?;
    let mut kinds: Vec<&str> = builtin::all().iter().map(|builtin| builtin.kind).collect();
    kinds.extend(host_file.into_iter().flat_map(|host_file| host_file.plugins.keys()).map(String::as_str));
    kinds.sort_unstable();
    kinds.dedup();
    let plugins = Plugins::load(&runtime, &kinds, host_file)?;
    Ok(Catalog::new(plugins.iter().map(|loaded| Arc::clone(loaded.plugin.description()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_page_is_current() {
        let page = catalog(None).unwrap_or_else(|ended| panic!("{ended}")).page();
        let committed = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/spec.md"));
        let current = committed.is_ok_and(|committed| committed == page);
        assert!(current, "run: cargo run -p stackrun -- schema --markdown > docs/spec.md");
    }
}
