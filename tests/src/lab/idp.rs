//! The lab's identity provider: the Node server in `tests/lab/idp`, which reads its clients from a configuration
//! in Authelia's format, as a user of its own.
//!
//! It has no reload, like Authelia: a change of the clients needs a restart. The restart and the validation are
//! scripts in the lab's `bin/`, which the host file names as verbs; the lab starts the server by the same script.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::{DOMAIN, cache, process, slot::Slot};
use crate::{
    command::run,
    setup::{
        Tools,
        users::{IDP_USER, Ids, ids},
    },
};

/// Somebody who can sign in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct User {
    /// Login name.
    pub name: String,
    /// Password.
    pub password: String,
    /// The `email` claim.
    pub email: String,
}

/// The client that was there before stackrun: another application of the operator's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OperatorClient {
    /// Its id.
    pub client_id: String,
    /// Its secret; the configuration holds a digest of it.
    pub client_secret: String,
    /// Where the provider sends people back to; a site of the lab's Caddy answers there.
    pub redirect_uri: String,
}

/// The digest of [`OperatorClient::client_secret`] as `authelia crypto hash generate pbkdf2` writes one.
const OPERATOR_SECRET: &str = "a-secret-of-the-lab-that-guards-nothing";
const OPERATOR_DIGEST: &str = "$pbkdf2-sha512$310000$c3RyYWNrcnVuLWxhYi0wMQ$f/AVHErDjqExYb.Ki2jABAbmxerjdBQX1VgWR9eBq4KdFB.du7GtM5aVzBoQI0xyrwxBrpBg2g9UHs88IhKwHA";

/// The lab's identity provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Idp {
    /// Its folder.
    pub folder: PathBuf,
    /// Its issuer, through the lab's Caddy.
    pub issuer: String,
    /// The port on 127.0.0.1 behind Caddy.
    pub port: u16,
    /// What the server is started with.
    pub config: PathBuf,
    /// The operator's configuration, in Authelia's format.
    pub configuration: PathBuf,
    /// The fragment of the clients list that the configuration includes; empty at first.
    pub clients_fragment: PathBuf,
    /// Where clients register themselves (RFC 7591).
    pub registration_endpoint: String,
    /// The file with the token that a registration needs, mode 0600.
    pub initial_access_token: PathBuf,
    /// Script: restarts the server and waits until it answers.
    pub restart: PathBuf,
    /// Script: validates the configuration.
    pub validate: PathBuf,
    /// Who can sign in.
    pub users: Vec<User>,
    /// The operator's own client.
    pub operator_client: OperatorClient,
    /// What the server writes.
    pub log: PathBuf,
    pid_file: PathBuf,
}

/// What the server keeps, by key.
pub type Entries = serde_json::Map<String, serde_json::Value>;

