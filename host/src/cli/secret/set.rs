//! `stackrun secret set`

use std::io::{IsTerminal, Read};

use anyhow::{Context, Result, bail};
use clap::Args;
use zeroize::Zeroizing;

use super::{Secrets, warn_short};
use crate::{
    cli::Global,
    exit::{Ended, Exit},
    model::Presence,
    render,
    spec::SpecArgs,
};

/// Longer ones are a mistake: somebody piped a file.
const LONGEST: u64 = 64 << 10;

/// Set a secret: typed without an echo, or from standard input
#[derive(Debug, Args)]
pub struct SetArgs {
    #[command(flatten)]
    spec: SpecArgs,
    /// Which, for example secret.mediamanager.api_key
    #[arg(value_name = "SECRET")]
    name: String,
    /// Replace the one that is there; it stays in the store as the previous value
    #[arg(long)]
    replace: bool,
}

/// Sets one secret.
pub async fn run(args: &SetArgs, global: &Global) -> Result<Exit, Ended> {
    let secrets = Secrets::open(&args.spec, global).await?;
    let (target, _) = secrets.find(&args.name)?;
    let path = secrets.flow.world.vault.path_of(target)?;
    let _lock = secrets.lock()?;
    if matches!(secrets.presence(target)?, Presence::Present(_)) && !args.replace {
        let message = format!("{target} is there already\n  to replace it: --replace");
        return Err(Ended::new(Exit::Error, message));
    }
    let value = read(&format!("{target}: "))?;
    secrets.flow.world.vault.set(target, &value)?;
    warn_short(target, &value);
    render::tell_line(format_args!("{target} is kept in {}; the next apply brings it to its places", path.display()));
    Ok(Exit::Done)
}

/// From the person or the program at standard input, less one last line break.
fn read(prompt: &str) -> Result<Zeroizing<String>> {
    if std::io::stdin().is_terminal() {
        let typed = Zeroizing::new(rpassword::prompt_password(prompt).context("nothing could be read")?);
        let again = Zeroizing::new(rpassword::prompt_password("once more: ").context("nothing could be read")?);
        if typed != again {
            bail!("the two are not the same; nothing was changed");
        }
        return checked(typed);
    }
    let mut text = Zeroizing::new(String::new());
    std::io::stdin().take(LONGEST + 1).read_to_string(&mut text).context("standard input is no UTF-8 text")?;
    if text.len() as u64 > LONGEST {
        bail!("standard input holds more than {} KiB; nothing was changed", LONGEST >> 10);
    }
    let value = text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text));
    checked(Zeroizing::new(value.to_owned()))
}

fn checked(value: Zeroizing<String>) -> Result<Zeroizing<String>> {
    match value.is_empty() {
        true => bail!("an empty value is no secret; nothing was changed"),
        false => Ok(value),
    }
}
