//! `stackrun status`

use clap::Args;

use super::Global;
use crate::{
    exit::{Ended, Exit},
    flow::{Flow, Purpose},
    render,
    spec::SpecArgs,
};

/// Show how each instance stands: as it should be, drifted, or missing; and the URL
#[derive(Debug, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    spec: SpecArgs,
    /// Print as JSON
    #[arg(long)]
    json: bool,
    /// Exit with 2 when something is not as it should be
    #[arg(long)]
    detailed_exitcode: bool,
}

/// Plans, and says in a line for each instance what it found.
pub async fn run(args: StatusArgs, global: &Global) -> Result<Exit, Ended> {
    let flow = Flow::open(&args.spec, &global.host, Purpose::Plan).await?;
    let drawn = flow.plan().await?;
    let (standing, urls) = (drawn.plan.standing(), drawn.urls());
    if args.json {
        render::print_line(serde_json::json!({"stack": flow.stack(), "instances": standing, "urls": urls}));
    } else {
        render::print(render::standing(&standing));
        urls.iter().for_each(render::print_line);
    }
    Ok(if args.detailed_exitcode && drawn.plan.is_pending() { Exit::Pending } else { Exit::Done })
}
