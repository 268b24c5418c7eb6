//! The plan in README.md is a real one: the text between its markers stands in the plan of a fresh lab, but for the
//! folder of the lab and its network.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use stackrun_tests::lab::{Options, Scratch};
use stackrun_tests::stack::Stack;

#[test]
fn the_plan_in_the_readme_is_real() -> Result<()> {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md"))?;
    let block = readme.split_once("<!-- plan -->").and_then(|(_, rest)| rest.split_once("<!-- /plan -->"));
    let shown: Vec<&str> =
        block.context("README.md has no plan")?.0.lines().filter(|line| !line.starts_with("```")).collect();

    let lab = Scratch::up(&Options::default())?;
    let output = Stack::in_test(&lab)?.quietly("plan", &[], 0)?;
    let plan = String::from_utf8_lossy(&output.stdout)
        .replace(&lab.dir.display().to_string(), "/srv/lab")
        .replace(&lab.podman.subnet, "10.88.0.0/16");
    lab.down()?;
    let sections: Vec<String> =
        shown.split(|line| *line == "…").map(|lines| lines.join("\n").trim().to_owned()).collect();
    ensure!(sections.iter().all(|section| section.len() > 40), "the README shows next to nothing of a plan");
    for section in sections {
        ensure!(plan.contains(&section), "README.md shows what no plan says:\n{section}\n\nthe plan is\n{plan}");
    }
    Ok(())
}
