//! The lab's Caddy: a user of its own, its internal certificate authority, the admin API on a unix socket, and a
//! main Caddyfile that serves the identity provider and a site of the operator's own, and imports `sites/`.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::{DOMAIN, http, process, slot::Slot};
use crate::{
    command::run,
    setup::{
        Tools,
        users::{CADDY_USER, ids},
    },
};

const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The lab's gateway.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Caddy {
    /// Its folder.
    pub folder: PathBuf,
    /// The main Caddyfile, the operator's.
    pub caddyfile: PathBuf,
    /// The folder of imported site files, `*.caddy`.
    pub sites: PathBuf,
    /// The unix socket of the admin API.
    pub admin: PathBuf,
    /// The port for https, on every address.
    pub https_port: u16,
    /// The port for http (redirects to https).
    pub http_port: u16,
    /// The certificate of its authority, PEM.
    pub ca: PathBuf,
    /// The machine's own roots and that certificate, PEM: for `SSL_CERT_FILE`. Alone with `ca` in its folder, for a mount.
    pub ca_bundle: PathBuf,
    /// Its log.
    pub log: PathBuf,
    pid_file: PathBuf,
}

impl Caddy {
    pub(super) fn plan(dir: &Path, slot: Slot) -> Self {
        let folder = dir.join("caddy");
        Self {
            caddyfile: folder.join("Caddyfile"),
            sites: folder.join("sites"),
            admin: folder.join("run/admin.sock"),
            https_port: slot.port(1),
            http_port: slot.port(2),
            ca: dir.join("ca/root.pem"),
            ca_bundle: dir.join("ca/bundle.pem"),
            log: folder.join("caddy.log"),
            pid_file: folder.join("caddy.pid"),
            folder,
        }
    }

    /// The address of a site of the lab, as a browser and an application use it.
    #[must_use]
    pub fn url(&self, host: &str) -> String {
        format!("https://{host}:{}", self.https_port)
    }

    pub(super) fn start(&self, tools: &Tools, idp_port: u16) -> Result<()> {
        let user = ids(CADDY_USER)?;
        for name in ["data", "run"] {
            let folder = self.folder.join(name);
            fs::create_dir_all(&folder)
                .and_then(|()| chown(&folder, Some(user.uid), Some(user.gid)))
                .with_context(|| format!("can't make {}", folder.display()))?;
        }
        fs::create_dir_all(&self.sites).with_context(|| format!("can't make {}", self.sites.display()))?;
        fs::write(&self.caddyfile, self.main_file(idp_port))
            .with_context(|| format!("can't write {}", self.caddyfile.display()))?;
        let mut caddy = Command::new(tools.caddy());
        caddy.args(["run", "--adapter", "caddyfile", "--config"]).arg(&self.caddyfile);
        caddy.uid(user.uid).gid(user.gid).current_dir(&self.folder).env("HOME", self.folder.join("data"));
        let mut child = process::spawn(&mut caddy, &self.log, &self.pid_file)?;
        let limit = Duration::from_secs(60);
        process::wait("Caddy's admin API", limit, &self.log, Some(&mut child), || {
            http::get_unix(&self.admin, "/config/").map(|_| ())
        })?;
        process::wait("Caddy's certificate authority", limit, &self.log, Some(&mut child), || self.publish_ca())?;
        process::wait("Caddy's https", limit, &self.log, Some(&mut child), || {
            self.get(&format!("wiki.{DOMAIN}"), "/").map(|_| ())
        })
    }

    fn main_file(&self, idp_port: u16) -> String {
        format!(
            "# The operator's own file: two sites, and those in sites/.\n\
             {{\n\tadmin unix/{admin}\n\tpersist_config off\n\tstorage file_system {data}\n\thttp_port {http}\n\thttps_port {https}\n\
             \tlocal_certs\n\tskip_install_trust\n\tgrace_period 1s\n}}\n\n\
             auth.{DOMAIN} {{\n\treverse_proxy 127.0.0.1:{idp_port}\n}}\n\n\
             wiki.{DOMAIN} {{\n\trespond \"the operator's wiki\"\n}}\n\n\
             import {sites}/*.caddy\n",
            // Two slashes after `unix` make the path an absolute one; the path brings the second.
            admin = format_args!("/{}", self.admin.display()),
            data = self.folder.join("data").display(),
            http = self.http_port,
            https = self.https_port,
            sites = self.sites.display(),
        )
    }

    /// Copies the authority's certificate to where everybody can read it, alone and beside the machine's roots.
    fn publish_ca(&self) -> Result<()> {
        let made = self.folder.join("data/pki/authorities/local/root.crt");
        let ca = fs::read_to_string(&made).with_context(|| format!("can't read {}", made.display()))?;
        let roots = fs::read_to_string(SYSTEM_ROOTS).with_context(|| format!("can't read {SYSTEM_ROOTS}"))?;
        if let Some(folder) = self.ca.parent() {
            fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
        }
        fs::write(&self.ca_bundle, format!("{roots}\n{ca}"))
            .with_context(|| format!("can't write {}", self.ca_bundle.display()))?;
        fs::write(&self.ca, ca).with_context(|| format!("can't write {}", self.ca.display()))
    }

    /// The body of a page of the lab's, over TLS with the certificate checked, whatever the name resolves to.
    ///
    /// # Errors
    /// When the connection or the check fails, or the status is an error.
    pub fn get(&self, host: &str, path: &str) -> Result<String> {
        run(self.curl(host).arg(format!("{}{path}", self.url(host))))
    }

    /// A `curl` for requests to `host`, which trusts the lab's authority and connects to this Caddy.
    #[must_use]
    pub fn curl(&self, host: &str) -> Command {
        let mut curl = http::curl();
        curl.arg("--cacert").arg(&self.ca).args(["--resolve", &format!("{host}:{}:127.0.0.1", self.https_port)]);
        curl
    }

    /// Loads the main Caddyfile and the sites again, as `systemctl reload` would.
    ///
    /// # Errors
    /// When Caddy refuses it: its own words.
    pub fn reload(&self) -> Result<()> {
        let body = format!("@{}", self.caddyfile.display());
        run(http::curl().arg("--unix-socket").arg(&self.admin).args([
            "--header",
            "Content-Type: text/caddyfile",
            "--data-binary",
            &body,
            "http://localhost/load",
        ]))
        .map(|_| ())
    }

    /// The configuration that is in force, as its admin API tells it.
    ///
    /// # Errors
    /// When it does not answer.
    pub fn serves(&self) -> Result<String> {
        http::get_unix(&self.admin, "/config/")
    }

    pub(super) fn stop(&self) -> Result<()> {
        process::stop(&self.pid_file, &self.folder, Duration::from_secs(3))
    }
}
