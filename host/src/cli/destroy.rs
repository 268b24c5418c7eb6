//! `stackrun destroy`

use std::collections::BTreeSet;

use clap::Args;

use super::{
    Global,
    apply::{confirm, ended, known},
};
use crate::{
    apply::{destruction, recover},
    exit::{Ended, Exit},
    flow::{Flow, Purpose},
    model::value::Address,
    plan::preview,
    render::{self, reporter},
    spec::SpecArgs,
};

/// Take a stack away again; data and secrets stay unless named
#[derive(Debug, Args)]
pub struct DestroyArgs {
    #[command(flatten)]
    spec: SpecArgs,
    /// Delete the data of this instance too (a database, secrets); may be given several times
    #[arg(long, value_name = "ADDRESS")]
    delete_data: Vec<Address>,
    /// Don't ask
    #[arg(long)]
    yes: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Undoes what state knows, backwards.
pub async fn run(args: DestroyArgs, global: &Global) -> Result<Exit, Ended> {
    let flow = Flow::open(&args.spec, &global.host, Purpose::Other).await?;
    let _lock = flow.lock()?;
    let reporter = reporter(args.json);
    recover(&flow.world, reporter.as_ref()).await?;
    let delete_data: BTreeSet<Address> = args.delete_data.into_iter().collect();
    let recorded = flow.world.state.instances()?;
    for given in delete_data.iter().filter(|given| flow.section(given).is_none()) {
        known(given, recorded.iter().map(|record| &record.address), "what stackrun has made of this stack")?;
    }
    let destruction = destruction(&flow.world.state, &delete_data)?;
    if destruction.removals.is_empty() {
        render::tell_line("There is nothing to take away.");
        return Ok(Exit::Done);
    }
    let mut plan = destruction.as_plan(flow.stack());
    preview(&mut plan, &flow.world, &destruction.gates(flow.stack())).await;
    if !args.json {
        render::print(render::plan(&plan));
    }
    confirm(args.yes)?;
    let applied = destruction.run(&flow.world, flow.stack(), reporter.as_ref()).await?;
    drop(reporter);
    ended(applied, &flow)?;
    for kept in &destruction.kept {
        render::tell_line(format_args!(
            "kept: {} ({}); --delete-data {} takes it",
            kept.what, kept.address, kept.address
        ));
    }
    Ok(Exit::Done)
}
