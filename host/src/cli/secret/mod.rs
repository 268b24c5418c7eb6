//! `stackrun secret`: what is in the store, and putting something into it. No value ever stands on a command line.

mod export;
mod import;
mod rotate;
mod set;

use std::io::IsTerminal;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Serialize;
use zeroize::Zeroizing;

use super::Global;
use crate::{
    exit::{Ended, Exit},
    flow::{Flow, Purpose},
    model::{
        Making, Presence,
        value::{Address, Target, Tree},
    },
    render,
    spec::SpecArgs,
    words::printable,
    world::{
        state::Lock,
        vault::{SHORTEST, too_short},
    },
};

/// List, set, rotate, import, export and show the secrets of a stack
#[derive(Debug, Args)]
pub struct SecretArgs {
    #[command(subcommand)]
    command: SecretCommand,
}

#[derive(Debug, Subcommand)]
enum SecretCommand {
    /// List the secrets of a stack, where they come from, and whether they are there
    List(ListArgs),
    Set(set::SetArgs),
    Rotate(rotate::RotateArgs),
    Import(import::ImportArgs),
    Export(export::ExportArgs),
    /// Show one secret; only on a terminal
    Show(NameArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    spec: SpecArgs,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct NameArgs {
    #[command(flatten)]
    spec: SpecArgs,
    /// Which, for example secret.mediamanager.token_secret, or token_secret where there is one of that name
    #[arg(value_name = "SECRET")]
    name: String,
}

/// Runs one of the commands.
pub async fn run(args: SecretArgs, global: &Global) -> Result<Exit, Ended> {
    match args.command {
        SecretCommand::List(args) => list(&args, global).await,
        SecretCommand::Set(args) => set::run(&args, global).await,
        SecretCommand::Rotate(args) => rotate::run(&args, global).await,
        SecretCommand::Import(args) => import::run(&args, global).await,
        SecretCommand::Export(args) => export::run(&args, global).await,
        SecretCommand::Show(args) => show(&args, global).await,
    }
}

/// The stack's secrets, declared to the vault.
struct Secrets {
    flow: Flow,
    all: Vec<(Target, Making)>,
}

/// How a secret is listed.
#[derive(Serialize)]
struct Listed {
    secret: String,
    from: String,
    /// `there`, `absent`, or what is wrong.
    is: String,
}

impl Secrets {
    async fn open(spec: &SpecArgs, global: &Global) -> Result<Self, Ended> {
        let flow = Flow::open(spec, &global.host, Purpose::Other).await?;
        let mut all = Vec::new();
        for (address, makings) in flow.makings() {
            flow.world.vault.declare(address, makings);
            for making in makings {
                let target = Target::Made(address.clone(), making.name().to_owned());
                if flow.world.vault.is_secret(&target) {
                    all.push((target, making.clone()));
                }
            }
        }
        Ok(Self { flow, all })
    }

    /// The one secret that a person means: by its whole name, or the end of it.
    fn find(&self, name: &str) -> Result<&(Target, Making), Ended> {
        let name = name.strip_prefix("${").and_then(|name| name.strip_suffix('}')).unwrap_or(name);
        let tail = format!(".{name}");
        let meant: Vec<_> = self
            .all
            .iter()
            .filter(|(target, _)| {
                let whole = target.to_string();
                whole == name || whole.ends_with(&tail)
            })
            .collect();
        match meant.as_slice() {
            [one] => Ok(one),
            [] => Err(Ended::new(Exit::Error, self.no_such(name))),
            several => {
                let names: Vec<String> = several.iter().map(|(target, _)| target.to_string()).collect();
                Err(Ended::new(Exit::Error, format!("`{name}` may be {}: write all of it", names.join(" or "))))
            }
        }
    }

    fn no_such(&self, name: &str) -> String {
        let names: Vec<String> = self.all.iter().map(|(target, _)| target.to_string()).collect();
        let near = |known: &&String| {
            let short = known.rsplit('.').next().unwrap_or(known);
            strsim::jaro_winkler(short, name.rsplit('.').next().unwrap_or(name)) > 0.8
        };
        match names.iter().find(near) {
            Some(near) => format!("the stack has no secret `{}`; did you mean {near}?", printable(name)),
            None => format!("the stack has no secret `{}`; it has {}", printable(name), names.join(", ")),
        }
    }

    fn lock(&self) -> Result<Lock, Ended> {
        Ok(self.flow.world.lock(self.flow.stack())?)
    }

    fn presence(&self, target: &Target) -> anyhow::Result<Presence> {
        Ok(self.flow.world.vault.presence(target)?)
    }

    /// The entry of a secret in its instance's table.
    fn entry(&self, target: &Target) -> Option<&Tree> {
        let Target::Made(address, name) = target else { return None };
        self.flow.section(address)?.get(name)
    }
}

/// Somebody else chose the value, and may need it as it is: it is kept, and what that means is said.
fn warn_short(target: &Target, value: &str) {
    if value.len() < SHORTEST {
        render::tell_line(format_args!("warning: {}", too_short(target)));
    }
}

/// `secret.mediamanager` and the name after it.
fn parts(target: &Target) -> Option<(&Address, &str)> {
    match target {
        Target::Made(address, name) => Some((address, name)),
        _ => None,
    }
}

async fn list(args: &ListArgs, global: &Global) -> Result<Exit, Ended> {
    let secrets = Secrets::open(&args.spec, global).await?;
    let listed: Vec<Listed> = secrets.all.iter().map(|(target, making)| secrets.listed(target, making)).collect();
    if args.json {
        let json = serde_json::to_string_pretty(&listed).context("the list can't be written")?;
        render::print_line(json);
        return Ok(Exit::Done);
    }
    let width = |of: fn(&Listed) -> &str| listed.iter().map(|one| of(one).chars().count()).max().unwrap_or_default();
    let (first, second) = (width(|one| &one.secret), width(|one| &one.from));
    for Listed { secret, from, is } in &listed {
        render::print_line(format_args!("{secret:first$}  {from:second$}  {}", printable(is)));
    }
    Ok(Exit::Done)
}

impl Secrets {
    fn listed(&self, target: &Target, making: &Making) -> Listed {
        let from = match making {
            Making::Stored { .. } if self.entry(target).is_some_and(|entry| entry.get("required").is_some()) => {
                "set by hand".to_owned()
            }
            Making::Stored { .. } => "generated".to_owned(),
            Making::FromFile { path, key, .. } => {
                printable(&key.as_ref().map_or_else(|| path.clone(), |key| format!("{path} ({key})")))
            }
            Making::Captured { connection, .. } => format!("captured from {connection}"),
        };
        let is = match self.presence(target) {
            Ok(Presence::Present(_)) => "there".to_owned(),
            Ok(Presence::Absent) => "absent".to_owned(),
            Ok(Presence::Lost(why)) => why,
            Err(error) => format!("{error:#}"),
        };
        Listed { secret: target.to_string(), from, is }
    }
}

/// A value on a terminal is gone with the screen; in a pipe it would be in a file or a log.
async fn show(args: &NameArgs, global: &Global) -> Result<Exit, Ended> {
    if !std::io::stdout().is_terminal() {
        return Err(Ended::new(
            Exit::Error,
            "a secret is shown on a terminal only\n  to take secrets elsewhere: stackrun secret export",
        ));
    }
    let secrets = Secrets::open(&args.spec, global).await?;
    let (target, _) = secrets.find(&args.name)?;
    let value: Zeroizing<String> = secrets.flow.world.vault.reveal(target).map_err(anyhow::Error::new)?;
    render::print_secret(&value);
    Ok(Exit::Done)
}
