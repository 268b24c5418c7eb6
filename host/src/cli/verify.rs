//! `stackrun verify`

use clap::Args;

use super::{Ended, Exit, Global, SpecArgs};
use crate::{
    apply::{CheckResult, verify},
    flow::{Flow, Purpose},
    render::{self, reporter},
};

/// Run the checks of a stack: the application's own login, the page through the gateway, the sign-in
#[derive(Debug, Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    spec: SpecArgs,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Plans to know the checks, then runs them.
pub async fn run(args: VerifyArgs, global: &Global) -> Result<Exit, Ended> {
    let flow = Flow::open(&args.spec, &global.host, Purpose::Plan).await?;
    let planned = flow.plan().await?;
    let reporter = reporter(args.json);
    let results = verify(&flow.world, &planned.plan, &planned.gates, None, reporter.as_ref()).await?;
    drop(reporter);
    conclude(&results)
}

/// One closing line, and the exit code.
pub fn conclude(results: &[CheckResult]) -> Result<Exit, Ended> {
    let failed = results.iter().filter(|result| result.failed.is_some()).count();
    if failed == 0 {
        match results.len() {
            1 => render::tell_line("1 check holds."),
            several => render::tell_line(format_args!("{several} checks hold.")),
        }
        return Ok(Exit::Done);
    }
    Err(Ended::new(Exit::Unproven, format!("{failed} of {} checks do not hold", results.len())))
}
