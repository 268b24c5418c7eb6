//! A browser that trusts the lab's authority and reaches the lab alone.
//!
//! Chromium reads the certificates of a home folder, so it gets one of its own. Certificates are checked for real
//! then, with no flag that switches the check off.
//!
//! It gets a network of its own too, that of a container which does nothing: Chromium ends all its requests when an
//! interface of its network comes or goes, and on this machine they do whenever any lab's container starts or stops.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{DOMAIN, Lab, process};
use crate::command::run;

/// The browser's home, in the lab's folder.
const HOME: &str = "browser";
/// The folder for temporary files, in the home.
const TEMPORARY: &str = "tmp";
/// What the browser is called, on Debian and elsewhere.
pub(crate) const PROGRAMS: &[&str] = &["chromium", "chromium-browser", "google-chrome"];
/// What the kernel calls the processes of a browser and of what drives it.
pub(crate) const PROCESSES: &[&str] = &["chromedriver", "chromium", "chromium-browse", "chrome", "chrome_crashpad"];
/// The container whose network the browser has.
const NETWORK: &str = "network-of-the-browser";

/// Where a browser of the lab lives, and what drives it.
#[derive(Debug)]
pub(crate) struct Room {
    /// The home folder: its `HOME`, and where it leaves whatever it leaves.
    pub(crate) home: PathBuf,
    network: PathBuf,
    rules: String,
}

impl Room {
    /// A command that runs there.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.network.display())).arg("--").arg(program);
        command.env("HOME", &self.home).env("TMPDIR", self.home.join(TEMPORARY)).env_remove("XDG_CONFIG_HOME");
        command
    }

    /// The browser's flags. `profile` is where this one keeps what it remembers.
    pub(crate) fn flags(&self, profile: &Path) -> Vec<String> {
        // Root can't have Chromium's own sandbox; and where this machine is itself a container, shared memory is too
        // small for pages.
        let flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"];
        let profile = format!("--user-data-dir={}", profile.display());
        let more = ["--no-proxy-server".to_owned(), format!("--host-resolver-rules={}", self.rules), profile];
        flags.map(str::to_owned).into_iter().chain(more).collect()
    }
}

impl Lab {
    /// A headless Chromium that trusts the lab; the caller adds what it is to do.
    ///
    /// # Errors
    /// When there is no Chromium, `certutil` fails, or a container can't be started.
    pub fn chromium(&self) -> Result<Command> {
        let room = self.browser_room()?;
        let mut chromium = room.command(&program()?);
        chromium.args(room.flags(&room.home.join("profile")));
        Ok(chromium)
    }

    /// Where browsers of this lab live, made when it isn't there.
    ///
    /// # Errors
    /// When `certutil` fails, or a container can't be started.
    pub(crate) fn browser_room(&self) -> Result<Room> {
        let home = self.dir.join(HOME);
        let temporary = home.join(TEMPORARY);
        if !temporary.exists() {
            trust(&home.join(".pki/nssdb"), &self.caddy.ca)?;
            fs::create_dir_all(&temporary).with_context(|| format!("can't make {}", temporary.display()))?;
        }
        // What a name server would say, if the lab had one; there is nothing else to visit.
        let rules = format!("MAP *.{DOMAIN} {}, MAP * ~NOTFOUND", self.podman.gateway);
        Ok(Room { home, network: self.browser_network()?, rules })
    }

    /// The network, made when it isn't there; it goes with the lab's containers.
    fn browser_network(&self) -> Result<PathBuf> {
        let look = ["container", "inspect", "--format", "{{.State.Pid}}", NETWORK];
        let id = match run(self.podman.command().args(look)) {
            Ok(id) => id,
            Err(_) => {
                let images = run(self.podman.command().args(["images", "--format", "{{.Repository}}:{{.Tag}}"]))?;
                let image = images.lines().next().context("the lab has no image for the browser's network")?;
                // Without IPv6, whose addresses take their time to become good: a change too.
                let mut podman = self.podman.command();
                podman.args(["run", "--detach", "--name", NETWORK, "--sysctl", "net.ipv6.conf.eth0.disable_ipv6=1"]);
                run(podman.args([image, "sleep", "infinity"]))?;
                run(self.podman.command().args(look))?
            }
        };
        Ok(Path::new("/proc").join(id.trim()).join("ns/net"))
    }

    /// Ends every browser and driver that lives in its home folder.
    pub(super) fn stop_browsers(&self) -> Result<()> {
        process::kill_all(PROCESSES, &self.dir.join(HOME))
    }
}

/// Makes a store of certificates that trusts `authority` and nothing else.
fn trust(store: &Path, authority: &Path) -> Result<()> {
    fs::create_dir_all(store).with_context(|| format!("can't make {}", store.display()))?;
    let database = format!("sql:{}", store.display());
    run(Command::new("certutil").args(["-N", "--empty-password", "-d", &database]))?;
    let add = ["-A", "-n", "lab", "-t", "C,,", "-d", &database, "-i"];
    run(Command::new("certutil").args(add).arg(authority)).map(|_| ())
}

/// Where the browser is.
///
/// # Errors
/// When this machine has none.
pub(crate) fn program() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).chain([Path::new("/usr/bin").to_owned()]).collect();
    let candidates = PROGRAMS.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    candidates.into_iter().find(|path| path.is_file()).context("no Chromium on this machine: run the set-up first")
}
