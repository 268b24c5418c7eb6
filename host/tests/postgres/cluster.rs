//! A PostgreSQL cluster of this test's own: made, started and taken away by it.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::Command,
};

use stackrun::{
    model::{ConnectionSettings, value::Tree},
    world::Connections,
};
use tempfile::TempDir;

/// Nobody may come in over the network until a test lets them.
pub const HBA: &str = "# who may log in\nlocal all postgres peer\nlocal all all reject\n";

/// A running server.
pub struct Cluster {
    directory: TempDir,
    pub port: u16,
    user: String,
}

/// The newest server programs on this machine.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("no PostgreSQL server below /usr/lib/postgresql");
    let newest = versions
        .filter_map(|entry| Some((entry.as_ref().ok()?.file_name().to_str()?.parse::<u32>().ok()?, entry.ok()?.path())))
        .max();
    newest.expect("no PostgreSQL server below /usr/lib/postgresql").1.join("bin")
}

impl Cluster {
    pub fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("stackrun-pg-").tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // A server refuses to run as root, and peer authentication wants a user called like the role.
        let user = "postgres".to_owned();
        let uid = uid_of(&user);
        chown(directory.path(), Some(uid), None).unwrap();
        let cluster = Self { directory, port, user };
        let data = cluster.data();
        cluster.run("initdb", &["-D", &data, "--no-sync", "--no-instructions", "-E", "UTF8", "--locale=C"]);
        fs::write(cluster.hba(), HBA).unwrap();
        let options = format!(
            "-p {port} -k {} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=40 -c log_statement=all",
            cluster.directory.path().display()
        );
        cluster
            .run("pg_ctl", &["-D", &data, "-w", "-l", &cluster.log().display().to_string(), "-o", &options, "start"]);
        cluster
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new("runuser");
        command.args(["-u", &self.user, "--"]).arg(programs().join(program)).args(arguments);
        let output = command.current_dir(self.directory.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program}: {said}{}", String::from_utf8_lossy(&output.stdout));
    }

    fn data(&self) -> String {
        self.directory.path().join("data").display().to_string()
    }

    pub fn hba(&self) -> PathBuf {
        self.directory.path().join("data/pg_hba.conf")
    }

    pub fn ident(&self) -> PathBuf {
        self.directory.path().join("data/pg_ident.conf")
    }

    pub fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    pub fn socket(&self) -> &Path {
        self.directory.path()
    }

    /// Stops it, as a crash of the machine would.
    pub fn stop(&self) {
        self.run("pg_ctl", &["-D", &self.data(), "-w", "-m", "immediate", "stop"]);
    }

    /// The settings of a connection to it, with more of them or other ones.
    pub fn connection(&self, name: &str, more: &[(&str, &str)]) -> ConnectionSettings {
        let socket = self.socket().display().to_string();
        let mut settings = vec![
            ("socket".to_owned(), Tree::literal(socket)),
            ("port".to_owned(), Tree::Integer(self.port.into())),
            ("login_as".to_owned(), Tree::literal("postgres")),
        ];
        for (key, value) in more {
            settings.retain(|(known, _)| known != key && !(known == "socket" && *key == "url"));
            settings.push(((*key).to_owned(), Tree::literal(*value)));
        }
        ConnectionSettings {
            name: name.to_owned(),
            kind: "postgresql".to_owned(),
            address: None,
            write: Default::default(),
            verbs: Default::default(),
            settings: Tree::Table(settings),
        }
    }

    /// Asks as the superuser; the first column of each row.
    pub async fn ask(&self, connections: &Connections, database: &str, sql: &str) -> Vec<Option<String>> {
        let session = connections.postgresql("main").unwrap().session(Some(database)).await.unwrap();
        session.ask(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut command = Command::new("runuser");
        command.args(["-u", &self.user, "--"]).arg(programs().join("pg_ctl"));
        let _ = command.args(["-D", &self.data(), "-m", "immediate", "stop"]).output();
    }
}

fn uid_of(user: &str) -> u32 {
    let output = Command::new("id").args(["-u", user]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    said.trim().parse().unwrap_or_else(|_| panic!("there is no user {user} on this machine"))
}

/// Owner and mode, which an edit keeps.
pub fn owner_and_mode(file: &Path) -> (u32, u32, u32) {
    let facts = fs::metadata(file).unwrap();
    (facts.uid(), facts.gid(), facts.mode() & 0o7777)
}
