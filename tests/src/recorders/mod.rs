//! Recorders between stackrun and the real servers of a lab: what it really did, to be held against what its plan said.
//!
//! [`Recorded::of`] gives a stack a host file of its own, in which each server is reached through a recorder: the
//! engine's and Caddy's sockets, the identity provider's port and the application's own through proxies that forward
//! every byte, PostgreSQL by its own log of all statements and logins, the operator's verbs by scripts that note how
//! they were called. Files are watched, and looked at before and after.
//!
//! [`expected`] reads from a plan's JSON, as a reviewer gets it, what may be seen. What neither sees stands in
//! docs/security.md.

pub mod effect;
pub mod expected;
pub mod files;
pub mod pattern;
mod place;
mod proxy;
mod question;
mod request;
mod statements;
mod swap;
mod verbs;
mod watch;

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use anyhow::{Context, Result, ensure};

pub use effect::{Effect, Expected};
use expected::Secrets;
use files::Files;
use proxy::Proxy;
use request::Request;
use statements::{APPLICATION, Statements};
use verbs::Verbs;
use watch::Watch;

use crate::{by_hand, lab::Lab, stack::Stack};

/// Where the application of the example is published, by the formula of its name.
const PUBLISHED: u16 = 16366;

/// The container and port that the application's recorder stands before.
const APPLICATIONS_PORT: &str = "mediamanager:8000";

/// A stack whose servers are watched.
pub struct Recorded {
    /// The stack, by a spec and a host file of its own.
    pub stack: Stack,
    /// Where the application's recorder stands, in place of the address that its port is published on.
    pub publish: String,
    /// The operator's commands.
    pub verbs: Verbs,
    lab_dir: PathBuf,
    engine: Proxy,
    caddy: Proxy,
    provider: Proxy,
    application: Proxy,
    statements: Statements,
}

/// What was seen of a run.
#[derive(Debug)]
pub struct Run<T> {
    /// What it ended with.
    pub outcome: T,
    /// What it did, in no order.
    pub effects: Vec<Effect>,
    /// The files as they were before.
    pub before: Files,
    /// The secrets before and after.
    pub secrets: Secrets,
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
        // An address of this machine that nobody has, as long as the lab's own.
        let published = lab.podman.publish_address.clone();
        let publish = published.replacen("127.77.", "127.78.", 1);
        let words = Some((publish.clone(), published.clone()));
        let engine = Proxy::before(&lab.podman.socket, &folder.join("engine.sock"), words)?;
        let caddy = Proxy::before(&lab.caddy.admin, &folder.join("caddy.sock"), None)?;
        let application = Proxy::while_up(port_of(&published)?, port_of(&publish)?);
        let provider = before_the_provider(lab)?;
        let verbs = Verbs::around(&folder, &[("restart", &lab.idp.restart), ("validate", &lab.idp.validate)])?;
        let mut host = fs::read_to_string(&stack.host).context("the host file can't be read")?;
        let (sockets, named) = (folder.display(), |path: &PathBuf| path.display().to_string());
        let mut swaps = vec![
            (named(&lab.podman.socket), format!("{sockets}/engine.sock")),
            (named(&lab.caddy.admin), format!("{sockets}/caddy.sock")),
            (published, publish.clone()),
        ];
        if host.contains("[connection.authelia]") {
            swaps.extend(verbs.swaps());
        }
        for (from, to) in swaps {
            ensure!(host.contains(&from), "the host file does not name {from}");
            host = host.replace(&from, &to);
        }
        fs::write(&stack.host, host).context("the host file can't be written")?;
        // By its name the sessions of the application are told from all others.
        by_hand::edit(&stack.spec, |spec| {
            let named = format!("environment = {{ PGAPPNAME = \"{APPLICATION}\" }}\nlisten_port");
            spec.replacen("listen_port", &named, 1)
        })?;
        let statements = Statements::of(lab);
        Ok(Self { stack, publish, verbs, lab_dir: lab.dir.clone(), engine, caddy, provider, application, statements })
    }

    /// What a command of stackrun did to the world: whatever `run` does comes between two looks.
    ///
    /// # Errors
    /// What `run` fails with; something that was recorded can't be read.
    pub fn run<T>(&self, run: impl FnOnce(&Stack) -> Result<T>) -> Result<Run<T>> {
        let secrets = Secrets::before(&self.stack);
        self.application.settle()?;
        let (statements, verbs) = (self.statements.mark()?, self.verbs.mark()?);
        let proxies = [&self.engine, &self.caddy, &self.provider, &self.application];
        proxies.iter().for_each(|proxy| proxy.forget());
        let watch = Watch::begin(&self.lab_dir)?;
        let before = Files::look(&self.lab_dir)?;
        let outcome = run(&self.stack);
        let (changes, after) = (watch.end()?, Files::look(&self.lab_dir)?);
        let outcome = outcome?;

        let mut effects = Vec::new();
        let mut sent = |proxy: &Proxy, effect: fn(&Request) -> Effect| -> Result<()> {
            effects.extend(proxy.requests()?.iter().filter(|request| !request.is_look()).map(effect));
            Ok(())
        };
        sent(&self.engine, |request| Effect::Engine(without_version(request).told()))?;
        sent(&self.caddy, |request| Effect::Caddy(request.told()))?;
        sent(&self.provider, |request| Effect::Http(format!("provider: {}", request.told())))?;
        sent(&self.application, |request| Effect::Http(format!("{APPLICATIONS_PORT}: {}", request.told())))?;
        effects.extend(self.statements.since(statements)?);
        effects.extend(self.verbs.since(verbs)?);
        let counted = changes.keys().map(String::as_str).filter(|path| after.says(path) == before.says(path));
        let mut paths: Vec<&str> = after.changed_since(&before).chain(counted).collect();
        paths.sort_unstable();
        paths.dedup();
        let file = |path: &str| {
            Effect::File(file_effect(path, changes.get(path).copied().unwrap_or_default(), after.says(path)))
        };
        effects.extend(paths.into_iter().map(file));
        Ok(Run { outcome, effects, before, secrets: secrets.and_after(&self.stack) })
    }
}

/// How a change of a file or folder is said.
fn file_effect(path: &str, changes: usize, now: Option<&str>) -> String {
    format!("{path}: changed {changes} times, now {}", now.unwrap_or("gone"))
}

/// Podman's own part of the API has a version in front.
fn without_version(request: &Request) -> Request {
    let path = match request.path.split_once("/libpod/") {
        Some((_, rest)) => format!("/libpod/{rest}"),
        None => request.path.clone(),
    };
    Request { path, ..request.clone() }
}

fn port_of(address: &str) -> Result<SocketAddr> {
    let address = address.parse().with_context(|| format!("{address} is no address"))?;
    Ok(SocketAddr::new(address, PUBLISHED))
}

/// The provider is asked through Caddy, which speaks TLS for it: the recorder stands behind that, where it is spoken
/// in clear.
fn before_the_provider(lab: &Lab) -> Result<Proxy> {
    let (proxy, port) = Proxy::before_port(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), lab.idp.port))?;
    let upstream = |port: u16| format!("reverse_proxy 127.0.0.1:{port}\n");
    by_hand::edit(&lab.caddy.caddyfile, |file| file.replace(&upstream(lab.idp.port), &upstream(port)))?;
    lab.caddy.reload()?;
    Ok(proxy)
}
