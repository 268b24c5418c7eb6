//! `stackrun verify`

use clap::Args;

use super::Global;
use crate::{
    apply::{Probes, Verified, verify},
    exit::{Ended, Exit},
    flow::{Flow, Purpose},
    render::{self, reporter},
    spec::SpecArgs,
};

/// Run the checks of a stack: the application's own login, the page through the gateway, the sign-in
#[derive(Debug, Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    spec: SpecArgs,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Send the probes too, which the plan shows: requests that should change nothing, such as a login that is refused
    #[arg(long)]
    probes: bool,
}

/// Plans to know the checks, then runs them.
pub async fn run(args: VerifyArgs, global: &Global) -> Result<Exit, Ended> {
    let flow = Flow::open(&args.spec, &global.host, Purpose::Plan).await?;
    let planned = flow.plan().await?;
    let reporter = reporter(args.json);
    let probes = if args.probes { Probes::Send } else { Probes::LeaveOut };
    let verified = verify(&flow.world, &planned.plan, &planned.gates, None, probes, reporter.as_ref()).await?;
    drop(reporter);
    conclude(&verified)
}

/// One closing line, and the exit code.
pub fn conclude(Verified { results, left_out }: &Verified) -> Result<Exit, Ended> {
    let failed = results.iter().filter(|result| result.failed.is_some()).count();
    if failed == 0 {
        let held = match results.len() {
            1 => "1 check holds.".to_owned(),
            several => format!("{several} checks hold."),
        };
        match left_out {
            0 => render::tell_line(held),
            1 => render::tell_line(format_args!("{held} 1 more sends something: verify --probes runs it too.")),
            more => {
                render::tell_line(format_args!("{held} {more} more send something: verify --probes runs them too."))
            }
        }
        return Ok(Exit::Done);
    }
    Err(Ended::new(Exit::Unproven, format!("{failed} of {} checks do not hold", results.len())))
}
