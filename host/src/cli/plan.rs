//! `stackrun plan`

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Args;

use super::Global;
use crate::{
    exit::{Ended, Exit},
    flow::{Flow, Purpose},
    plan::Plan,
    render,
    spec::SpecArgs,
    words,
    world::disk,
};

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
    let flow = Flow::open(&args.spec, &global.host, Purpose::Plan).await?;
    if args.out.is_some() {
        // Fingerprints in a saved plan have to be the same when it is carried out.
        flow.world.vault.establish()?;
    }
    let planned = flow.plan().await?;
    flow.say_warnings();
    if let Some(out) = &args.out {
        save(&planned.plan, out)?;
    }
    if args.json {
        render::print_line(planned.plan.to_json(serde_json::to_string_pretty)?);
    } else {
        render::print(render::plan(&planned.plan));
        say_how_to_apply(&args, global, &planned.plan);
    }
    Ok(if args.detailed_exitcode && planned.plan.is_pending() { Exit::Pending } else { Exit::Done })
}

fn say_how_to_apply(args: &PlanArgs, global: &Global, plan: &Plan) {
    if plan.is_empty() {
        return;
    }
    render::print_line(how_to_apply(args, global));
}

/// The command that carries out this very plan, as it can be pasted into a shell.
fn how_to_apply(args: &PlanArgs, global: &Global) -> String {
    let mut words = ["stackrun", "apply"].map(str::to_owned).to_vec();
    if let Some(out) = &args.out {
        // It knows its host file, and what was set.
        words.push(out.display().to_string());
        return format!("To carry out exactly this plan:  {}", words::shell_line(&words));
    }
    words.extend([args.spec.spec.display().to_string(), "--host".to_owned(), global.host.display().to_string()]);
    words.extend(args.spec.set.iter().flat_map(|set| ["--set".to_owned(), set.clone()]));
    let line = words::shell_line(&words);
    format!("To carry it out:  {line}\nTo keep exactly this plan for later:  add  -o plan.json")
}

/// 0600: a plan holds no secret, but all of a machine's set-up. A new file in the place of the old one, so that neither an
/// old mode nor a link decides who reads it.
fn save(plan: &Plan, path: &Path) -> Result<(), Ended> {
    let bytes = plan.to_json(serde_json::to_string_pretty)?;
    let write = || -> anyhow::Result<()> {
        let name = path.file_name().context("it is not the name of a file")?;
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        refuse_other_than_file(path)?;
        Ok(disk::lock(File::open(folder)?)?.replace(&name.to_string_lossy(), bytes.as_bytes(), 0o600, None)?)
    };
    Ok(write().with_context(|| format!("the plan can't be written to {}", path.display()))?)
}

/// Only a regular file is replaced: in the place of a device such as `/dev/null` a plan would break the machine, and in the
/// place of a link it would take the link away.
fn refuse_other_than_file(path: &Path) -> std::io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(facts) if facts.is_file() => Ok(()),
        Ok(facts) if facts.is_symlink() => {
            Err(std::io::Error::other("it is a symbolic link: name the file that it leads to"))
        }
        Ok(_) => Err(std::io::Error::other("it is not a regular file, and is left as it is: name another file")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_takes_the_place_of_a_file_and_of_nothing_else() {
        use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};

        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let plan = Plan::of_nothing("stack");
        std::fs::write(at("old"), "old").unwrap();
        std::fs::set_permissions(at("old"), PermissionsExt::from_mode(0o644)).unwrap();
        symlink("old", at("link")).unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        let made = |program: &str, arguments: &[&str], name: &str| {
            let mut command = std::process::Command::new(program);
            assert!(command.arg(at(name)).args(arguments).status().unwrap().success(), "these tests run as root");
        };
        made("mkfifo", &[], "pipe");
        // The numbers of /dev/null.
        made("mknod", &["c", "1", "3"], "device");

        for refused in ["link", "folder", "pipe", "device"] {
            let ended = save(&plan, &at(refused)).err().map(|ended| ended.message).unwrap_or_default();
            assert!(ended.contains("name another file") || ended.contains("name the file"), "{refused}: {ended}");
        }
        let kind = |name: &str| std::fs::symlink_metadata(at(name)).unwrap().file_type();
        assert!(kind("link").is_symlink() && kind("folder").is_dir());
        assert!(kind("pipe").is_fifo() && kind("device").is_char_device());
        assert_eq!(std::fs::read_to_string(at("old")).unwrap(), "old");
        for saved in ["old", "new"] {
            assert!(save(&plan, &at(saved)).is_ok());
            let facts = std::fs::metadata(at(saved)).unwrap();
            assert!(facts.is_file() && facts.len() > 0);
            assert_eq!(facts.permissions().mode() & 0o777, 0o600, "{saved}");
        }
    }
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
        assert_eq!(said(Some("plan.json")), "To carry out exactly this plan:  stackrun apply plan.json");
    }
}
