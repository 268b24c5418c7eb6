//! What was found where, and the commands whose every word is looked through.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use anyhow::{Context, Result, bail, ensure};
use stackrun_tests::canary::Canaries;
use stackrun_tests::lab::Lab;
use stackrun_tests::stack::Stack;

/// Everything that was looked through, and what must not be in it.
pub struct Evidence {
    /// What is looked for, everywhere but at the destinations.
    pub canaries: Canaries,
    said: Vec<(String, Vec<u8>)>,
}

/// What a command said, and how it ended.
pub struct Said {
    /// Its exit code.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Evidence {
    /// None yet.
    pub fn new() -> Self {
        Self { canaries: Canaries::default(), said: Vec::new() }
    }

    /// Keeps what was said, so that it is looked through again for values that are learned later.
    pub fn keep(&mut self, place: &str, bytes: Vec<u8>) {
        self.said.push((place.to_owned(), bytes));
    }

    /// Runs `stackrun WORDS SPEC MORE` with a log of everything, and keeps what it says.
    pub fn run(&mut self, stack: &Stack, words: &str, more: &[&str], stdin: &str) -> Result<Said> {
        let mut command = stack.command(words, more);
        command.env("STACKRUN_LOG", "trace").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("can't start {}", stack.stackrun.display()))?;
        // A command that reads nothing may have ended before it is written to.
        let _ = child.stdin.take().context("it has no standard input")?.write_all(stdin.as_bytes());
        let Output { status, stdout, stderr } = child.wait_with_output()?;
        let (out, err) = (text(&stdout), text(&stderr));
        let title = format!("stackrun {words} {}", more.join(" "));
        self.keep(&format!("standard output of {title}"), stdout);
        self.keep(&format!("standard error of {title}"), stderr);
        Ok(Said { code: status.code(), out, err })
    }

    /// Nothing that was said holds a canary, nor does any file of the lab but these.
    pub fn is_clean(&self, lab: &Lab, destinations: &[PathBuf]) -> Result<()> {
        let mut finds = Vec::new();
        let mut look = |place: &str, bytes: &[u8]| {
            finds.extend(self.canaries.find(bytes).into_iter().map(|found| format!("{place}: {found}")));
        };
        for (place, bytes) in &self.said {
            look(place, bytes);
        }
        let files = files_below(&lab.dir)?;
        let state = lab.dir.join("state");
        ensure!(files.iter().any(|file| file.starts_with(&state)), "the state is not among the files");
        for log in [&lab.postgres.log, &lab.postgres.hba, &lab.caddy.log, &lab.idp.clients_fragment, &lab.podman.log] {
            ensure!(files.contains(log), "{} is not among the files", log.display());
        }
        for file in files.iter().filter(|file| !destinations.contains(file)) {
            look(&file.display().to_string(), &read(file)?);
        }
        if !finds.is_empty() {
            bail!("secrets are where they must not be:\n{}", finds.join("\n"));
        }
        Ok(())
    }

    /// Names of the values that are in a file.
    pub fn finds_in(&self, file: &Path) -> Result<Vec<String>> {
        Ok(self.canaries.find(&read(file)?).into_iter().map(|found| found.of).collect())
    }

    /// These values are found in that file: the search can find, and they arrived.
    pub fn is_at(&self, file: &Path, names: &[&str]) -> Result<()> {
        let found = self.finds_in(file)?;
        for name in names {
            ensure!(found.iter().any(|of| of == name), "{name} is not in {}", file.display());
        }
        Ok(())
    }
}

impl Said {
    /// The words, if it ended with this exit code.
    pub fn with(self, code: i32) -> Result<Self> {
        ensure!(
            self.code == Some(code),
            "it ended with {:?} and not with {code}:\n{}{}",
            self.code,
            self.out,
            words(&self.err)
        );
        Ok(self)
    }

    /// It names this secret where the value would have stood: the value was there, and is kept out.
    pub fn names(&self, secret: &str) -> Result<()> {
        let marker = format!("(secret {secret})");
        ensure!(words(&self.err).contains(&marker), "there is no {marker} in:\n{}", words(&self.err));
        Ok(())
    }
}

/// Standard error without the log: the lines that a person sees.
pub fn words(err: &str) -> String {
    let logged = |line: &str| {
        let line = line.trim_start_matches(['\u{1b}', '[']);
        ["TRACE", "DEBUG", " INFO"].iter().any(|level| line.get(..12).unwrap_or(line).contains(level))
    };
    err.lines().filter(|line| !logged(line)).map(|line| format!("{line}\n")).collect()
}

/// Without what is mounted there: root folders of containers, whose layers are files of the folder themselves.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let device = fs::metadata(folder)?.dev();
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // What servers remove meanwhile is nowhere any more.
        for entry in fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok) {
            let Ok(found) = entry.metadata() else { continue };
            if found.is_dir() && found.dev() == device {
                folders.push(entry.path());
            } else if found.is_file() {
                files.push(entry.path());
            }
        }
    }
    Ok(files)
}

fn read(file: &Path) -> Result<Vec<u8>> {
    match fs::read(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read.with_context(|| format!("can't read {}", file.display())),
    }
}

/// Bytes as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
