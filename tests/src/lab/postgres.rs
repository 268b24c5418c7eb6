//! The lab's PostgreSQL: a cluster of its own, laid out like Debian's (configuration beside the data, peer by
//! socket, passwords over TCP, no line for any container), listening everywhere as the users' servers do.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::{Options, process, slot::Slot};
use crate::{
    command::run,
    setup::users::{Ids, ids},
};

/// Who runs the server, and its superuser.
pub const USER: &str = "postgres";

const HBA: &str = "\
# TYPE  DATABASE        USER            ADDRESS                 METHOD
local   all             postgres                                peer
local   all             all                                     peer
host    all             all             127.0.0.1/32            scram-sha-256
host    all             all             ::1/128                 scram-sha-256
local   replication     all                                     peer
host    replication     all             127.0.0.1/32            scram-sha-256
host    replication     all             ::1/128                 scram-sha-256
";

/// The lab's database server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Postgres {
    /// The folder with everything of the cluster.
    pub folder: PathBuf,
    /// The data directory.
    pub data: PathBuf,
    /// The folder of the unix socket.
    pub socket: PathBuf,
    /// The port, on every address and in the socket's name.
    pub port: u16,
    /// The file with the rules of who may log in.
    pub hba: PathBuf,
    /// The file that maps system users to roles.
    pub ident: PathBuf,
    /// The server's log.
    pub log: PathBuf,
}

/// The folder of the newest PostgreSQL server programs on this machine.
///
/// # Errors
/// When there are none.
pub fn server_programs() -> Result<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok().into_iter().flatten().filter_map(Result::ok);
    let newest = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join("initdb").is_file())
        .max();
    if let Some((_, bin)) = newest {
        return Ok(bin);
    }
    let told = run(Command::new("pg_config").arg("--bindir")).map(|line| PathBuf::from(line.trim()));
    match told {
        Ok(bin) if bin.join("initdb").is_file() => Ok(bin),
        _ => bail!("no PostgreSQL server programs, neither below /usr/lib/postgresql nor where pg_config points"),
    }
}

impl Postgres {
    pub(super) fn plan(dir: &Path, slot: Slot) -> Self {
        let folder = dir.join("pg");
        Self {
            data: folder.join("data"),
            socket: folder.join("run"),
            port: slot.port(0),
            hba: folder.join("etc/pg_hba.conf"),
            ident: folder.join("etc/pg_ident.conf"),
            log: folder.join("log/postgresql.log"),
            folder,
        }
    }

    pub(super) fn start(&self, options: &Options) -> Result<()> {
        let postgres = ids(USER)?;
        let bin = server_programs()?;
        own_folder(&self.folder, postgres)?;
        for name in ["run", "log", "etc"] {
            own_folder(&self.folder.join(name), postgres)?;
        }
        let mut initdb = as_user(&bin.join("initdb"), postgres);
        initdb.args([
            "--no-sync",
            "--auth-local=peer",
            "--auth-host=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--pgdata",
        ]);
        run(initdb.arg(&self.data))?;
        own_file(&self.hba, HBA, postgres)?;
        own_file(&self.ident, "# MAPNAME       SYSTEM-USERNAME         PG-USERNAME\n", postgres)?;
        let settings = self.data.join("postgresql.conf");
        let mut text = fs::read_to_string(&settings).with_context(|| format!("can't read {}", settings.display()))?;
        text.push_str(&self.settings(options));
        fs::write(&settings, text).with_context(|| format!("can't write {}", settings.display()))?;
        self.pg_ctl(&["start", "--wait", "--timeout=60", "--log", &self.log.to_string_lossy()]).with_context(|| {
            format!("PostgreSQL does not start; the end of {}:\n{}", self.log.display(), process::log_tail(&self.log))
        })
    }

    fn settings(&self, options: &Options) -> String {
        let (statements, logins) = if options.log_statements { ("all", "on") } else { ("none", "off") };
        format!(
            "\n# The lab's own.\nlisten_addresses = '*'\nport = {}\nunix_socket_directories = '{}'\nhba_file = '{}'\nident_file = '{}'\n\
             log_line_prefix = '%m [%p] %q%u@%d [%a] '\nlog_statement = '{statements}'\nlog_connections = {logins}\n\
             # Its data need not survive a power cut.\nfsync = off\nfull_page_writes = off\n",
            self.port,
            self.socket.display(),
            self.hba.display(),
            self.ident.display(),
        )
    }

    fn pg_ctl(&self, arguments: &[&str]) -> Result<()> {
        let mut pg_ctl = as_user(&server_programs()?.join("pg_ctl"), ids(USER)?);
        pg_ctl.arg("--pgdata").arg(&self.data).args(arguments);
        // The server would inherit a pipe and keep it open for ever; what it says is in its log.
        let status = pg_ctl
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .process_group(0)
            .status()
            .context("can't start pg_ctl")?;
        if !status.success() {
            bail!("`pg_ctl {}` failed ({status})", arguments.join(" "));
        }
        Ok(())
    }

    /// Runs SQL as the superuser and returns the rows, columns separated by `|`.
    ///
    /// # Errors
    /// The server's own words.
    pub fn sql(&self, database: &str, sql: &str) -> Result<String> {
        let mut psql = as_user(Path::new("psql"), ids(USER)?);
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--host"])
            .arg(&self.socket)
            .args(["--port", &self.port.to_string(), "--dbname", database, "--command", sql]);
        run(&mut psql).map(|rows| rows.trim_end().to_owned())
    }

    pub(super) fn stop(&self) -> Result<()> {
        let pid_file = self.data.join("postmaster.pid");
        if !pid_file.exists() {
            return Ok(());
        }
        // Its first line is the process id. After a crash of the machine it may name anybody: hence the mark.
        let first = fs::read_to_string(&pid_file).unwrap_or_default().lines().next().unwrap_or_default().to_owned();
        let own = self.folder.join("server.pid");
        fs::write(&own, first).with_context(|| format!("can't write {}", own.display()))?;
        if process::running(&own, &self.data).is_none() {
            return Ok(());
        }
        if self.pg_ctl(&["stop", "--mode=fast", "--wait", "--timeout=10"]).is_err() {
            self.pg_ctl(&["stop", "--mode=immediate", "--wait", "--timeout=10"])?;
        }
        process::stop(&own, &self.data, Duration::from_secs(1))
    }
}

fn as_user(program: &Path, user: Ids) -> Command {
    let mut command = Command::new(program);
    // The folder that root works in may be closed to the user.
    command.uid(user.uid).gid(user.gid).current_dir("/").env("LC_ALL", "C.UTF-8");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
        command.env_remove(name);
    }
    command
}

fn own_folder(path: &Path, user: Ids) -> Result<()> {
    fs::create_dir_all(path)
        .and_then(|()| chown(path, Some(user.uid), Some(user.gid)))
        .with_context(|| format!("can't make {}", path.display()))
}

fn own_file(path: &Path, body: &str, user: Ids) -> Result<()> {
    fs::write(path, body)
        .and_then(|()| chown(path, Some(user.uid), Some(user.gid)))
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o640)))
        .with_context(|| format!("can't write {}", path.display()))
}
