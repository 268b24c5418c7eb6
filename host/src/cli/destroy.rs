//! `stackrun destroy`

use std::collections::BTreeSet;

use clap::Args;

use super::{
    Global,
    apply::{confirm, ended, known},
};
use crate::{
    apply::{destroy, destruction, gates_of},
    cli::apply::put_right,
    exit::{Ended, Exit},
    flow::Recorded,
    model::value::Address,
    plan::preview,
    render::{self, reporter},
    spec::StackArgs,
    state::other_stacks,
};

/// Take a stack away again; data and secrets stay unless named
#[derive(Debug, Args)]
pub struct DestroyArgs {
    #[command(flatten)]
    stack: StackArgs,
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
    let on_record = Recorded::open(&args.stack.stack, &global.host)?;
    let (world, stack) = (&on_record.world, on_record.stack.as_str());
    let _lock = world.lock(stack)?;
    let reporter = reporter(args.json);
    put_right(world, reporter.as_ref()).await?;
    let delete_data: BTreeSet<Address> = args.delete_data.into_iter().collect();
    let instances = world.state.instances()?;
    for given in delete_data.iter().filter(|given| !on_record.is_in_spec(given)) {
        known(given, instances.iter().map(|record| &record.address), "what stackrun has made of this stack")?;
    }
    let others = other_stacks(&world.host_file.state, stack);
    let mut plan = destruction(&world.state, stack, &others, &delete_data)?;
    if plan.removals.is_empty() {
        render::tell_line("There is nothing to take away.");
        return Ok(Exit::Done);
    }
    let gates = gates_of(&plan);
    preview(&mut plan, world, &gates).await;
    if !args.json {
        render::print(render::plan(&plan));
    }
    confirm(args.yes)?;
    let applied = destroy(world, &plan, reporter.as_ref()).await?;
    drop(reporter);
    ended(applied, world)?;
    for kept in &plan.kept {
        render::tell_line(format_args!(
            "kept: {} ({}); --delete-data {} takes it",
            kept.what, kept.address, kept.address
        ));
    }
    Ok(Exit::Done)
}
