//! The whole path of a role and its database: the real program, the real plugin, a real server.

use std::{
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Output},
};

use tempfile::TempDir;

use super::cluster::{Cluster, HBA};

const SPEC: &str = r#"
[stack]
name = "media"
[secret.media]
database_password = { generate = "alphanumeric", length = 40 }
[postgres.media]
password = "${secret.database_password}"
extensions = ["citext"]
"#;

struct Stack {
    cluster: Cluster,
    directory: TempDir,
}

impl Stack {
    /// A machine with the server and nothing else; containers come from the loopback network.
    fn new() -> Self {
        let (cluster, directory) = (Cluster::start(), tempfile::tempdir().unwrap());
        let path = |name: &str| directory.path().join(name);
        let identity = age::x25519::Identity::generate();
        std::fs::write(path("identity"), age::secrecy::ExposeSecret::expose_secret(&identity.to_string())).unwrap();
        std::fs::set_permissions(path("identity"), PermissionsExt::from_mode(0o600)).unwrap();
        for name in ["store", "state"] {
            std::fs::create_dir(path(name)).unwrap();
            std::fs::set_permissions(path(name), PermissionsExt::from_mode(0o700)).unwrap();
        }
        let stack = Self { cluster, directory };
        let host_file = format!(
            "[store]\npath = {:?}\nidentity = {:?}\nrecipients = [\"{}\"]\n[state]\npath = {:?}\n\
             [connection.main]\nkind = \"postgresql\"\nsocket = {:?}\nport = {}\nlogin_as = \"postgres\"\n\
             clients = [\"127.0.0.0/8\"]\n",
            stack.path("store"),
            stack.path("identity"),
            identity.to_public(),
            stack.path("state"),
            stack.cluster.socket(),
            stack.cluster.port,
        );
        std::fs::write(stack.path("stackrun.toml"), host_file).unwrap();
        stack.spec(SPEC);
        stack
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn spec(&self, text: &str) {
        std::fs::write(self.path("media.toml"), text).unwrap();
    }

    /// Runs the program; its output, of both kinds, and its exit code.
    fn run(&self, arguments: &[&str]) -> (String, i32) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stackrun"));
        command.arg("--host").arg(self.path("stackrun.toml")).args(["--color", "never"]);
        let Output { stdout, stderr, status } = command.args(arguments).arg(self.path("media.toml")).output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        (said, status.code().unwrap())
    }

    fn apply(&self) -> String {
        let (said, code) = self.run(&["apply", "--yes"]);
        assert_eq!(code, 0, "{said}");
        said
    }

    /// A second plan has no action.
    fn settled(&self) {
        let (said, code) = self.run(&["plan", "--detailed-exitcode"]);
        assert_eq!(code, 0, "{said}");
    }

    /// As the superuser, behind stackrun's back.
    fn by_hand(&self, database: &str, sql: &str) -> String {
        let output = Command::new("runuser")
            .args(["-u", "postgres", "--", "psql", "-qAt", "-v", "ON_ERROR_STOP=1", "-h"])
            .arg(self.cluster.socket())
            .args(["-p", &self.cluster.port.to_string(), "-c", sql, database])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn hba(&self) -> String {
        std::fs::read_to_string(self.cluster.hba()).unwrap()
    }
}

#[test]
fn drift_of_every_kind_is_found_and_repaired() {
    let stack = Stack::new();
    let (said, code) = stack.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("CREATE ROLE \"media\" LOGIN"), "{said}");
    assert!(said.contains("+ host media media 127.0.0.0/8 scram-sha-256"), "{said}");
    assert!(stack.apply().contains("media can log in to its database media"));
    stack.settled();
    let log = std::fs::read_to_string(stack.cluster.log()).unwrap();
    assert!(log.contains("ALTER ROLE \"media\" PASSWORD 'SCRAM-SHA-256$"), "a verifier is sent, not a password");

    let block = stack.hba();
    let edits: [(&str, &dyn Fn()); 7] = [
        ("its password is another one", &|| drop(stack.by_hand("postgres", "ALTER ROLE media PASSWORD 'x'"))),
        ("it may not log in", &|| drop(stack.by_hand("postgres", "ALTER ROLE media NOLOGIN"))),
        ("it belongs to postgres", &|| drop(stack.by_hand("postgres", "ALTER DATABASE media OWNER TO postgres"))),
        ("has not got it", &|| drop(stack.by_hand("media", "DROP EXTENSION citext"))),
        ("not what they should be", &|| {
            std::fs::write(stack.cluster.hba(), block.replace("127.0.0.0/8 scram-sha-256", "0.0.0.0/0 trust")).unwrap();
        }),
        ("not what they should be", &|| {
            std::fs::write(stack.cluster.hba(), block.replace("scram-sha-256", "nonsense")).unwrap();
        }),
        ("no rule lets it in", &|| std::fs::write(stack.cluster.hba(), HBA).unwrap()),
    ];
    for (reason, edit) in edits {
        edit();
        let (said, _) = stack.run(&["status"]);
        assert!(said.contains(reason), "{reason} is not in:\n{said}");
        stack.apply();
        stack.settled();
    }
    assert_eq!(stack.hba(), block);
}

