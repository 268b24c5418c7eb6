//! `stackrun plugin list|inspect`

use std::{path::Path, sync::Arc};

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Global;
use crate::{
    cache::Cache,
    diagnostic::Sources,
    exit::{Ended, Exit},
    flow::{Plugins, refuse_errors},
    hex::hex,
    host_file,
    model::{ConnectionWant, Description, HostFile, OutputType},
    plugin::{Runtime, builtin},
    render,
    words::printable,
    world::disk,
};

/// Look at plugins
#[derive(Debug, Args)]
pub struct PluginArgs {
    #[command(subcommand)]
    command: PluginCommand,
}

#[derive(Debug, Subcommand)]
enum PluginCommand {
    /// List the built-in plugins and those that the host file names
    List {
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what a plugin asks for and offers, before any grant is given
    Inspect {
        /// A kind, or a component: a path with a `/` in it, or one that ends in .wasm
        plugin: String,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
}

/// A plugin that could be loaded.
struct Found {
    /// `built in`, or its path.
    from: String,
    digest: String,
    description: Description,
}

/// Loads plugins and prints what they say of themselves. None of them is asked about an instance.
pub async fn run(args: PluginArgs, global: &Global) -> Result<Exit, Ended> {
    let host_file = match global.host.exists() {
        true => Some(Arc::new(read(global)?)),
        false => None,
    };
    let runtime = Runtime::new(&Cache::default_directory())?;
    match args.command {
        PluginCommand::List { json } => Ok(list(&runtime, host_file.as_deref(), json)),
        PluginCommand::Inspect { plugin, json } => {
            let found = match plugin.contains('/') || plugin.ends_with(".wasm") {
                true => of_file(&runtime, Path::new(&plugin))?,
                false => of_kind(&runtime, &plugin, host_file.as_deref())?,
            };
            match json {
                true => render::print_line(format_args!("{:#}", found.to_json())),
                false => render::print(found.page()),
            }
            Ok(Exit::Done)
        }
    }
}

fn read(global: &Global) -> Result<HostFile, Ended> {
    let (host_file, source, problems) = host_file::read(&global.host).map_err(anyhow::Error::new)?;
    refuse_errors(&problems, &Sources { host_file: Some(source), ..Sources::default() })?;
    Ok(host_file)
}

/// One line each. One that can't be loaded is said, and hides no other.
fn list(runtime: &Runtime, host_file: Option<&HostFile>, json: bool) -> Exit {
    let mut kinds: Vec<&str> = builtin::all().iter().map(|builtin| builtin.kind).collect();
    kinds.extend(host_file.into_iter().flat_map(|host_file| host_file.plugins.keys()).map(String::as_str));
    kinds.sort_unstable();
    kinds.dedup();
    let mut found = Vec::new();
    let mut exit = Exit::Done;
    for kind in kinds {
        match of_kind(runtime, kind, host_file) {
            Ok(plugin) => found.push(plugin),
            Err(ended) => {
                render::tell_line(format_args!("{} {ended}", render::error_word()));
                exit = ended.exit;
            }
        }
    }
    if json {
        render::print_line(format_args!("{:#}", Value::from_iter(found.iter().map(Found::to_json))));
    } else {
        let width = found.iter().map(|plugin| plugin.description.kind.len()).max().unwrap_or_default();
        for Found { from, description, .. } in &found {
            let Description { kind, version, about, .. } = description;
            render::print_line(format_args!("{kind:width$}  {version:8}  {}  ({from})", printable(about)));
        }
    }
    exit
}

fn of_kind(runtime: &Runtime, kind: &str, host_file: Option<&HostFile>) -> Result<Found, Ended> {
    let plugins = Plugins::load(runtime, &[kind], host_file)?;
    let Some(loaded) = plugins.of(kind) else {
        let message = format!("there is no plugin for the kind `{kind}`: `stackrun plugin list` names them all");
        return Err(Ended::new(Exit::Error, message));
    };
    let path = host_file.and_then(|host_file| host_file.plugins.get(kind)?.path.as_ref());
    let from = path.map_or_else(|| "built in".to_owned(), |path| path.display().to_string());
    Ok(Found { from, digest: loaded.digest.clone(), description: Description::clone(loaded.plugin.description()) })
}

/// A component that nobody has installed yet. It is only asked to describe itself, in the same sandbox.
fn of_file(runtime: &Runtime, path: &Path) -> Result<Found, Ended> {
    let shown = path.display().to_string();
    let bytes = disk::read_named(path).with_context(|| format!("the plugin {shown} can't be read"))?.bytes;
    let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy();
    let plugin = runtime.load(&name, &bytes).map_err(|fault| Ended::new(Exit::Plugin, fault.to_string()))?;
    let digest = hex(&Sha256::digest(&bytes));
    Ok(Found { from: shown, digest, description: Description::clone(plugin.description()) })
}

impl Found {
    fn to_json(&self) -> Value {
        json!({ "from": self.from, "sha256": self.digest, "description": self.description })
    }

    fn page(&self) -> String {
        let Description { kind, version, about, connections, outputs, capabilities, .. } = &self.description;
        let mut page = format!("{kind} {version}: {}\n", printable(about));
        let mut line = |name: &str, value: &str| page.push_str(&format!("  {name:12}{value}\n"));
        line("from", &self.from);
        line("sha256", &self.digest);
        line("asks for", &words(capabilities.iter().map(String::as_str)));
        for ConnectionWant { field, kinds, required, .. } in connections {
            let may_lack = if *required { "" } else { ", or none" };
            line("connection", &format!("{field}: {}{may_lack}", words(kinds.iter().map(|kind| printable(kind)))));
        }
        for OutputType { name, value_type, secret, about } in outputs {
            let secret = if *secret { "secret " } else { "" };
            let of_type = format!("{value_type:?}").to_lowercase();
            line("output", &format!("{name} ({secret}{of_type}): {}", printable(about)));
        }
        page
    }
}

/// `sql, files`, or `nothing`.
fn words<T: AsRef<str>>(words: impl Iterator<Item = T>) -> String {
    let words: Vec<String> = words.map(|word| word.as_ref().to_owned()).collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}
