//! A browser that trusts the lab's authority: Chromium reads the certificates of a home folder, so it gets one of
//! its own. Certificates are checked for real then, with no flag that switches the check off.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::Lab;
use crate::command::run;

/// What the browser is called, on Debian and elsewhere.
pub(crate) const PROGRAMS: &[&str] = &["chromium", "chromium-browser", "google-chrome"];

impl Lab {
    /// The browser's home folder, made when it isn't there. For `HOME` of whatever starts the browser, such as a
    /// WebDriver server.
    ///
    /// # Errors
    /// When `certutil` is missing or fails.
    pub fn browser_home(&self) -> Result<PathBuf> {
        let home = self.dir.join("browser");
        let certificates = home.join(".pki/nssdb");
        if !certificates.exists() {
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
        chromium
            .env("HOME", &home)
            .env_remove("XDG_CONFIG_HOME")
            // Root can't have Chromium's own sandbox; it visits nothing but the lab.
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-proxy-server"])
            .arg(format!("--user-data-dir={}", home.join("profile").display()));
        Ok(chromium)
    }
}

fn program() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).chain([Path::new("/usr/bin").to_owned()]).collect();
    let candidates = PROGRAMS.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    candidates.into_iter().find(|path| path.is_file()).context("no Chromium on this machine: run the set-up first")
}
