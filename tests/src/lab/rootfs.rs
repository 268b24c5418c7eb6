//! The folder tree that an application image is made from: Debian (or Ubuntu) with Python, by debootstrap,
//! and the application's Python requirements in a virtual environment at `/opt/venv`.
//!
//! Wheels are fetched on this machine, with its own pip settings, and installed inside the tree without a
//! network: nothing of the machine's configuration gets into the image.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::cache;
use crate::{command::run, setup::Tools};

/// Where the virtual environment is inside the image; first in its `PATH`.
pub(crate) const VENV: &str = "/opt/venv";
const PACKAGES: &str = "python3,python3-venv,ca-certificates";
/// Not needed to run anything, and a third of the size.
const DROPPED: &[&str] =
    &["usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "var/lib/apt/lists", "var/cache/apt"];

/// The tree with these requirements installed, from the cache or made now. Returns its key and its folder.
///
/// # Errors
/// When debootstrap or pip fails: their own words.
pub(crate) fn with_requirements(
    requirements: &Path,
    tools: &Tools,
    say: &mut dyn FnMut(&str),
) -> Result<(String, PathBuf)> {
    let wanted = fs::read_to_string(requirements).with_context(|| format!("can't read {}", requirements.display()))?;
    let archive = Archive::of_this_machine()?;
    let base_key = cache::Key::new("base 1").text(&archive.suite).text(PACKAGES).finish();
    let key = cache::Key::new("python 1").text(&base_key).text(&wanted).finish();
    let tree = cache::entry(&format!("python-{key}"), |tree| {
        let base = cache::entry(&format!("base-{base_key}"), |base| {
            say(&format!("making a {} root folder with Python by debootstrap", archive.suite));
            debootstrap(&archive, base)
        })?;
        say(&format!("installing {} into it", requirements.display()));
        run(Command::new("cp").args(["-a", "--reflink=auto"]).arg(base.join(".")).arg(tree))?;
        install(requirements, tree, tools)
    })?;
    Ok((key, tree))
}

/// Where this machine gets its own system from.
struct Archive {
    suite: String,
    address: String,
    components: String,
}

impl Archive {
    /// As this machine's own apt is set up: the same mirror, the same release.
    fn of_this_machine() -> Result<Self> {
        let release = fs::read_to_string("/etc/os-release").context("can't read /etc/os-release")?;
        let suite = release
            .lines()
            .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
            .map(|name| name.trim_matches('"').to_owned())
            .context(
                "/etc/os-release has no VERSION_CODENAME: the lab's image is made from a Debian or Ubuntu release",
            )?;
        let format = "$(REPO_URI) $(RELEASE) $(CODENAME) $(COMPONENT) $(ORIGIN)";
        let targets = run(Command::new("apt-get").args(["indextargets", "--format", format, "Created-By: Packages"]))?;
        let mut found: Option<(String, Vec<String>)> = None;
        for line in targets.lines() {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [address, release, codename, component, origin] = fields[..] else { continue };
            let ours = (release == suite || codename == suite) && matches!(origin, "Debian" | "Ubuntu");
            if ours && address.starts_with("http") {
                let (first, components) = found.get_or_insert_with(|| (address.to_owned(), Vec::new()));
                if first == address && !components.iter().any(|known| known == component) {
                    components.push(component.to_owned());
                }
            }
        }
        match found {
            Some((address, components)) => Ok(Self { suite, address, components: components.join(",") }),
            None => bail!(
                "apt on this machine has no archive of its own release, {suite}: run `apt-get update` and look at its sources"
            ),
        }
    }
}

fn debootstrap(archive: &Archive, base: &Path) -> Result<()> {
    run(Command::new("debootstrap")
        .args(["--variant=minbase", &format!("--include={PACKAGES}"), &format!("--components={}", archive.components)])
        .arg(&archive.suite)
        .arg(base)
        .arg(&archive.address))?;
    for name in DROPPED {
        // Emptied, not removed: packages expect the folders.
        let folder = base.join(name);
        if folder.is_dir() {
            fs::remove_dir_all(&folder)
                .and_then(|()| fs::create_dir(&folder))
                .with_context(|| format!("can't empty {}", folder.display()))?;
        }
    }
    Ok(())
}

fn install(requirements: &Path, tree: &Path, tools: &Tools) -> Result<()> {
    let wheels = tree.join("tmp/wheels");
    let version = python_version(tree)?;
    run(tools
        .pip()
        .args(["download", "--quiet", "--only-binary=:all:", "--python-version", &version, "--dest"])
        .arg(&wheels)
        .arg("--requirement")
        .arg(requirements))?;
    fs::copy(requirements, tree.join("tmp/requirements.txt"))
        .context("can't copy the requirements into the root folder")?;
    inside(tree, &["python3", "-m", "venv", VENV])?;
    let pip = format!("{VENV}/bin/pip");
    let options =
        ["install", "--quiet", "--no-index", "--find-links", "/tmp/wheels", "--requirement", "/tmp/requirements.txt"];
    inside(tree, &[&[pip.as_str()], &options[..]].concat())?;
    fs::remove_dir_all(&wheels).context("can't remove the wheels from the root folder")?;
    fs::remove_file(tree.join("tmp/requirements.txt")).context("can't remove the requirements from the root folder")
}

/// Runs a command with the tree as its root folder and nothing of this machine's environment.
///
/// # Errors
/// When it fails: its own words.
pub(crate) fn inside(tree: &Path, command: &[&str]) -> Result<()> {
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    run(Command::new("chroot")
        .arg(tree)
        .args(command)
        .env_clear()
        .env("PATH", path)
        .env("HOME", "/root")
        .env("LANG", "C.UTF-8"))
    .map(|_| ())
}

/// The Python in the tree, as `3.11`.
fn python_version(tree: &Path) -> Result<String> {
    let link = tree.join("usr/bin/python3");
    let target = fs::read_link(&link).with_context(|| format!("can't read {}", link.display()))?;
    let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let version =
        name.strip_prefix("python").with_context(|| format!("{} does not point to a Python", link.display()))?;
    Ok(version.to_owned())
}
