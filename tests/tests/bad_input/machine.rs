//! A lab with stackrun beside it: host files that differ from the lab's, and what a run could have changed.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Output,
};

use anyhow::{Context, Result, ensure};
use stackrun_tests::{lab::Lab, stack::Stack};

pub struct Machine<'a> {
    pub lab: &'a Lab,
    /// The lab's own host file, as text.
    host: String,
}

/// All that stackrun could have changed.
#[derive(PartialEq, Eq)]
pub struct Seen(Vec<(&'static str, String)>);

impl<'a> Machine<'a> {
    pub fn new(lab: &'a Lab) -> Result<Self> {
        let machine = Self { lab, host: fs::read_to_string(&lab.host_file)? };
        // What a first look makes: an empty state.
        machine.stack()?.quietly("status", &[], crate::DONE)?;
        Ok(machine)
    }

    /// The stack of the example.
    pub fn stack(&self) -> Result<Stack> {
        Stack::in_test(self.lab)
    }

    /// The same on a host file of its own, in which some pieces are others. Its state is its own too, so that several
    /// may run side by side.
    pub fn stack_on(&self, name: &str, pieces: &[(&str, &str)]) -> Result<Stack> {
        let mut text = self.host.clone();
        let state = self.lab.dir.join("state");
        let own = self.lab.dir.join(format!("bad/{name}/state"));
        for (old, new) in pieces.iter().copied().chain([(path(&state)?, path(&own)?)]) {
            ensure!(text.contains(old), "the lab's host file has no {old}");
            text = text.replace(old, new);
        }
        Ok(Stack { host: self.write(&format!("bad/{name}/stackrun.toml"), &text)?, ..self.stack()? })
    }

    /// A file in the lab's folder.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.lab.dir.join(name);
        fs::create_dir_all(path.parent().context("the lab has a folder")?)?;
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        Ok(path)
    }

    pub fn look(&self) -> Result<Seen> {
        let lab = self.lab;
        let podman =
            lab.podman.command().args(["ps", "--all", "--format", "{{.ID}} {{.Names}} {{.State}}"]).output()?;
        let sql = |sql: &str| lab.postgres.sql("postgres", sql);
        Ok(Seen(vec![
            ("containers", text(&podman.stdout)),
            ("databases", sql("select string_agg(datname, ' ' order by datname) from pg_database")?),
            ("roles", sql("select string_agg(rolname, ' ' order by rolname) from pg_roles")?),
            ("pg_hba.conf", fs::read_to_string(&lab.postgres.hba)?),
            ("sites", below(&lab.caddy.sites)?),
            ("clients", fs::read_to_string(&lab.idp.clients_fragment).unwrap_or_default()),
            ("folders", below(&lab.dir.join("data"))?),
            // What other stacks keep to recognise their secrets by stays theirs.
            ("secrets", below(&lab.dir.join("store/mediamanager"))?),
        ]))
    }
}

impl Seen {
    pub fn same_as(&self, before: &Self) -> Result<()> {
        for ((what, now), (_, then)) in self.0.iter().zip(&before.0) {
            ensure!(now == then, "{what} changed; before:\n{then}\nnow:\n{now}");
        }
        Ok(())
    }
}

/// Each of these stands in what was said, wherever the terminal breaks its lines.
pub fn told(output: &Output, told: &[&str]) -> Result<()> {
    let said = text(&output.stderr);
    let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace() && *c != '│').collect::<String>();
    for told in told {
        ensure!(bare(&said).contains(&bare(told)), "nothing says `{told}` in:\n{said}");
    }
    Ok(())
}

/// Where a line of the example that begins so is underlined.
pub fn place(stack: &Stack, begins: &str) -> Result<String> {
    let text = fs::read_to_string(&stack.spec)?;
    let line = text.lines().position(|line| line.starts_with(begins));
    Ok(format!("mediamanager.toml:{}:", line.with_context(|| format!("the example has no {begins}"))? + 1))
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn path(path: &Path) -> Result<&str> {
    path.to_str().context("the lab's folder has a plain name")
}

/// Names and contents of all files below a folder; nothing where it is not there.
fn below(folder: &Path) -> Result<String> {
    let mut all = String::new();
    let Ok(entries) = fs::read_dir(folder) else { return Ok(all) };
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        all.push_str(&format!("{}\n", path.display()));
        all.push_str(&if path.is_dir() { below(&path)? } else { text(&fs::read(&path)?) });
    }
    Ok(all)
}
