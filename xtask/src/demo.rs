//! `cargo xtask demo`: the whole way, from a machine with cargo alone to an application that somebody signed in to.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use stackrun_tests::lab::{Lab, Options, Scratch};
use stackrun_tests::setup::{self as machine, Need};
use stackrun_tests::sign_in::Visitor;
use stackrun_tests::stack::{Stack, domain};

use crate::workspace::Workspace;
use crate::{build, process, root, setup};

/// Deploy examples/mediamanager.toml onto real servers, sign in, and apply it again
#[derive(clap::Args)]
pub struct Args {
    /// Leave everything up at the end
    #[arg(long)]
    keep: bool,
    /// This stackrun, instead of one built now
    #[arg(long, value_name = "FILE")]
    stackrun: Option<PathBuf>,
}

/// Ends well only if the application answered through the gateway, a sign-in worked, and a second apply did nothing.
pub fn run(args: &Args) -> Result<()> {
    let workspace = Workspace::load()?;
    let stackrun = match &args.stackrun {
        Some(stackrun) => stackrun.clone(),
        None => {
            title("set-up: what is missing on this machine, the plugins, stackrun");
            setup::ensure(&[Need::Lab])?;
            build::run(&build::Args::default())?;
            build::stackrun(&workspace, "dev")?
        }
    };
    if !machine::is_root() {
        let mut again = vec!["demo".into(), "--stackrun".into(), stackrun.into()];
        again.extend(args.keep.then(|| "--keep".into()));
        return root::xtask(&again);
    }

    title("the lab: PostgreSQL, Podman, Caddy, an identity provider");
    let lab = Scratch::up(&Options::default())?;
    eprintln!("up in {0}; if this is interrupted, `cargo xtask lab down {0}` ends it", lab.dir.display());
    let stack = Stack::mediamanager(&stackrun, &workspace.root, &lab);
    let folder = lab.dir.clone();
    let url = show(&lab, &stack)?;
    if !args.keep {
        title("the end");
        lab.down()?;
        eprintln!("all of it worked; nothing runs any more, and {} is removed (--keep leaves it)", folder.display());
        return Ok(());
    }
    let lab = lab.keep();
    let person = person(&lab)?;
    eprintln!("\nall of it worked, and stays up. Sign in as {} with {}", person.name, person.password);
    eprintln!("stackrun reaches it with  --host {}", lab.host_file.display());
    eprintln!("cargo xtask lab down {}  ends it", lab.dir.display());
    println!("{url}");
    Ok(())
}

fn show(lab: &Lab, stack: &Stack) -> Result<String> {
    title("stackrun apply --yes: the plan, the run, the checks");
    process::run(&mut stack.command("apply", &["--yes"]))?;

    title("a sign-in");
    let url = lab.caddy.url(&domain(&lab.domain));
    let person = person(lab)?;
    let mail = Visitor::new(lab)?.sign_in(&url, person).context("the sign-in did not work")?;
    eprintln!("{} signed in at {url} by way of {}, and is known there as {mail}", person.name, lab.idp.issuer);

    title("stackrun apply --yes, again: there should be nothing to do");
    let before = containers(lab)?;
    stack.quietly("plan", &["--detailed-exitcode"], 0).context("there is something left to do after apply")?;
    process::run(&mut stack.command("apply", &["--yes"]))?;
    let after = containers(lab)?;
    ensure!(before == after, "the second apply changed the containers:\n{before}before,\n{after}after");
    eprintln!("the containers are the same, and run since then");
    Ok(url)
}

/// Somebody who can sign in at the lab's identity provider.
fn person(lab: &Lab) -> Result<&stackrun_tests::lab::idp::User> {
    lab.idp.users.first().context("the lab's identity provider knows nobody")
}

/// All containers, with what would be another after any change.
fn containers(lab: &Lab) -> Result<String> {
    let mut podman = lab.podman.command();
    process::output(podman.args(["ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}} {{.StartedAt}}"]))
}

fn title(text: &str) {
    // A line of its own in what other programs write in between.
    eprintln!("\n== {text}");
}