#[test]
fn destroy_keeps_data_and_gives_it_back() {
    let stack = Stack::new();
    stack.apply();
    stack.by_hand("media", "SET ROLE media; CREATE TABLE films AS SELECT 'Metropolis' AS title");
    let (said, code) = stack.run(&["destroy", "--yes"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(stack.hba(), HBA);
    assert_eq!(stack.by_hand("media", "SELECT title FROM films"), "Metropolis");
    stack.apply();
    stack.settled();
    assert_eq!(stack.by_hand("media", "SELECT title FROM films"), "Metropolis");

    let (said, code) = stack.run(&["destroy", "--yes", "--delete-data", "postgres.media"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(stack.by_hand("postgres", "SELECT count(*) FROM pg_database WHERE datname = 'media'"), "0");
    assert_eq!(stack.by_hand("postgres", "SELECT count(*) FROM pg_roles WHERE rolname = 'media'"), "0");
}

#[test]
fn what_others_have_made_is_adopted_only_as_it_is_or_by_word() {
    let stack = Stack::new();
    stack.by_hand("postgres", "CREATE DATABASE media");
    let (said, code) = stack.run(&["apply", "--yes"]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("database media is there already, and its owner would be changed"), "{said}");
    assert!(said.contains("adopt = true"), "{said}");
    assert_eq!(stack.by_hand("postgres", "SELECT count(*) FROM pg_roles WHERE rolname = 'media'"), "0");
    stack.spec(&format!("{SPEC}adopt = true\n"));
    stack.apply();
    stack.settled();

    stack.by_hand("postgres", "CREATE ROLE boss SUPERUSER LOGIN");
    stack.spec(&format!("{SPEC}role = \"boss\"\n"));
    let (said, code) = stack.run(&["plan"]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("role boss is a superuser"), "{said}");
}

/// State knows a database of this key, under another name: that says nothing of the one that is there.
#[test]
fn what_is_renamed_to_something_of_others_is_not_taken_over() {
    let stack = Stack::new();
    stack.apply();
    stack.by_hand("postgres", "CREATE DATABASE grafana");
    stack.by_hand("postgres", "CREATE ROLE grafana LOGIN PASSWORD 'theirs'");
    for (field, what) in [("database", "database grafana is there already"), ("role", "role grafana is there already")]
    {
        stack.spec(&format!("{SPEC}{field} = \"grafana\"\n"));
        let (said, code) = stack.run(&["apply", "--yes"]);
        assert_eq!(code, 3, "{field}: {said}");
        assert!(said.contains(what) && said.contains("adopt = true"), "{field}: {said}");
    }
    let owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'grafana'";
    assert_eq!(stack.by_hand("postgres", owner), stack.by_hand("postgres", "SELECT current_user"));
    // Renamed back, it is the one of before.
    stack.spec(SPEC);
    stack.settled();
}

#[test]
fn no_block_where_another_rule_lets_the_login_in() {
    let stack = Stack::new();
    let hba = format!("{HBA}host sameuser all 127.0.0.0/8 scram-sha-256\n");
    std::fs::write(stack.cluster.hba(), &hba).unwrap();
    stack.by_hand("postgres", "SELECT pg_reload_conf()");
    stack.apply();
    stack.settled();
    assert_eq!(stack.hba(), hba);

    // It goes: ours comes, before whatever stands there. Then somebody writes another one before ours.
    std::fs::write(stack.cluster.hba(), HBA).unwrap();
    stack.apply();
    let ours = stack.hba();
    std::fs::write(stack.cluster.hba(), format!("host all all 127.0.0.0/8 reject\n{ours}")).unwrap();
    let (said, _) = stack.run(&["plan"]);
    assert!(said.contains("line 1 (`host all all 127.0.0.0/8 reject`) is matched before"), "{said}");
}

#[test]
fn who_listens_only_here_is_not_reached_from_elsewhere() {
    let stack = Stack::new();
    stack.spec(&format!("{SPEC}clients = [\"10.88.0.0/16\"]\n"));
    let (said, code) = stack.run(&["plan"]);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("listens on `127.0.0.1` only"), "{said}");
    assert!(said.contains("restart PostgreSQL: every connection to it is cut once"), "{said}");
}

#[test]
fn a_users_own_mistakes_are_said_offline() {
    let stack = Stack::new();
    for (field, says) in [
        ("password = \"in-clear\"", "a reference to a secret and nothing else"),
        ("role = \"postgres\"\npassword = \"${secret.database_password}\"", "the server's own"),
        ("clients = [\"10.88.0.0\"]\npassword = \"${secret.database_password}\"", "`10.88.0.0` is no network"),
        (&format!("role = \"{}\"\npassword = \"${{secret.database_password}}\"", "x".repeat(64)), "64 bytes long"),
        ("auth = \"md5\"\npassword = \"${secret.database_password}\"", "md5"),
        ("adopt = true", "the role has no password"),
    ] {
        stack.spec(&SPEC.replace("password = \"${secret.database_password}\"", field));
        let (said, code) = stack.run(&["check"]);
        assert_eq!(code, 3, "{field}: {said}");
        assert!(said.contains(says), "{field}: {said}");
    }
}
