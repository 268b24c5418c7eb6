//! `stackrun secret export`

use std::{fs::File, path::PathBuf};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use zeroize::Zeroizing;

use super::{Secrets, parts};
use crate::{
    cli::Global,
    document,
    exit::{Ended, Exit},
    model::{
        Failure, Presence,
        desired::Format,
        value::{Target, Tree},
    },
    render,
    spec::SpecArgs,
    world::disk,
};

/// Write all secrets of a stack into a new file, encrypted to the store's recipients
#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    spec: SpecArgs,
    /// The file to make, 0600; one that is there is left alone
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Language of the file
    #[arg(long, value_name = "LANGUAGE", default_value = "toml")]
    format: Language,
    /// Leave it unencrypted
    #[arg(long)]
    clear: bool,
}

/// Languages that secrets are exported in; import reads them all.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Language {
    Toml,
    Json,
    Env,
}

/// Exports every secret that is there.
pub async fn run(args: &ExportArgs, global: &Global) -> Result<Exit, Ended> {
    let secrets = Secrets::open(&args.spec, global).await?;
    let vault = &secrets.flow.world.vault;
    let mut entries = Vec::new();
    for (target, _) in &secrets.all {
        match secrets.presence(target)? {
            Presence::Present(_) => entries.push((key(&secrets, target, args.format), Tree::Reference(target.clone()))),
            Presence::Absent => render::tell_line(format_args!("{target} is not there yet, and left out")),
            Presence::Lost(why) => return Err(Ended::new(Exit::Error, why)),
        }
    }
    let format = match args.format {
        Language::Toml => Format::Toml,
        Language::Json => Format::Json,
        Language::Env => Format::Env,
    };
    let clear: Zeroizing<Vec<u8>> =
        document::encode::<Failure>(format, &Tree::Table(entries), &|target| vault.reveal(target))
            .map_err(anyhow::Error::new)?;
    let bytes = if args.clear { clear.to_vec() } else { vault.seal(&clear)? };
    write_new(&args.to, &bytes)?;
    let how = if args.clear { "in clear: delete it when it has served" } else { "encrypted to the store's recipients" };
    render::tell_line(format_args!("{} is written, {how}", args.to.display()));
    Ok(Exit::Done)
}

/// Names that import finds again: the whole name where two instances have one of the same.
fn key(secrets: &Secrets, target: &Target, format: Language) -> String {
    let name_of = |target: &Target| parts(target).map(|(_, name)| name.to_owned());
    let name = name_of(target);
    let alone = secrets.all.iter().filter(|(other, _)| name_of(other) == name).count() == 1;
    let key = name.filter(|_| alone).unwrap_or_else(|| target.to_string());
    match format {
        Language::Env => key.to_ascii_uppercase().replace(['-', '.'], "_"),
        Language::Toml | Language::Json => key,
    }
}

fn write_new(path: &std::path::Path, bytes: &[u8]) -> anyhow::Result<()> {
    let shown = path.display();
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
    let name =
        path.file_name().and_then(|name| name.to_str()).with_context(|| format!("{shown} is no name of a file"))?;
    let directory = File::open(parent).with_context(|| format!("{} can't be opened", parent.display()))?;
    match disk::lock(&directory)?.create(name, bytes, 0o600).with_context(|| format!("{shown} can't be written"))? {
        true => Ok(()),
        false => bail!("{shown} is there already; nothing was written"),
    }
}
