//! A browser that trusts the lab's authority: Chromium reads the certificates of a home folder, so it gets one of
//! its own. Certificates are checked for real then, with no flag that switches the check off.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Lab, process};
use crate::command::run;

/// The browser's home, in the lab's folder.
const HOME: &str = "browser";
/// What the browser is called, on Debian and elsewhere.
pub(crate) const PROGRAMS: &[&str] = &["chromium", "chromium-browser", "google-chrome"];
/// What drives it.
pub(crate) const DRIVER: &str = "chromedriver";
/// What the kernel calls the processes of both.
pub(crate) const PROCESSES: &[&str] = &["chromedriver", "chromium", "chromium-browse", "chrome", "chrome_crashpad"];
/// Every start's. Root can't have Chromium's own sandbox (it visits nothing but the lab), and where this machine is
/// itself a container, shared memory is too small for pages.
pub(crate) const FLAGS: &[&str] =
    &["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server"];

impl Lab {
    /// The browser's home folder, made when it isn't there: its `HOME`, and that of whatever starts it, such as
    /// `chromedriver`.
    ///
    /// # Errors
    /// When `certutil` is missing or fails.
    pub fn browser_home(&self) -> Result<PathBuf> {
        let home = self.dir.join(HOME);
        let certificates = home.join(".pki/nssdb");
        if !certificates.exists() {
            let temporary = temporary(&home);
            fs::create_dir_all(&temporary).with_context(|| format!("can't make {}", temporary.display()))?;
            fs::create_dir_all(&certificates).with_context(|| format!("can't make {}", certificates.display()))?;
            let database = format!("sql:{}", certificates.display());
            run(Command::new("certutil").args(["-N", "--empty-password", "-d", &database]))?;
            run(Command::new("certutil")
                .args(["-A", "-n", "lab", "-t", "C,,", "-d", &database, "-i"])
                .arg(&self.caddy.ca))?;
        }
        Ok(home)
    }

    /// A headless Chromium that trusts the lab; the caller adds what it is to do.
    ///
    /// # Errors
    /// When there is no Chromium, or as [`Lab::browser_home`].
    pub fn chromium(&self) -> Result<Command> {
        let home = self.browser_home()?;
        let mut chromium = Command::new(program()?);
        at_home(&mut chromium, &home).args(FLAGS).arg(format!("--user-data-dir={}", home.join("profile").display()));
        Ok(chromium)
    }

    /// Ends every browser and driver that was started from its home folder.
    pub(super) fn stop_browsers(&self) -> Result<()> {
        process::kill_all(PROCESSES, &self.dir.join(HOME))
    }
}

/// Has the command look for its certificates, and leave whatever it leaves, below `home`.
pub(crate) fn at_home<'a>(command: &'a mut Command, home: &Path) -> &'a mut Command {
    command.env("HOME", home).env("TMPDIR", temporary(home)).env_remove("XDG_CONFIG_HOME")
}

fn temporary(home: &Path) -> PathBuf {
    home.join("tmp")
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
