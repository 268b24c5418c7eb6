//! `stackrun apply`

use std::{collections::BTreeMap, io::IsTerminal, path::PathBuf};

use anyhow::Context;
use clap::Args;

use super::{Global, verify::conclude};
use crate::{
    apply::{Applied, Apply, Event, Probes, Reporter, recover, verify},
    capability::StepFailure,
    diagnostic::{closest, listed},
    exit::{Ended, Exit},
    flow::{Drawn, Flow, Purpose},
    model::value::Address,
    plan::{Binding, FORMAT, Plan, Stale},
    render::{self, reporter},
    spec::SpecArgs,
    state::Run,
    world::{World, disk, trusted},
};

/// Make all of a spec true, and prove that it works
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// A spec, a plan saved with `plan -o`, or - for a plan on standard input
    target: PathBuf,
    /// A value in place of the spec's: ADDRESS.FIELD=VALUE
    #[arg(long, value_name = "ADDRESS.FIELD=VALUE")]
    set: Vec<String>,
    /// Don't ask
    #[arg(long)]
    yes: bool,
    /// Carry out only the actions of this instance, and run only its checks
    #[arg(long, value_name = "ADDRESS")]
    only: Option<Address>,
    /// One JSON object a line: what happens, as it happens
    #[arg(long)]
    json: bool,
}

/// What the person gave.
enum Given {
    Spec(SpecArgs),
    Saved(Box<Plan>),
}

/// Recovers, plans, asks, carries out, checks.
pub async fn run(args: ApplyArgs, global: &Global) -> Result<Exit, Ended> {
    let (spec, host, saved) = match given(&args)? {
        Given::Spec(spec) => (spec, global.host.clone(), None),
        Given::Saved(plan) => {
            let spec = SpecArgs { spec: plan.binding.spec_path.clone(), set: plan.binding.set.clone() };
            (spec, plan.binding.host_file_path.clone(), Some(plan))
        }
    };
    let flow = Flow::open(&spec, &host, Purpose::Other).await?;
    let _lock = flow.world.lock(flow.stack())?;
    let reporter = reporter(args.json);
    let resumed = recover_first(&flow, saved.as_deref(), reporter.as_ref()).await?;
    let drawn = flow.plan().await?;
    flow.say_warnings();
    if let Some(only) = &args.only {
        let planned = drawn.plan.instances.iter().map(|instance| &instance.address);
        let removed = drawn.plan.removals.iter().map(|removal| &removal.address);
        known(only, planned.chain(removed), "the stack")?;
    }
    if let Some(saved) = &saved
        && let Some(stale) = stale(saved, &drawn.plan, resumed)
    {
        return Err(Ended::from(anyhow::Error::new(stale)));
    }
    if !args.json && saved.is_none() {
        render::print(render::plan(&drawn.plan));
    }
    let drawn = match saved {
        None if !drawn.plan.is_empty() => confirmed(&flow, drawn, args.yes).await?,
        _ => drawn,
    };
    let only = args.only.as_ref();
    let apply = Apply { world: &flow.world, plan: &drawn.plan, only, reporter: reporter.as_ref() };
    match drawn.plan.is_empty() {
        true => apply.remember()?,
        false => ended(apply.run().await?, &flow.world)?,
    }
    if let Some(only) = only {
        say_left_undone(&drawn.plan, only, reporter.as_ref());
    }
    let verified = verify(&flow.world, &drawn.plan, &drawn.gates, only, Probes::Send, reporter.as_ref()).await?;
    drop(reporter);
    let exit = conclude(&verified)?;
    if !args.json {
        drawn.urls().iter().for_each(render::print_line);
    }
    Ok(exit)
}

fn given(args: &ApplyArgs) -> Result<Given, Ended> {
    let from_stdin = args.target.as_os_str() == "-";
    let text = if from_stdin {
        std::io::read_to_string(std::io::stdin()).context("standard input can't be read")?
    } else {
        let unreadable = |error: anyhow::Error| {
            let shown = args.target.display();
            Ended::new(Exit::Invalid, format!("the spec or plan {shown} can't be read: {error:#}"))
        };
        let text = disk::read_named_text(&args.target).map_err(unreadable)?;
        // A saved plan is a JSON object, and no TOML document begins with a brace.
        if !text.trim_start().starts_with('{') {
            return Ok(Given::Spec(SpecArgs { spec: args.target.clone(), set: args.set.clone() }));
        }
        // It was reviewed; nobody else may have put another one in its place.
        let trusted = trusted::read_of(&args.target, "plan", sudoer())
            .map_err(|error| Ended::new(Exit::Invalid, format!("{error:#}")))?;
        trusted.into_text().map_err(unreadable)?
    };
    let plan: Plan = serde_json::from_str(&text)
        .with_context(|| format!("{} is no plan of this stackrun: make a new one", args.target.display()))?;
    if plan.format != FORMAT {
        let message = format!("the plan has format {}, this stackrun reads {FORMAT}: make a new one", plan.format);
        return Err(Ended::new(Exit::Error, message));
    }
    Ok(Given::Saved(Box::new(plan)))
}

/// Who has become root by `sudo`: a plan may lie in that user's own folder. It decides no more than the spec and the host
/// file that it names, and the host file has to be root's.
fn sudoer() -> Option<u32> {
    rustix::process::geteuid().is_root().then(|| std::env::var("SUDO_UID").ok()?.parse().ok()).flatten()
}

