//! The system packages, by apt. A package counts as there when the program that the lab wants from it is.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{Need, quiet::Quiet};
use crate::{
    command::{run, succeeds},
    lab::{browser, postgres},
};

/// Older package lists are fetched again before something is installed.
const LISTS_AGE: Duration = Duration::from_secs(24 * 60 * 60);
/// How long to wait for another package manager, in seconds.
const APT_LOCK: &str = "DPkg::Lock::Timeout=600";

/// How to see that a package's programs are there.
enum Probe {
    /// One of these programs.
    Program(&'static [&'static str]),
    /// One of these files.
    File(&'static [&'static str]),
    /// PostgreSQL's server programs, which Debian keeps off the path.
    Postgres,
    /// The system's Python can make virtual environments.
    Venv,
}

struct Package {
    name: &'static str,
    probe: Probe,
    need: Need,
}

const fn package(name: &'static str, need: Need, probe: Probe) -> Package {
    Package { name, probe, need }
}

const PACKAGES: &[Package] = &[
    package("ca-certificates", Need::Lab, Probe::File(&["/etc/ssl/certs/ca-certificates.crt"])),
    package("curl", Need::Lab, Probe::Program(&["curl"])),
    package("age", Need::Lab, Probe::Program(&["age-keygen"])),
    package("iproute2", Need::Lab, Probe::Program(&["ip"])),
    package("podman", Need::Lab, Probe::Program(&["podman"])),
    package("runc", Need::Lab, Probe::Program(&["runc"])),
    // Podman only recommends these, and can't make a container's network without them.
    package("netavark", Need::Lab, Probe::File(&["/usr/lib/podman/netavark", "/usr/libexec/podman/netavark"])),
    package(
        "aardvark-dns",
        Need::Lab,
        Probe::File(&["/usr/lib/podman/aardvark-dns", "/usr/libexec/podman/aardvark-dns"]),
    ),
    package("iptables", Need::Lab, Probe::Program(&["iptables"])),
    // The image of the container engine's own tests; the other busybox needs libraries.
    package("busybox-static", Need::Browser, Probe::File(&["/usr/share/doc/busybox-static/copyright"])),
    package("postgresql", Need::Lab, Probe::Postgres),
    package("debootstrap", Need::Lab, Probe::Program(&["debootstrap"])),
    package("python3-venv", Need::Lab, Probe::Venv),
    package("chromium", Need::Browser, Probe::Program(browser::PROGRAMS)),
    package("chromium-driver", Need::Browser, Probe::Program(&["chromedriver"])),
    package("libnss3-tools", Need::Browser, Probe::Program(&["certutil"])),
];

impl Probe {
    fn found(&self) -> bool {
        match self {
            Self::Program(names) => names.iter().any(|name| on_path(name)),
            Self::File(paths) => paths.iter().any(|path| Path::new(path).is_file()),
            Self::Postgres => on_path("psql") && postgres::server_programs().is_ok(),
            Self::Venv => succeeds(Command::new("/usr/bin/python3").args(["-c", "import venv, ensurepip"])),
        }
    }
}

/// Whether the machine has the program; the system's folders count even when `PATH` lacks them.
fn on_path(program: &str) -> bool {
    let path = std::env::var("PATH").unwrap_or_default();
    path.split(':')
        .chain(["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin"])
        .any(|folder| Path::new(folder).join(program).is_file())
}

/// Installs the packages that are missing.
///
/// # Errors
/// When this is not a machine with apt, or apt can't install one.
pub(super) fn ensure(needs: &[Need], say: &mut dyn FnMut(&str)) -> Result<()> {
    let wanted = || PACKAGES.iter().filter(|package| needs.contains(&package.need));
    let missing: Vec<&str> = wanted().filter(|package| !package.probe.found()).map(|package| package.name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !on_path("apt-get") {
        bail!("missing: {}. Set-up can install them on Debian and Ubuntu only (no apt-get here)", missing.join(", "));
    }
    say(&format!("installing {}", missing.join(", ")));
    let _quiet = Quiet::begin()?;
    let fresh = lists_are_fresh();
    if !fresh {
        update()?;
    }
    if let Err(error) = install(&missing) {
        if !fresh {
            return Err(error);
        }
        // Lists may be too old even within the day: a version that they name has left the archive.
        update()?;
        install(&missing)?;
    }
    for package in wanted() {
        if !package.probe.found() {
            bail!("apt installed {}, and what the lab wants from it is still not there", package.name);
        }
    }
    Ok(())
}

fn install(packages: &[&str]) -> Result<()> {
    let mut apt = apt_get();
    apt.args(["install", "--yes", "--no-install-recommends"]).args(packages);
    run(&mut apt).with_context(|| format!("can't install {}", packages.join(", "))).map(|_| ())
}

fn update() -> Result<()> {
    // The lock on the lists, unlike dpkg's, is not waited for by apt.
    let mut tries = 0;
    loop {
        match run(apt_get().arg("update")) {
            Ok(_) => return Ok(()),
            Err(error) if tries < 60 && format!("{error:#}").contains("/var/lib/apt/lists") => {
                tries += 1;
                std::thread::sleep(Duration::from_secs(2));
            }
            Err(error) => return Err(error).context("can't fetch the package lists"),
        }
    }
}

fn apt_get() -> Command {
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C").args(["-q", "-o", APT_LOCK]);
    apt
}

fn lists_are_fresh() -> bool {
    let Ok(entries) = fs::read_dir("/var/lib/apt/lists") else { return false };
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().contains("_Packages"))
        .filter_map(|entry| entry.metadata().and_then(|data| data.modified()).ok())
        .any(|time| time.elapsed().is_ok_and(|age| age < LISTS_AGE))
}