/// The server with its modules, in the cache; the checkout stays as it is.
///
/// # Errors
/// When `npm ci` fails: its own words.
pub fn ensure_modules(source: &Path, tools: &Tools, say: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    let key = cache::Key::new("idp 1").tree(source)?.finish();
    cache::entry(&format!("idp-{key}"), |folder| {
        say("installing the identity provider's modules from npm");
        cache::copy_source(source, folder)?;
        let mut npm = tools.npm();
        npm.args(["ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(folder);
        run(&mut npm).map(|_| ())
    })
}

impl Idp {
    pub(super) fn plan(dir: &Path, slot: Slot, https_port: u16) -> Self {
        let folder = dir.join("idp");
        let issuer = format!("https://auth.{DOMAIN}:{https_port}");
        let user = |name: &str, email: &str| User {
            name: name.to_owned(),
            password: format!("{name}-signs-in"),
            email: email.to_owned(),
        };
        Self {
            registration_endpoint: format!("{issuer}/reg"),
            issuer,
            port: slot.port(3),
            config: folder.join("config.json"),
            configuration: folder.join("configuration.yml"),
            clients_fragment: folder.join("stackrun-clients.yml"),
            initial_access_token: dir.join("idp-initial-access-token"),
            restart: dir.join("bin/idp-restart"),
            validate: dir.join("bin/idp-validate"),
            users: vec![user("alice", "alice@example.org"), user("me", "me@arsfeld.one")],
            operator_client: OperatorClient {
                client_id: "wiki".to_owned(),
                client_secret: OPERATOR_SECRET.to_owned(),
                redirect_uri: format!("https://wiki.{DOMAIN}:{https_port}/oauth2/callback"),
            },
            log: folder.join("log/server.log"),
            pid_file: folder.join("server.pid"),
            folder,
        }
    }

    pub(super) fn start(&self, server: &Path, tools: &Tools) -> Result<()> {
        let user = ids(IDP_USER)?;
        for name in ["log", "state"] {
            let folder = self.folder.join(name);
            fs::create_dir_all(&folder)
                .and_then(|()| chown(&folder, Some(user.uid), Some(user.gid)))
                .with_context(|| format!("can't make {}", folder.display()))?;
        }
        let token = random_word()?;
        put(&self.initial_access_token, &format!("{token}\n"), 0o600, None)?;
        put(&self.clients_fragment, "", 0o640, Some(user))?;
        put(&self.configuration, &self.configuration_text(), 0o640, Some(user))?;
        put(&self.config, &self.config_text(&token)?, 0o640, Some(user))?;
        let bin = self.restart.parent().context("the restart script has no folder")?;
        fs::create_dir_all(bin).with_context(|| format!("can't make {}", bin.display()))?;
        put(&self.validate, &self.validate_script(server, tools), 0o755, None)?;
        put(&self.restart, &self.restart_script(server, tools), 0o755, None)?;
        self.restart()
    }

    /// Identifiers of the clients that are registered dynamically, in alphabetical order.
    ///
    /// # Errors
    /// When what the server keeps can't be read.
    pub fn registered(&self) -> Result<Vec<String>> {
        let entries = self.kept()?.1;
        let mut clients: Vec<String> =
            entries.keys().filter_map(|key| key.strip_prefix("Client:")).map(str::to_owned).collect();
        clients.sort();
        Ok(clients)
    }

    /// Changes what the server keeps of the clients that are registered dynamically, as an operator would in its store;
    /// keys are `Client:ID` and `RegistrationAccessToken:TOKEN`.
    ///
    /// # Errors
    /// When what it keeps can't be changed, or it does not come back.
    pub fn edit_registered(&self, change: impl FnOnce(&mut Entries)) -> Result<()> {
        let (mut kept, mut entries) = self.kept()?;
        change(&mut entries);
        kept["entries"] = serde_json::Value::Object(entries);
        // In place, so that the server still owns it.
        let path = self.registrations();
        fs::write(&path, kept.to_string()).with_context(|| format!("can't write {}", path.display()))?;
        self.restart()
    }

    /// What the server keeps of one client.
    ///
    /// # Errors
    /// When there is no such client.
    pub fn registration(&self, client_id: &str) -> Result<serde_json::Value> {
        let entry = self.kept()?.1.remove(&format!("Client:{client_id}"));
        entry.with_context(|| format!("no client {client_id} is registered"))
    }

    fn registrations(&self) -> PathBuf {
        self.folder.join("state/registrations.json")
    }

    /// What the server keeps over a restart, and the entries in it.
    fn kept(&self) -> Result<(serde_json::Value, Entries)> {
        let path = self.registrations();
        let text = fs::read(&path).with_context(|| format!("can't read {}", path.display()))?;
        let kept: serde_json::Value =
            serde_json::from_slice(&text).with_context(|| format!("{} is not JSON", path.display()))?;
        let entries =
            kept["entries"].as_object().cloned().with_context(|| format!("{} has no entries", path.display()))?;
        Ok((kept, entries))
    }

    /// Restarts the server, and waits until it answers.
    ///
    /// # Errors
    /// When it refuses its configuration or does not answer: the end of its log.
    pub fn restart(&self) -> Result<()> {
        run(&mut Command::new(&self.restart)).map(|_| ())
    }

    fn configuration_text(&self) -> String {
        let client = &self.operator_client;
        format!(
            r#"---
# The operator's own, in Authelia's format. Clients of stackrun come in by the last line.
identity_providers:
  oidc:
    clients:
      - client_id: '{id}'
        client_name: 'Wiki'
        client_secret: '{OPERATOR_DIGEST}'
        public: false
        authorization_policy: 'one_factor'
        redirect_uris:
          - '{redirect}'
        scopes:
          - 'openid'
          - 'profile'
          - 'email'
        userinfo_signed_response_alg: 'none'
        token_endpoint_auth_method: 'client_secret_basic'
      {{{{- fileContent "{fragment}" | nindent 6 }}}}
"#,
            id = client.client_id,
            redirect = client.redirect_uri,
            fragment = self.clients_fragment.display(),
        )
    }

    fn config_text(&self, token: &str) -> Result<String> {
        let config = serde_json::json!({
            "issuer": self.issuer,
            "listen": format!("127.0.0.1:{}", self.port),
            "configuration": self.configuration,
            "state": self.registrations(),
            "initial_access_token": token,
            "users": self.users,
            "log": self.folder.join("log/idp.log"),
        });
        serde_json::to_string_pretty(&config).context("can't write the identity provider's settings")
    }

    /// The command that runs the server as its user, for a script.
    fn server_command(&self, server: &Path, tools: &Tools, flag: &str) -> String {
        format!(
            "setpriv --reuid={IDP_USER} --regid={IDP_USER} --clear-groups env -i PATH=/usr/bin:/bin HOME={home} \\\n  {node} {script} {flag}{config}",
            home = quoted(&self.folder.join("state")),
            node = quoted(&tools.node()),
            script = quoted(&server.join("server.js")),
            config = quoted(&self.config),
        )
    }

    fn validate_script(&self, server: &Path, tools: &Tools) -> String {
        format!(
            "#!/bin/sh\n# Validates the identity provider's configuration, as `authelia config validate` would.\ncd /\nexec {}\n",
            self.server_command(server, tools, "--validate ")
        )
    }

    fn restart_script(&self, server: &Path, tools: &Tools) -> String {
        include_str!("idp-restart.sh")
            .replace("@PID_FILE@", &quoted(&self.pid_file))
            .replace("@CONFIG@", &quoted(&self.config))
            .replace("@LOG@", &quoted(&self.log))
            .replace("@URL@", &format!("http://127.0.0.1:{}/.well-known/openid-configuration", self.port))
            .replace("@SERVER@", &self.server_command(server, tools, ""))
    }

    pub(super) fn stop(&self) -> Result<()> {
        process::stop(&self.pid_file, &self.config, Duration::from_secs(3))
    }
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

fn put(path: &Path, body: &str, mode: u32, group: Option<Ids>) -> Result<()> {
    fs::write(path, body)
        .and_then(|()| chown(path, Some(0), Some(group.map_or(0, |group| group.gid))))
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)))
        .with_context(|| format!("can't write {}", path.display()))
}

/// 32 random bytes in hexadecimal.
fn random_word() -> Result<String> {
    use std::io::Read;
    let mut bytes = [0; 32];
    fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("can't read /dev/urandom")?;
    Ok(hex::encode(bytes))
}
