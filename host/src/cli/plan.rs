//! `stackrun plan`

use std::{
    fs::OpenOptions,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Args;

use super::{Ended, Exit, Global, SpecArgs};
use crate::{flow::Flow, plan::Plan, render};

/// Show every step that apply would carry out; changes nothing
#[derive(Debug, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    spec: SpecArgs,
    /// Save the plan, for `stackrun apply FILE`
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the plan as JSON
    #[arg(long)]
    json: bool,
    /// Exit with 2 when there is something to do
    #[arg(long)]
    detailed_exitcode: bool,
}

/// Plans, shows, saves.
pub async fn run(args: PlanArgs, global: &Global) -> Result<Exit, Ended> {
    let flow = Flow::open(&args.spec, global).await?;
    if args.out.is_some() {
        // Fingerprints in a saved plan have to be the same when it is carried out.
        flow.world.vault.establish()?;
    }
    let planned = flow.plan().await?;
    if let Some(out) = &args.out {
        save(&planned.plan, out)?;
    }
    if args.json {
        println!("{}", to_json(&planned.plan)?);
    } else {
        anstream::print!("{}", render::plan(&planned.plan));
        say_how_to_apply(&args, global, &planned.plan);
    }
    Ok(if args.detailed_exitcode && !planned.plan.is_empty() { Exit::Pending } else { Exit::Done })
}

fn say_how_to_apply(args: &PlanArgs, global: &Global, plan: &Plan) {
    if plan.is_empty() {
        return;
    }
    anstream::println!("{}", how_to_apply(args, global));
}

/// The command that carries out this very plan, as it can be pasted into a shell.
fn how_to_apply(args: &PlanArgs, global: &Global) -> String {
    let word = |path: &Path| shell_word(&path.to_string_lossy());
    let host = word(&global.host);
    match &args.out {
        Some(out) => format!("To carry out exactly this plan:  stackrun apply {} --host {host}", word(out)),
        None => {
            let set: String = args.spec.set.iter().map(|set| format!(" --set {}", shell_word(set))).collect();
            let spec = word(&args.spec.spec);
            format!(
                "To carry it out:  stackrun apply {spec} --host {host}{set}\n\
                 To keep exactly this plan for later:  add  -o plan.json"
            )
        }
    }
}

/// In quotes, where a shell would read something else than the characters themselves.
fn shell_word(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./:=@%+,".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn to_json(plan: &Plan) -> Result<String, Ended> {
    Ok(serde_json::to_string_pretty(plan).context("the plan can't be written as JSON")?)
}

/// 0600: a plan holds no secret, but all of a machine's set-up.
fn save(plan: &Plan, path: &PathBuf) -> Result<(), Ended> {
    let bytes = to_json(plan)?;
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(bytes.as_bytes())?;
        file.sync_all()
    };
    Ok(write().with_context(|| format!("the plan can't be written to {}", path.display()))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Color;

    fn said(out: Option<&str>) -> String {
        let set = vec!["gateway.app.domain=app.example.org".to_owned(), "container.app.name=it's 1".to_owned()];
        let spec = SpecArgs { spec: "my specs/app.toml".into(), set };
        let args = PlanArgs { spec, out: out.map(PathBuf::from), json: false, detailed_exitcode: false };
        how_to_apply(&args, &Global { host: "/etc/h.toml".into(), color: Color::Never, log: "warn".to_owned() })
    }

    #[test]
    fn the_command_that_is_told_applies_the_same_plan() {
        assert_eq!(
            said(None).lines().next().unwrap(),
            "To carry it out:  stackrun apply 'my specs/app.toml' --host /etc/h.toml --set gateway.app.domain=app.example.org \
             --set 'container.app.name=it'\\''s 1'"
        );
        assert_eq!(
            said(Some("plan.json")),
            "To carry out exactly this plan:  stackrun apply plan.json --host /etc/h.toml"
        );
    }
}
