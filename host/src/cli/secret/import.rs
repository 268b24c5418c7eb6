//! `stackrun secret import`

use std::{io::Read, path::PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::Args;
use zeroize::Zeroizing;

use super::{Secrets, parts, warn_short};
use crate::{
    cli::Global,
    exit::{Ended, Exit},
    model::{Making, Presence, value::Target},
    render,
    spec::SpecArgs,
    words::printable,
    world::{disk, vault::entries_of},
};

/// Take secrets over from an environment file, an agenix file, TOML, JSON or YAML
#[derive(Debug, Args)]
pub struct ImportArgs {
    #[command(flatten)]
    spec: SpecArgs,
    /// The file; `-` is standard input. One that ends in `.age` is decrypted with the store's identities
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Which secret a key becomes, where their names differ: KEY=SECRET, for example OIDC_SECRET=oidc_client_secret
    #[arg(long = "as", value_name = "KEY=SECRET")]
    names: Vec<String>,
    /// Replace secrets that are there with another value; they stay in the store as previous values
    #[arg(long)]
    replace: bool,
}

type Entries = Vec<(String, Zeroizing<String>)>;

/// Imports what the stack uses, and says what it does not.
pub async fn run(args: &ImportArgs, global: &Global) -> Result<Exit, Ended> {
    let secrets = Secrets::open(&args.spec, global).await?;
    let vault = &secrets.flow.world.vault;
    let entries = read(args, &secrets)?;
    let (matched, unused) = matched(args, &secrets, entries)?;
    let _lock = secrets.lock()?;
    // All is looked at before anything is changed.
    let mut wanted = Vec::new();
    for (key, target, value) in &matched {
        let same = match secrets.presence(target)? {
            Presence::Present(_) => vault.reveal(target).map_err(anyhow::Error::new)? == *value,
            Presence::Absent | Presence::Lost(_) => {
                wanted.push((target, value));
                continue;
            }
        };
        if same {
            render::tell_line(format_args!("{key}: {target} has this value already"));
        } else if args.replace {
            wanted.push((target, value));
        } else {
            let message =
                format!("{target} is there with another value; nothing was changed\n  to replace it: --replace");
            return Err(Ended::new(Exit::Error, message));
        }
    }
    for (target, value) in wanted {
        vault.set(target, value)?;
        render::tell_line(format_args!("imported {target}"));
        warn_short(target, value);
    }
    for key in &unused {
        render::tell_line(format_args!("nothing uses `{}`", printable(key)));
    }
    for (target, making) in &secrets.all {
        let by_hand = secrets.entry(target).is_some_and(|entry| entry.get("required").is_some());
        if by_hand && matches!(making, Making::Stored { .. }) && secrets.presence(target)? == Presence::Absent {
            render::tell_line(format_args!("still missing: {target}"));
        }
    }
    Ok(Exit::Done)
}

fn read(args: &ImportArgs, secrets: &Secrets) -> Result<Entries> {
    let shown = args.file.display();
    let mut bytes = Zeroizing::new(Vec::new());
    if args.file.as_os_str() == "-" {
        std::io::stdin().read_to_end(&mut bytes).context("standard input can't be read")?;
    } else {
        bytes = disk::read_named(&args.file).with_context(|| format!("{shown} can't be read"))?.bytes;
    }
    if args.file.extension().is_some_and(|extension| extension == "age") {
        bytes = secrets.flow.world.vault.decrypt(&bytes).with_context(|| format!("{shown} can't be opened"))?;
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| anyhow!("{shown} is no UTF-8 text"))?;
    entries_of(&args.file, text).with_context(|| format!("{shown} can't be read; nothing was changed"))
}

type Matched = Vec<(String, Target, Zeroizing<String>)>;

/// Each key with the secret of its name, small and capital letters being the same; then the keys that nothing uses.
fn matched(args: &ImportArgs, secrets: &Secrets, entries: Entries) -> Result<(Matched, Vec<String>), Ended> {
    let mut renamed = Vec::new();
    for pair in &args.names {
        let (key, name) =
            pair.split_once('=').ok_or_else(|| Ended::new(Exit::Error, format!("--as {pair}: write KEY=SECRET")))?;
        renamed.push((key, &secrets.find(name)?.0));
    }
    let (mut matched, mut unused) = (Matched::new(), Vec::new());
    for (key, value) in entries {
        let by_name = || {
            let meant = |target: &&Target| {
                let name = parts(target).map(|(_, name)| plain(name));
                name == Some(plain(&key)) || plain(&target.to_string()) == plain(&key)
            };
            let mut all = secrets.all.iter().filter(|(_, making)| matches!(making, Making::Stored { .. }));
            let mut meant = all.by_ref().map(|(target, _)| target).filter(meant);
            // Of two instances with a secret of that name none is meant.
            meant.next().filter(|_| meant.next().is_none())
        };
        let target = renamed.iter().find(|(from, _)| *from == key).map(|(_, target)| *target).or_else(by_name);
        match target {
            Some(target) if !value.is_empty() => matched.push((key, target.clone(), value)),
            _ => unused.push(key),
        }
    }
    Ok((matched, unused))
}

/// Names are the same whatever their case, and whether they are joined by `_`, `-` or `.`.
fn plain(name: &str) -> String {
    name.to_ascii_lowercase().replace(['.', '-'], "_")
}
