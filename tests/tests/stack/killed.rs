//! Runs that are killed at every step: the next run puts right what they left, nothing is made twice, and no secret is made
//! anew.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use stackrun_tests::lab::{Options, Scratch};
use stackrun_tests::machine::Machine;
use stackrun_tests::stack::{DONE, Stack, text};

/// More than any run of the whole stack reports.
const MOST: usize = 300;

#[test]
fn a_run_killed_at_every_step_of_apply_and_destroy_converges() -> Result<()> {
    let lab = Scratch::up(&Options::default())?;
    let stack = Stack::in_test(&lab)?;
    let before = Machine::look(&lab)?;
    let mut secrets = Secrets { folder: lab.dir.join("store/mediamanager"), made: BTreeMap::new() };

    let killed = killed_at_each(&stack, "apply", &mut secrets)?;
    ensure!(killed > 30, "an apply of the whole stack was killed {killed} times only");
    ensure!(!secrets.made.is_empty(), "no secret is where the test looks");
    stack.quietly("apply", &["--yes"], DONE)?;
    stack.nothing_to_do()?;
    stack.quietly("verify", &["--probes"], DONE)?;
    secrets.are_as_they_were()?;

    let killed = killed_at_each(&stack, "destroy", &mut secrets)?;
    ensure!(killed > 10, "a destroy of the whole stack was killed {killed} times only");
    let again = stack.quietly("destroy", &["--yes"], DONE)?;
    ensure!(text(&again.stderr).contains("nothing to take away"), "{}", text(&again.stderr));
    Machine::look(&lab)?.same_as(&before)?;
    secrets.are_as_they_were()?;
    lab.down()
}

/// Runs it again and again, and kills each run at the first report that no run has come to yet, until one comes to its end.
fn killed_at_each(stack: &Stack, command: &str, secrets: &mut Secrets) -> Result<usize> {
    let mut seen = BTreeSet::new();
    for killed in 0..MOST {
        let mut run =
            stack.command(command, &["--yes", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let out = BufReader::new(run.stdout.take().context("a run has no output")?);
        let mut at = None;
        for line in out.lines() {
            let what = moment(&line?);
            if what.as_ref().is_some_and(|what| !seen.contains(what)) {
                run.kill()?;
                at = what;
                break;
            }
        }
        let ended = run.wait_with_output()?;
        secrets.are_as_they_were()?;
        let Some(at) = at else {
            ensure!(ended.status.success(), "{command} after {killed} kills: {}\n{seen:#?}", text(&ended.stderr));
            return Ok(killed);
        };
        seen.insert(at);
    }
    bail!("{command} does not come to its end, whatever is killed: {seen:#?}")
}

/// What a report says, without how long it took; none of a check: it changes nothing.
fn moment(line: &str) -> Option<String> {
    let mut report: serde_json::Map<String, Value> = serde_json::from_str(line).ok()?;
    report.remove("milliseconds");
    let event = report.get("event")?.as_str()?;
    (!event.starts_with("check")).then(|| Value::Object(report.clone()).to_string())
}

/// Secrets of the store, as they were when they were first seen.
struct Secrets {
    folder: PathBuf,
    made: BTreeMap<PathBuf, Vec<u8>>,
}

impl Secrets {
    fn are_as_they_were(&mut self) -> Result<()> {
        for (path, bytes) in files(&self.folder)? {
            match self.made.get(&path) {
                None => drop(self.made.insert(path, bytes)),
                Some(first) => ensure!(*first == bytes, "{} was made anew", path.display()),
            }
        }
        let lost = self.made.keys().find(|path| !path.exists());
        ensure!(lost.is_none(), "{lost:?} is gone");
        Ok(())
    }
}

/// What is in the folders of a folder.
fn files(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    for instance in fs::read_dir(folder).into_iter().flatten() {
        let instance = instance?.path();
        for file in fs::read_dir(&instance).into_iter().flatten() {
            let path = file?.path();
            if path.extension().is_some_and(|extension| extension == "age") {
                found.insert(path.clone(), fs::read(&path)?);
            }
        }
    }
    Ok(found)
}
