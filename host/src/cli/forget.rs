//! `stackrun forget`

use clap::Args;

use super::{
    Global,
    apply::{confirm, known},
};
use crate::{
    cli::apply::put_right,
    diagnostic::{closest, listed},
    exit::{Ended, Exit},
    flow::Recorded,
    model::value::Address,
    render::{self, reporter},
    spec::StackArgs,
    state::{InstanceRecord, OwnedRecord},
    words::printable,
};

/// Forget that a stack owns something: it stays as it is, and is no longer stackrun's to change or take away
#[derive(Debug, Args)]
pub struct ForgetArgs {
    #[command(flatten)]
    stack: StackArgs,
    /// The instance
    address: Address,
    /// One of its things, by its key; without it all of them
    thing: Option<String>,
    /// Don't ask
    #[arg(long)]
    yes: bool,
}

/// Recovers what a killed run left, shows what is forgotten, asks, forgets.
pub async fn run(args: ForgetArgs, global: &Global) -> Result<Exit, Ended> {
    let on_record = Recorded::open(&args.stack.stack, &global.host)?;
    let world = &on_record.world;
    let _lock = world.lock(&on_record.stack)?;
    let reporter = reporter(false);
    put_right(world, reporter.as_ref()).await?;
    drop(reporter);
    let recorded = world.state.instances()?;
    known(&args.address, recorded.iter().map(|record| &record.address), "what stackrun has made of this stack")?;
    let Some(record) = recorded.iter().find(|record| record.address == args.address) else { return Ok(Exit::Done) };
    let things = named(record, args.thing.as_deref())?;
    render::tell_line(format_args!("{} no longer owns, and all of it stays as it is:", args.address));
    for one in &things {
        render::tell_line(format_args!(
            "  {} ({})",
            printable(&one.owned.thing.to_string()),
            printable(&one.owned.thing.key)
        ));
    }
    confirm(args.yes)?;
    world.state.forget(&args.address, &things)?;
    if on_record.is_in_spec(&args.address) {
        render::tell_line("The spec still has this instance: the next plan meets these things as somebody else's.");
    }
    Ok(Exit::Done)
}

/// All things, or the one with this key.
fn named<'a>(record: &'a InstanceRecord, key: Option<&str>) -> Result<Vec<&'a OwnedRecord>, Ended> {
    let Some(key) = key else { return Ok(record.owns.iter().collect()) };
    let found: Vec<&OwnedRecord> = record.owns.iter().filter(|one| one.owned.thing.key == key).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let keys = || record.owns.iter().map(|one| one.owned.thing.key.as_str());
    let help = match closest(key, keys()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there is {}", listed(keys())),
    };
    let message =
        format!("{} owns nothing with the key `{}`; nothing was changed\n  {help}", record.address, printable(key));
    Err(Ended::new(Exit::Error, message))
}
