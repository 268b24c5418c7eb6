//! A saved plan is carried out as it was reviewed, or not at all.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use stackrun_tests::by_hand::{edit, without_blocks};
use stackrun_tests::lab::{Lab, Options, Scratch};
use stackrun_tests::machine::Machine;
use stackrun_tests::stack::{DONE, STALE, Stack, domain, text};

#[test]
fn a_saved_plan_runs_as_reviewed_or_not_at_all() -> Result<()> {
    let lab = Scratch::up(&Options::default())?;
    let stack = Stack::in_test(&lab)?.on_copies(&lab)?;
    stack.quietly("apply", &["--yes"], DONE)?;
    edit(&lab.postgres.hba, without_blocks)?;
    let site = lab.caddy.sites.join(format!("{}.caddy", domain(&lab.domain)));
    what_was_shown_at_the_prompt_is_what_runs(&lab, &stack, &site)?;
    let saved = Saved { lab: &lab, stack: &stack, file: lab.dir.join("data/plan.json") };
    stack.quietly("plan", &["-o", &saved.file.to_string_lossy()], DONE)?;

    saved.is_stale_after(&site, |old| format!("{old}\n# by hand\n"), &["gateway.mediamanager"])?;
    let spec = format!("the spec {} changed", stack.spec.display());
    saved.is_stale_after(
        &stack.spec,
        |old| old.replace("[container.mediamanager]", "[container.mediamanager]\nmemory = \"900M\""),
        &[&spec, "container.mediamanager"],
    )?;
    let host = format!("the host file {} changed", stack.host.display());
    saved.is_stale_after(
        &stack.host,
        |old| old.replace("clients  = [", "clients  = [\"10.9.9.0/24\", "),
        &[&host, "postgres.mediamanager"],
    )?;

    // What changes nothing of what is done is no reason to refuse, and a plan may come from elsewhere.
    edit(&stack.spec, |old| format!("{old}\n# a remark\n"))?;
    let ran = saved.apply_from_stdin()?;
    ensure!(ran.status.success(), "the reviewed plan: {} {}", ran.status, text(&ran.stderr));
    stack.nothing_to_do()?;

    // It has been carried out: the same again is another plan.
    let again = saved.apply()?;
    ensure!(again.status.code() == Some(STALE), "the same plan twice: {} {}", again.status, text(&again.stderr));
    stack.nothing_to_do()?;
    saved.the_reviewed_image_runs_or_none()?;
    lab.down()
}

/// While a person reads, somebody changes what the plan was made from: the answer was to another plan.
fn what_was_shown_at_the_prompt_is_what_runs(lab: &Lab, stack: &Stack, site: &Path) -> Result<()> {
    let old = fs::read_to_string(site)?;
    let before = fs::read_to_string(&lab.postgres.hba)?;
    let apply = stack.command("apply", &[]);
    let words = std::iter::once(apply.get_program()).chain(apply.get_args());
    let line: Vec<String> = words.map(|word| format!("'{}'", word.to_string_lossy())).collect();
    // With a terminal of its own, which is what makes it ask.
    let mut terminal = Command::new("script");
    terminal.args(["--quiet", "--return", "--command", &line.join(" "), "/dev/null"]);
    let mut running = terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()?;
    let mut out = running.stdout.take().context("the terminal has no output")?;
    let (mut said, mut byte) = (Vec::new(), [0]);
    while !said.ends_with(b"[y/N] ") {
        ensure!(out.read(&mut byte)? == 1, "it never asked: {}", text(&said));
        said.extend(byte);
    }
    edit(site, |old| format!("{old}\n# while you were reading\n"))?;
    let mut input = running.stdin.take().context("the terminal has no input")?;
    input.write_all(b"y\n")?;
    out.read_to_end(&mut said)?;
    let ended = running.wait()?;
    ensure!(ended.code() == Some(STALE), "what was read is not what would run: {ended} {}", text(&said));
    ensure!(text(&said).contains("gateway.mediamanager"), "what changed is not named: {}", text(&said));
    ensure!(fs::read_to_string(&lab.postgres.hba)? == before, "something was done all the same");
    edit(site, |_| old)
}

struct Saved<'a> {
    lab: &'a Lab,
    stack: &'a Stack,
    file: PathBuf,
}

impl Saved<'_> {
    /// With this change the plan is refused, in these words, and nothing is changed; the change is then taken back.
    fn is_stale_after(&self, path: &Path, change: impl FnOnce(&str) -> String, words: &[&str]) -> Result<()> {
        let old = fs::read_to_string(path)?;
        edit(path, change)?;
        let before = Machine::look(self.lab)?;
        for refused in [self.apply()?, self.apply_from_stdin()?] {
            let said = text(&refused.stderr);
            ensure!(refused.status.code() == Some(STALE), "a stale plan: {} {said}", refused.status);
            for word in words {
                ensure!(said.contains(word), "what changed is not named, {word}: {said}");
            }
            Machine::look(self.lab)?.same_as(&before).context("a stale plan changed something")?;
        }
        edit(path, |_| old)
    }

    /// Between plan and apply somebody gives the image's name to another one.
    fn the_reviewed_image_runs_or_none(&self) -> Result<()> {
        let podman = &self.lab.podman;
        let image =
            || podman.run(&["inspect", "--format", "{{.Image}}", "mediamanager"]).map(|id| id.trim().to_owned());
        let (reviewed, name) = (image()?, podman.run(&["inspect", "--format", "{{.ImageName}}", "mediamanager"])?);
        let name = name.trim();
        edit(&self.stack.spec, |old| {
            old.replace("[container.mediamanager]", "[container.mediamanager]\nmemory = \"900M\"")
        })?;
        let out = self.file.with_extension("retagged.json");
        let moved = Self { lab: self.lab, stack: self.stack, file: out };
        self.stack.quietly("plan", &["-o", &moved.file.to_string_lossy()], DONE)?;
        let other = podman.run(&["commit", "--quiet", "--change", "LABEL other=image", "mediamanager", name])?;
        ensure!(other.trim() != reviewed, "it is the same image");
        let before = Machine::look(self.lab)?;
        let refused = moved.apply()?;
        let said = text(&refused.stderr);
        ensure!(refused.status.code() == Some(STALE), "another image has the name: {} {said}", refused.status);
        ensure!(said.contains("container.mediamanager"), "what changed is not named: {said}");
        Machine::look(self.lab)?.same_as(&before).context("a stale plan changed something")?;

        podman.run(&["rmi", "--force", other.trim()])?;
        let ran = moved.apply()?;
        ensure!(ran.status.success(), "the name is the reviewed image's again: {} {}", ran.status, text(&ran.stderr));
        ensure!(image()? == reviewed, "another image runs: {}", image()?);
        self.stack.nothing_to_do()
    }

    fn apply(&self) -> Result<Output> {
        Ok(Command::new(&self.stack.stackrun).arg("apply").arg(&self.file).stdin(Stdio::null()).output()?)
    }

    fn apply_from_stdin(&self) -> Result<Output> {
        let mut stackrun = Command::new(&self.stack.stackrun);
        stackrun.args(["apply", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = stackrun.spawn()?;
        running.stdin.take().context("stackrun has no input")?.write_all(&fs::read(&self.file)?)?;
        Ok(running.wait_with_output()?)
    }
}
