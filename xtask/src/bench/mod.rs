//! `cargo xtask bench`: how long plans take, written to docs/performance.md.

mod clock;
mod many;
mod report;
mod terraform;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use stackrun_tests::lab::{Lab, Options, Scratch};
use stackrun_tests::setup::{self as machine, Need};

use crate::workspace::Workspace;
use crate::{build, process, root, setup};
use clock::{Case, interleaved};
use report::Measured;
use stackrun_tests::stack::Stack;

/// How long a new stack comes to rest.
const REST: Duration = Duration::from_secs(10);

/// Measure plans, and write docs/performance.md
#[derive(clap::Args)]
pub struct Args {
    /// This stackrun, instead of a release build made now
    #[arg(long, value_name = "FILE")]
    stackrun: Option<PathBuf>,
    /// Where the page goes, instead of docs/performance.md
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Builds for release, brings a lab up, measures, writes the page.
pub fn run(args: &Args) -> Result<()> {
    let workspace = Workspace::load()?;
    let out = args.out.clone().unwrap_or_else(|| workspace.root.join("docs/performance.md"));
    let stackrun = match &args.stackrun {
        Some(stackrun) => stackrun.clone(),
        None => {
            setup::ensure(&[Need::Lab])?;
            build::run(&build::Args::default())?;
            build::stackrun(&workspace, "release")?
        }
    };
    if !machine::is_root() {
        // The page is the caller's file: root writes another, and it is copied.
        let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
        let page = folder.path().join("performance.md");
        root::xtask(&["bench".into(), "--stackrun".into(), stackrun.into(), "--out".into(), page.clone().into()])?;
        return fs::copy(&page, &out).map(|_| ()).with_context(|| format!("cannot write {}", out.display()));
    }
    let lab = Scratch::up(&Options::default())?;
    let page = measure(&lab, &stackrun, &workspace.root)?.page();
    lab.down()?;
    fs::write(&out, &page).with_context(|| format!("cannot write {}", out.display()))?;
    println!("{page}");
    Ok(())
}

fn measure(lab: &Lab, stackrun: &Path, root: &Path) -> Result<Measured> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let whole = Stack::mediamanager(stackrun, root, lab);
    eprintln!("the whole stack: apply");
    whole.quietly("apply", &["--yes"], 0)?;
    let first = first_plan(&whole, &folder.path().join("no-plugin-yet"))?;

    let terraform = terraform::applied(folder.path())?;
    let mut cases = vec![plan_of("stackrun plan".to_owned(), whole)];
    if terraform.is_some() {
        let folder = folder.path().to_owned();
        cases.push(Case { name: "terraform plan".to_owned(), command: Box::new(move || terraform::plan(&folder)) });
    }
    // What was just made is still being started, and written to the disk.
    std::thread::sleep(REST);
    // Apart from the large plans: the machine is busy with what they leave behind for a while after they have ended.
    eprintln!("{} runs of {} programs", clock::RUNS, cases.len());
    let mut times = interleaved(&cases)?.into_iter();
    let mut cases = Vec::new();
    for size in many::SIZES {
        eprintln!("{size} instances: apply");
        let stack = many::applied(stackrun, &lab.host_file, folder.path(), size)?;
        cases.push(plan_of(format!("stackrun plan of {size}"), stack));
    }
    eprintln!("{} runs of {} programs", clock::RUNS, cases.len());
    let many = interleaved(&cases)?;
    let stack = times.next().context("the stack was not measured")?;
    let cores = std::thread::available_parallelism().context("cannot tell how many cores there are")?;
    let date = process::output(Command::new("date").args(["-u", "+%F"]))?.trim().to_owned();
    Ok(Measured { date, cores: cores.get(), stack, terraform: terraform.zip(times.next()), many, first })
}

/// A plan that has nothing to do; else it would end with 2.
fn plan_of(name: String, stack: Stack) -> Case {
    Case { name, command: Box::new(move || stack.command("plan", &["--detailed-exitcode"])) }
}

/// How long a plan takes with nothing in the cache of compiled plugins.
fn first_plan(stack: &Stack, cache: &Path) -> Result<Duration> {
    let began = Instant::now();
    process::output(stack.command("plan", &["--detailed-exitcode"]).env("STACKRUN_CACHE", cache))?;
    Ok(began.elapsed())
}
