//! The stand-ins have tests of their own, in their own languages: that they behave as the real ones do. They run here
//! with the very programs and libraries that the lab uses.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use stackrun_tests::lab::{Options, Scratch, idp};
use stackrun_tests::setup::{self, Need, Tools};

fn say(line: &str) {
    eprintln!("{line}");
}

/// What it wrote when it succeeded.
fn said(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("can't start {command:?}"))?;
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    ensure!(output.status.success(), "{command:?}: {}\n{said}", output.status);
    Ok(said)
}

/// The number after these words at the start of a line: a run of no tests at all succeeds too.
fn number(said: &str, words: &str) -> Result<u32> {
    let mut rest = said.lines().filter_map(|line| line.strip_prefix(words));
    let number = rest.next().and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    number.with_context(|| format!("how many tests ran is not said:\n{said}"))
}

#[test]
fn the_identity_provider_reads_clients_as_authelia_does_and_signs_people_in() -> Result<()> {
    setup::ensure(&[Need::Lab], &mut say)?;
    let tools = Tools::ensure(&mut say)?;
    let provider = idp::ensure_modules(&Options::default().idp, &tools, &mut say)?;
    let said = said(Command::new(tools.node()).args(["--test", "--test-reporter=tap"]).current_dir(provider))?;
    ensure!(number(&said, "# pass ")? > 0, "no test ran:\n{said}");
    Ok(())
}

#[test]
fn contracts_say_what_the_libraries_of_their_applications_do() -> Result<()> {
    setup::ensure(&[Need::Lab], &mut say)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the checkout has no root")?;
    let lab = Scratch::up(&Options::default())?;
    let mut images = lab.podman.command();
    let listed = said(images.args(["images", "--format", "{{.Repository}}:{{.Tag}}"]))?;
    let image = listed.lines().find(|image| image.contains("/mediamanager:")).with_context(|| listed.clone())?;
    let mount = |name: &str| format!("--volume={0}/{name}:/src/{name}:ro", root.display());
    let mut podman = lab.podman.command();
    podman.args(["run", "--network=none", &mount("tests/lab/apps"), &mount("contracts"), image]).args([
        "/opt/venv/bin/python",
        "-B",
        "-m",
        "unittest",
        "discover",
        "/src/tests/lab/apps/tests",
    ]);
    let said = said(&mut podman)?;
    ensure!(number(&said, "Ran ")? > 0, "no test ran:\n{said}");
    lab.down()
}
