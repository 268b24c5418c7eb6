//! A stack of many instances: every other one a secret, every other one a file with that secret in it.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use stackrun_tests::stack::Stack;

/// How many instances: the goal is for the one in the middle, the others show how the time grows.
pub const SIZES: [usize; 3] = [500, 1000, 2000];

/// Writes the spec of `instances` instances into `folder`, and applies it so that a plan has nothing to do.
pub fn applied(stackrun: &Path, host: &Path, folder: &Path, instances: usize) -> Result<Stack> {
    let spec = folder.join(format!("many-{instances}.toml"));
    fs::write(&spec, text(instances)).with_context(|| format!("cannot write {}", spec.display()))?;
    let stack = Stack { stackrun: stackrun.to_owned(), host: host.to_owned(), spec, set: Vec::new() };
    stack.quietly("apply", &["--yes"], 0)?;
    Ok(stack)
}

fn text(instances: usize) -> String {
    let mut text = format!("[stack]\nname = \"many-{instances}\"\n");
    for number in 0..instances / 2 {
        // Writing into a String does not fail.
        let _ = write!(
            text,
            "\n[secret.s{number}]\ntoken = {{ generate = \"alphanumeric\", length = 40 }}\n\n[secret.f{number}]\n\
             render = [{{ path = \"${{host.data}}/many-{instances}-f{number}.env\", values = {{ TOKEN = \
             \"${{secret.s{number}.token}}\" }} }}]\n"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_has_as_many_instances_as_asked_for() -> Result<()> {
        let spec: toml::Table = toml::from_str(&text(10))?;
        let instances = spec["secret"].as_table().context("a table")?;
        assert_eq!(instances.len(), 10);
        assert_eq!(instances["f4"]["render"][0]["values"]["TOKEN"].as_str(), Some("${secret.s4.token}"));
        Ok(())
    }
}
