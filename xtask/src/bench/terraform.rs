//! Ten resources that do nothing, as Terraform plans them: the least that any plan of its costs.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;

/// How many resources.
const RESOURCES: usize = 10;

/// A folder with an applied configuration in it; None where there is no Terraform on the machine.
pub fn applied(folder: &Path) -> Result<Option<String>> {
    let Ok(version) = terraform(folder).arg("version").output() else { return Ok(None) };
    let version = String::from_utf8_lossy(&version.stdout).lines().next().unwrap_or("Terraform").to_owned();
    let mut text = String::new();
    for number in 0..RESOURCES {
        text += &format!("resource \"terraform_data\" \"r{number}\" {{\n  input = \"value {number}\"\n}}\n");
    }
    let file = folder.join("main.tf");
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    process::output(terraform(folder).args(["init", "-input=false", "-no-color"]))?;
    process::output(terraform(folder).args(["apply", "-auto-approve", "-input=false", "-no-color"]))?;
    Ok(Some(version))
}

/// `terraform plan` there; ends with 0 only when it has nothing to do.
pub fn plan(folder: &Path) -> Command {
    let mut plan = terraform(folder);
    plan.args(["plan", "-detailed-exitcode", "-input=false", "-no-color"]);
    plan
}

fn terraform(folder: &Path) -> Command {
    let mut terraform = Command::new("terraform");
    // It would ask its makers for news at every start.
    terraform.current_dir(folder).env("CHECKPOINT_DISABLE", "1");
    terraform
}
