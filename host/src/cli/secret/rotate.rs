//! `stackrun secret rotate`

use clap::Args;

use super::Secrets;
use crate::{
    cli::Global,
    exit::{Ended, Exit},
    model::{
        Generator, Presence,
        value::{Target, Tree},
    },
    render,
    spec::SpecArgs,
};

/// Generate a secret anew; the next apply brings it to its places
#[derive(Debug, Args)]
pub struct RotateArgs {
    #[command(flatten)]
    spec: SpecArgs,
    /// Which, for example secret.mediamanager.token_secret
    #[arg(value_name = "SECRET")]
    name: String,
}

/// Rotates one secret.
pub async fn run(args: &RotateArgs, global: &Global) -> Result<Exit, Ended> {
    let secrets = Secrets::open(&args.spec, global).await?;
    let (target, _) = secrets.find(&args.name)?;
    let Some((generator, length)) = recipe(&secrets, target) else {
        let message =
            format!("{target} is not generated, so it can't be generated anew\n  stackrun secret set SPEC {target}");
        return Err(Ended::new(Exit::Error, message));
    };
    let _lock = secrets.lock()?;
    match secrets.presence(target)? {
        Presence::Present(_) => {}
        Presence::Absent => {
            let message = format!("{target} is not there yet: apply generates it");
            return Err(Ended::new(Exit::Error, message));
        }
        Presence::Lost(why) => return Err(Ended::new(Exit::Error, why)),
    }
    secrets.flow.world.vault.rotate(target, generator, length)?;
    render::tell_line(format_args!(
        "{target} is another one now; the one before is kept beside it\n  \
         the next apply brings it to its places: until then the application goes on with the old one\n  \
         an account that the application keeps itself, such as that of `first_login`, has to be changed there"
    ));
    Ok(Exit::Done)
}

/// How the spec says it is generated.
fn recipe(secrets: &Secrets, target: &Target) -> Option<(Generator, u32)> {
    let entry = secrets.entry(target)?;
    let number = |key: &str, otherwise: u32| match entry.get(key) {
        Some(Tree::Integer(number)) => u32::try_from(*number).ok(),
        _ => Some(otherwise),
    };
    match entry.get("generate")?.as_str()? {
        "alphanumeric" => Some((Generator::Alphanumeric, number("length", 40)?)),
        "hex" => Some((Generator::Hex, number("bytes", 32)?)),
        "base64url" => Some((Generator::Base64url, number("bytes", 32)?)),
        _ => None,
    }
}
