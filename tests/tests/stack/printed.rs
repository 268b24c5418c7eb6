//! `write = "print"`: what another program writes is printed and left alone; pasted as it was printed, it is enough.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use stackrun_tests::by_hand::edit;
use stackrun_tests::lab::{Lab, Options, Scratch};
use stackrun_tests::stack::{DONE, PENDING, Stack, UNPROVEN, text};

#[test]
fn what_is_printed_and_pasted_makes_the_checks_hold() -> Result<()> {
    let lab = Scratch::up(&Options::default())?;
    let stack = Stack::in_test(&lab)?.on_copies(&lab)?;
    for kind in ["kind     = \"postgresql\"", "kind       = \"caddy\""] {
        edit(&stack.host, |host| host.replace(kind, &format!("{kind}\nwrite = \"print\"")))?;
    }
    let before = Others::look(&lab)?;
    let plan: Value = serde_json::from_slice(&stack.quietly("plan", &["--json"], DONE)?.stdout)?;
    let (rules, site) = (Fragment::of(&plan, "postgres.mediamanager")?, Fragment::of(&plan, "gateway.mediamanager")?);
    let shown = text(&stack.quietly("plan", &[], DONE)?.stdout);
    for path in [&rules.path, &site.path] {
        ensure!(shown.contains(&*path.to_string_lossy()), "a person is not told to edit {}: {shown}", path.display());
    }
    ensure!(shown.contains("2 to be done by hand"), "what is to be done by hand is not counted: {shown}");

    // No rule, and no container is started in vain; then no site.
    lacking(&stack, "no pg_hba.conf entry")?;
    before.are_as_they_were(&lab)?;
    rules.paste()?;
    lab.postgres.sql("postgres", "select pg_reload_conf()")?;
    lacking(&stack, "does not serve this site")?;
    ensure!(fs::read_dir(&lab.caddy.sites)?.next().is_none(), "a site was written");
    let left = text(&stack.quietly("plan", &["--detailed-exitcode"], PENDING)?.stdout);
    ensure!(left.contains("Plan: nothing for apply to do, 1 to be done by hand."), "what is left: {left}");
    stack.quietly("status", &["--detailed-exitcode"], PENDING)?;
    site.paste()?;
    lab.caddy.reload()?;
    stack.quietly("verify", &[], DONE)?;
    stack.nothing_to_do()?;
    let pasted = Others::look(&lab)?;
    stack.quietly("apply", &["--yes"], DONE)?;

    // It stays theirs: another change of the stack does not make it ours, and destroy leaves it.
    let more = ["--yes", "--set", "container.mediamanager.memory=900M"];
    stack.quietly("apply", &more, DONE)?;
    pasted.are_as_they_were(&lab)?;
    stack.quietly("destroy", &["--yes"], DONE)?;
    pasted.are_as_they_were(&lab)?;
    ensure!(lab.podman.run(&["ps", "--all", "--quiet"])?.is_empty(), "the container is left");
    lab.down()
}

/// Apply ends with what is missing.
fn lacking(stack: &Stack, words: &str) -> Result<()> {
    let ended = stack.quietly("apply", &["--yes"], UNPROVEN)?;
    ensure!(text(&ended.stderr).contains(words), "what is missing is not said, {words}: {}", text(&ended.stderr));
    Ok(())
}

/// What another program writes.
#[derive(Debug, PartialEq, Eq)]
struct Others {
    hba: String,
    sites: Vec<(PathBuf, String)>,
    served: String,
}

impl Others {
    fn look(lab: &Lab) -> Result<Self> {
        let mut sites = Vec::new();
        for entry in fs::read_dir(&lab.caddy.sites)? {
            let path = entry?.path();
            sites.push((path.clone(), fs::read_to_string(path)?));
        }
        Ok(Self { hba: fs::read_to_string(&lab.postgres.hba)?, sites, served: lab.caddy.serves()? })
    }

    fn are_as_they_were(&self, lab: &Lab) -> Result<()> {
        let now = Self::look(lab)?;
        ensure!(&now == self, "what is printed was written as well: {now:#?}");
        Ok(())
    }
}

/// Lines of a plan that somebody is to put into a file.
struct Fragment {
    path: PathBuf,
    /// The lines around it, where the file has some.
    old: String,
    new: String,
}

impl Fragment {
    /// The one that an instance's action by hand prints.
    fn of(plan: &Value, instance: &str) -> Result<Self> {
        let instances = plan["instances"].as_array().context("a plan has instances")?;
        let one = instances.iter().find(|one| one["address"] == instance).context("the instance is not planned")?;
        let index = one["by_hand"][0].as_u64().with_context(|| format!("{instance} has nothing by hand"))?;
        let moves = one["previews"][usize::try_from(index)?]["moves"].as_array().context("no previews")?;
        let prints =
            |step: &&Value| step["lines"].as_array().is_some_and(|all| all.iter().any(|line| line["sign"] == "added"));
        let step = moves.iter().find(prints).with_context(|| format!("{instance} prints nothing"))?;
        let (mut old, mut new) = (String::new(), String::new());
        let mut path = step["headline"].as_str().and_then(|line| line.strip_prefix("write ")?.split(" (").next());
        for line in step["lines"].as_array().into_iter().flatten() {
            let (sign, text) = (line["sign"].as_str().unwrap_or_default(), line["text"].as_str().unwrap_or_default());
            match (sign, text.split_once(" @@ ")) {
                ("same", Some((file, _))) => path = Some(file),
                ("added", _) => new.push_str(&format!("{text}\n")),
                ("removed", _) => old.push_str(&format!("{text}\n")),
                _ => [&mut old, &mut new].iter_mut().for_each(|all| all.push_str(&format!("{text}\n"))),
            }
        }
        Ok(Self { path: path.with_context(|| format!("{instance} does not say where"))?.into(), old, new })
    }

    fn paste(&self) -> Result<()> {
        match self.old.is_empty() {
            true => Ok(fs::write(&self.path, &self.new)?),
            false => edit(&self.path, |file| file.replacen(&self.old, &self.new, 1)),
        }
    }
}
