//! A lab: real servers that belong to one folder, and nothing else of the machine.
//!
//! [`Lab::up`] starts them and leaves `stackrun.toml`, the host file; [`Lab::down`] ends them and removes what
//! was made. In between they live on their own: the program that started them may end. `lab.json` in the folder
//! says where everything is, for `down` and for tests ([`Lab::open`]).
//!
//! The sites' names end in [`DOMAIN`], which browsers and curl take for this machine without any settings.

pub mod browser;
pub mod cache;
mod folder;
pub mod host_file;
mod http;
pub mod idp;
pub mod image;
mod mounts;
mod operator;
pub mod podman;
pub mod postgres;
pub(crate) mod process;
mod rootfs;
mod scratch;
pub mod slot;

mod caddy;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use rustix::fs::Mode;
use serde::{Deserialize, Serialize};

pub use caddy::Caddy;
pub use idp::Idp;
pub use podman::Podman;
pub use postgres::Postgres;
pub use scratch::Scratch;
pub use slot::Slot;

use crate::setup::Tools;

/// The end of every site's name in a lab.
pub const DOMAIN: &str = "lab.localhost";
const RECORD: &str = "lab.json";
const HOST_FILE: &str = "stackrun.toml";
const REGISTRATION_HOST_FILE: &str = "stackrun-registration.toml";
/// The programs that run for a lab; Node calls itself by its thread.
const PROGRAMS: &[&str] = &["postgres", "podman", "conmon", "runc", "caddy", "node", "MainThread"];
/// What a lab makes in its folder; `down` removes these and nothing else.
const MADE: &[&str] = &[
    "pg",
    "podman",
    "caddy",
    "idp",
    "bin",
    "ca",
    "store",
    "state",
    "data",
    "media",
    "browser",
    "identity.txt",
    "identity-second.txt",
    "idp-initial-access-token",
    HOST_FILE,
    REGISTRATION_HOST_FILE,
];

/// What is different from lab to lab.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folders of the applications whose images the lab's Podman has: each with `image.toml` and `requirements.txt`.
    pub apps: Vec<PathBuf>,
    /// The folder of the identity provider's server.
    pub idp: PathBuf,
    /// Whether PostgreSQL logs every statement and login.
    pub log_statements: bool,
}

impl Default for Options {
    /// Every application in `tests/lab/apps` of this checkout, and its identity provider.
    fn default() -> Self {
        let lab = Path::new(env!("CARGO_MANIFEST_DIR")).join("lab");
        let entries = fs::read_dir(lab.join("apps")).into_iter().flatten().filter_map(Result::ok);
        let mut apps: Vec<PathBuf> =
            entries.map(|entry| entry.path()).filter(|app| app.join("image.toml").is_file()).collect();
        apps.sort();
        Self { apps, idp: lab.join("idp"), log_statements: false }
    }
}

/// A lab that is up: where its servers are and what can be asked of them. `lab.json` holds the same.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Lab {
    /// Its folder.
    pub dir: PathBuf,
    /// Its number on this machine.
    pub slot: Slot,
    /// The end of its sites' names.
    pub domain: String,
    /// The host file; the identity provider's clients are in a fragment.
    pub host_file: PathBuf,
    /// Another host file, where clients are registered dynamically.
    pub registration_host_file: PathBuf,
    /// A file of somebody's in the media folder, with an owner of its own that nothing should change.
    pub media_file: PathBuf,
    /// The database server.
    pub postgres: Postgres,
    /// The container engine.
    pub podman: Podman,
    /// The gateway.
    pub caddy: Caddy,
    /// The identity provider.
    pub idp: Idp,
}

impl Lab {
    /// Brings a lab up in `dir`, with every application image of the checkout. A lab that is there already is taken down first.
    ///
    /// # Errors
    /// When a part of it does not start: which, why, and the end of its log. Everything else is then taken down again.
    pub fn up(dir: &Path) -> Result<Self> {
        Self::up_with(dir, &Options::default())
    }