/// What the plan holds beside the one instance: it was reviewed, and is still to be done.
fn say_left_undone(plan: &Plan, only: &Address, reporter: &dyn Reporter) {
    let mut left: BTreeMap<&Address, usize> = BTreeMap::new();
    let addresses = plan.actions().map(|(instance, _)| &instance.address);
    for address in addresses.chain(plan.removals.iter().map(|removal| &removal.address)) {
        if address != only {
            *left.entry(address).or_default() += 1;
        }
    }
    if left.is_empty() {
        return;
    }
    let counted: Vec<String> = left.iter().map(|(address, count)| format!("{address} ({count})")).collect();
    let message = format!("left undone: actions of {}; apply without --only carries them out", counted.join(", "));
    reporter.report(Event::Note { message });
}

/// Whether the run that was recovered was one of the same saved plan: what it made does not make the plan stale.
async fn recover_first(flow: &Flow, saved: Option<&Plan>, reporter: &dyn Reporter) -> Result<bool, Ended> {
    let same = |run: &Run| {
        let of_run: Option<Plan> = serde_json::from_str(&run.plan).ok();
        saved.is_some() && of_run.as_ref() == saved
    };
    let resumed = flow.world.state.unfinished_run()?.as_ref().is_some_and(same);
    put_right(&flow.world, reporter).await.map(|recovered| recovered && resumed)
}

/// Puts right what a killed run left, if one did. What can't be ends the command: it is told nowhere else.
pub async fn put_right(world: &World, reporter: &dyn Reporter) -> Result<bool, Ended> {
    let Some(recovered) = recover(world, reporter).await? else { return Ok(false) };
    if !recovered.left.is_empty() {
        let left = recovered.left.join("\n  ");
        return Err(Ended::new(Exit::PartWay, format!("a killed run could not be put right:\n  {left}")));
    }
    Ok(true)
}

fn stale(saved: &Plan, fresh: &Plan, resumed: bool) -> Option<Stale> {
    let stale = Stale::between(saved, fresh)?;
    let rest_of_saved = || {
        let reviewed = |address: &Address, action| {
            saved.actions().any(|(instance, saved)| &instance.address == address && saved == action)
        };
        let inputs = |plan: &Plan| {
            let Binding { spec, set, host_file, loaded, .. } = plan.binding.clone();
            (spec, set, host_file, loaded)
        };
        inputs(saved) == inputs(fresh)
            && fresh.probes.iter().all(|probe| saved.probes.contains(probe))
            && fresh.actions().all(|(instance, action)| reviewed(&instance.address, action))
            && fresh.removals.iter().all(|removal| saved.removals.contains(removal))
    };
    if resumed && rest_of_saved() { None } else { Some(stale) }
}

/// An address that a person gave, among those there are: a slip must not look like nothing to do.
pub fn known<'a>(given: &Address, among: impl Iterator<Item = &'a Address>, whose: &str) -> Result<(), Ended> {
    let names: Vec<String> = among.map(ToString::to_string).collect();
    let given = given.to_string();
    if names.contains(&given) {
        return Ok(());
    }
    let help = match closest(&given, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there is {}", listed(names.iter().map(String::as_str))),
    };
    Err(Ended::new(Exit::Error, format!("{whose} has no instance `{given}`; nothing was changed\n  {help}")))
}

/// Asks, and plans again after the answer: while a person reads, the world may become another one, and only what was
/// read is carried out.
async fn confirmed(flow: &Flow, shown: Drawn, yes: bool) -> Result<Drawn, Ended> {
    confirm(yes)?;
    if yes {
        return Ok(shown);
    }
    flow.world.memo.clear();
    let again = flow.plan().await?;
    match Stale::between(&shown.plan, &again.plan) {
        None => Ok(again),
        Some(stale) => Err(Ended::from(anyhow::Error::new(stale))),
    }
}

/// Without a terminal and without `--yes`, refuses rather than guesses.
pub fn confirm(yes: bool) -> Result<(), Ended> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        let message = "nobody is there to say yes: review the plan, then give --yes, or apply a saved plan";
        return Err(Ended::new(Exit::Error, message));
    }
    render::tell("Carry this out? [y/N] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("the answer can't be read")?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Ended::new(Exit::Error, "nothing was changed")),
    }
}

/// The exit code and the words of a run that stopped.
pub fn ended(applied: Applied, world: &World) -> Result<(), Ended> {
    let Applied::Stopped { instance, thing, failure, left } = applied else { return Ok(()) };
    let because = world.vault.redact(&failure.to_string());
    let (exit, end) = match (&failure, left.is_empty()) {
        (StepFailure::Denied(_), true) => (Exit::Plugin, "it is taken back; what was done before it stays"),
        (StepFailure::Unproven { .. }, true) => (Exit::Unproven, "it is taken back; what was done before it stays"),
        (StepFailure::Failed(_), true) => (Exit::PartWay, "it is taken back; what was done before it stays"),
        (_, false) => (Exit::PartWay, "it could not be taken back whole:"),
    };
    let left: String = left.iter().map(|line| format!("\n  - {line}")).collect();
    Err(Ended::new(exit, format!("{instance} {thing}: {because}\n  {end}{left}")))
}
