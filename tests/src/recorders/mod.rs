//! Recorders between stackrun and the real servers of a lab: what it really did, to be held against what its plan said.
//!
//! [`Recorded::of`] gives a stack a host file of its own, in which each server is reached through a recorder: the
//! engine's and Caddy's sockets through proxies that forward every byte, PostgreSQL by its own log of all statements,
//! the operator's verbs by scripts that note that they were called. Files are looked at before and after.
//!
//! [`expected`] reads from a plan's JSON, as a reviewer gets it, what may be seen. What neither sees: requests to the
//! application's own port and through the gateway.

pub mod effect;
pub mod expected;
pub mod files;
mod proxy;
mod statements;
mod verbs;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

pub use effect::Effect;
use files::Files;
use proxy::Proxy;
use statements::Statements;
use verbs::Verbs;

use crate::{lab::Lab, stack::Stack};

/// A stack whose servers are watched.
pub struct Recorded {
    /// The stack, by a spec and a host file of its own.
    pub stack: Stack,
    lab_dir: PathBuf,
    engine: Proxy,
    caddy: Proxy,
    statements: Statements,
    verbs: Verbs,
}

impl Recorded {
    /// Puts recorders before the servers of a lab, which logs every statement.
    ///
    /// # Errors
    /// When a socket or file can't be made, or the host file does not name a server where the lab has it.
    pub fn of(stack: &Stack, lab: &Lab) -> Result<Self> {
        let stack = stack.on_copies(lab)?;
        let folder = lab.dir.join("data/recorders");
        fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
        let engine = Proxy::before(&lab.podman.socket, &folder.join("engine.sock"))?;
        let caddy = Proxy::before(&lab.caddy.admin, &folder.join("caddy.sock"))?;
        let verbs = Verbs::around(&folder, &[("restart", &lab.idp.restart), ("validate", &lab.idp.validate)])?;
        let mut host = fs::read_to_string(&stack.host).context("the host file can't be read")?;
        let mut swaps = vec![(&lab.podman.socket, engine.at()), (&lab.caddy.admin, caddy.at())];
        swaps.extend(verbs.swaps());
        for (from, to) in swaps {
            let (from, to) = (from.display().to_string(), to.display().to_string());
            ensure!(host.contains(&from), "the host file does not name {from}");
            host = host.replace(&from, &to);
        }
        fs::write(&stack.host, host).context("the host file can't be written")?;
        Ok(Self { stack, lab_dir: lab.dir.clone(), engine, caddy, statements: Statements::of(lab), verbs })
    }

    /// What a command of stackrun did to the world, in no order: whatever `run` does comes between two looks.
    ///
    /// # Errors
    /// What `run` fails with; something that was recorded can't be read.
    pub fn effects<T>(&self, run: impl FnOnce(&Stack) -> Result<T>) -> Result<(T, Vec<Effect>)> {
        let (statements, verbs) = (self.statements.mark()?, self.verbs.mark()?);
        self.engine.forget();
        self.caddy.forget();
        let files = Files::look(&self.lab_dir)?;
        let done = run(&self.stack)?;
        let mut effects: Vec<Effect> = self.engine.requests()?.into_iter().filter_map(Effect::of_engine).collect();
        effects.extend(self.caddy.requests()?.into_iter().filter_map(Effect::of_caddy));
        effects.extend(self.statements.since(statements)?);
        effects.extend(self.verbs.since(verbs)?);
        effects.extend(Files::look(&self.lab_dir)?.changed_since(&files));
        Ok((done, effects))
    }
}