    /// [`Lab::up`] with other options.
    ///
    /// # Errors
    /// As [`Lab::up`].
    pub fn up_with(dir: &Path, options: &Options) -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            bail!("a lab needs root: its servers run as users of their own");
        }
        // Folders of the lab are read by its servers' users, whatever the caller's mask is.
        rustix::process::umask(Mode::from_raw_mode(0o022));
        if dir.join(RECORD).exists() {
            Self::down(dir).with_context(|| format!("the lab in {} is in the way", dir.display()))?;
        }
        let dir = folder::prepare(dir)?;
        let parts = Parts::ensure(options)?;
        let mut planned = None;
        Slot::take(&dir, |slot| {
            let lab = Self::plan(&dir, slot);
            lab.save()?;
            planned = Some(lab);
            Ok(())
        })?;
        let lab = planned.context("a lab number without a lab")?;
        match lab.start(&parts, options) {
            Ok(()) => Ok(lab),
            Err(error) => match Self::down(&dir) {
                Ok(()) => Err(error),
                Err(left) => Err(error.context(format!("and taking the half-started lab down failed too: {left:#}"))),
            },
        }
    }

    /// The lab that is in `dir`.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(dir: &Path) -> Result<Self> {
        let path = dir.join(RECORD);
        let text =
            fs::read(&path).with_context(|| format!("no lab in {}: can't read {}", dir.display(), path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is not the record of a lab", path.display()))
    }

    /// Ends everything that belongs to the lab in `dir`, and removes what it made there.
    ///
    /// # Errors
    /// When there is no lab, or something of it can't be ended: then its files stay, and it can be tried again.
    pub fn down(dir: &Path) -> Result<()> {
        let lab = Self::open(dir)?;
        // Left by an `up` that was killed: they would start servers after these have been stopped.
        process::kill_all(&["initdb", "pg_ctl", "idp-restart"], &lab.dir)?;
        let parts: [(&str, Result<()>); 5] = [
            ("the browser", lab.stop_browsers()),
            ("Caddy", lab.caddy.stop()),
            ("the identity provider", lab.idp.stop()),
            ("Podman", lab.podman.stop()),
            ("PostgreSQL", lab.postgres.stop()),
        ];
        let failed: Vec<String> =
            parts.into_iter().filter_map(|(name, end)| end.err().map(|error| format!("{name}: {error:#}"))).collect();
        if !failed.is_empty() {
            bail!("the lab in {} is not down:\n{}", lab.dir.display(), failed.join("\n"));
        }
        // What has no process id on file yet, for the same reason.
        process::kill_all(PROGRAMS, &lab.dir)?;
        let left = lab.processes()?;
        if !left.is_empty() {
            bail!("the lab in {} is not down: processes {} still run", lab.dir.display(), left.join(", "));
        }
        lab.remove_files()?;
        lab.slot.give_back();
        Ok(())
    }

    /// The lab's processes that are alive: `name (id)` each.
    ///
    /// # Errors
    /// When the machine's processes can't be listed.
    pub fn processes(&self) -> Result<Vec<String>> {
        Ok(process::all_mentioning(&self.dir)?
            .into_iter()
            .map(|pid| (process::name(pid), pid))
            .filter(|(name, _)| PROGRAMS.contains(&name.as_str()))
            .map(|(name, pid)| format!("{name} ({})", pid.as_raw_nonzero()))
            .collect())
    }

    fn plan(dir: &Path, slot: Slot) -> Self {
        let caddy = Caddy::plan(dir, slot);
        Self {
            dir: dir.to_owned(),
            slot,
            domain: DOMAIN.to_owned(),
            host_file: dir.join(HOST_FILE),
            registration_host_file: dir.join(REGISTRATION_HOST_FILE),
            media_file: dir.join("media/movies/An old film (1922)/film.mkv"),
            postgres: Postgres::plan(dir, slot),
            podman: Podman::plan(dir, slot),
            idp: Idp::plan(dir, slot, caddy.https_port),
            caddy,
        }
    }

    fn save(&self) -> Result<()> {
        let text = serde_json::to_string_pretty(self).context("can't write the lab's record")?;
        let path = self.dir.join(RECORD);
        fs::write(&path, text).with_context(|| format!("can't write {}", path.display()))
    }

    fn start(&self, parts: &Parts, options: &Options) -> Result<()> {
        let stores: Vec<PathBuf> = parts.images.iter().map(|image| image.store.clone()).collect();
        // None of them waits for another, and each mostly waits.
        let ends: [(&str, std::thread::Result<Result<()>>); 4] = std::thread::scope(|scope| {
            let postgres = scope.spawn(|| self.postgres.start(options));
            let podman = scope.spawn(|| self.podman.start(&stores));
            let caddy = scope.spawn(|| self.caddy.start(&parts.tools, self.idp.port));
            let idp = scope.spawn(|| self.idp.start(&parts.idp, &parts.tools));
            [
                ("PostgreSQL", postgres.join()),
                ("Podman", podman.join()),
                ("Caddy", caddy.join()),
                ("the identity provider", idp.join()),
            ]
        });
        let failed: Vec<String> = ends
            .into_iter()
            .map(|(name, end)| (name, end.unwrap_or_else(|_| Err(anyhow!("its thread panicked")))))
            .filter_map(|(name, started)| started.err().map(|error| format!("{name}: {error:#}")))
            .collect();
        if !failed.is_empty() {
            bail!("the lab does not start:\n{}", failed.join("\n"));
        }
        self.caddy
            .get(&format!("auth.{DOMAIN}"), "/.well-known/openid-configuration")
            .context("the identity provider does not answer through Caddy")?;
        operator::write(self)
    }

    fn remove_files(&self) -> Result<()> {
        let mounts = mounts::below(&self.dir)?;
        if let Some(mount) = mounts.first() {
            bail!("{} is still mounted; the lab's files stay", mount.display());
        }
        for name in MADE.iter().chain([&RECORD]) {
            let path = self.dir.join(name);
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            match removed {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("can't remove {}", path.display()));
                }
                _ => {}
            }
        }
        // Somebody else's file in it keeps the folder.
        let _ = fs::remove_dir(&self.dir);
        Ok(())
    }
}

/// What a lab is started from, out of the cache.
struct Parts {
    tools: Tools,
    images: Vec<image::Image>,
    idp: PathBuf,
}

impl Parts {
    fn ensure(options: &Options) -> Result<Self> {
        let cache = cache::root();
        fs::create_dir_all(&cache).with_context(|| format!("can't make the lab's cache {}", cache.display()))?;
        folder::check_reachable(&cache.canonicalize().with_context(|| format!("can't look at {}", cache.display()))?)?;
        let mut say = |line: &str| eprintln!("lab: {line}");
        let tools = Tools::ensure(&mut say)?;
        let images = options.apps.iter().map(|app| image::ensure(app, &tools, &mut say)).collect::<Result<_>>()?;
        let idp = idp::ensure_modules(&options.idp, &tools, &mut say)?;
        Ok(Self { tools, images, idp })
    }
}
