//! `stackrun graph`

use clap::Args;

use super::Global;
use crate::{
    exit::{Ended, Exit},
    flow::{Flow, Purpose},
    render,
    spec::SpecArgs,
};

/// Print who refers to whom and who waits for whom, as Graphviz DOT
#[derive(Debug, Args)]
pub struct GraphArgs {
    #[command(flatten)]
    spec: SpecArgs,
}

/// Solid arrows are waits (what comes first points to what comes after), dashed ones are references alone.
pub async fn run(args: GraphArgs, global: &Global) -> Result<Exit, Ended> {
    let flow = Flow::open(&args.spec, &global.host, Purpose::Plan).await?;
    let plan = flow.plan().await?.plan;
    render::print_line(format_args!("digraph \"{}\" {{", plan.stack));
    for instance in &plan.instances {
        render::print_line(format_args!("  \"{}\";", instance.address));
        for used in &instance.uses {
            let waits = plan.edges.contains(&(used.clone(), instance.address.clone()));
            let style = if waits { "" } else { " [style=dashed]" };
            render::print_line(format_args!("  \"{used}\" -> \"{}\"{style};", instance.address));
        }
    }
    render::print_line("}");
    Ok(Exit::Done)
}
