//! TLS to a PostgreSQL server, and whom it is believed from.

use std::{path::Path, process::Command};

use stackrun::{
    capability::{
        Held, StepKind, Vantage,
        sql::{SqlLogin, Statement::*, login},
    },
    model::{
        ConnectionSettings,
        value::{Form, Target, Tree},
    },
};

use super::{
    cluster::{Cluster, HBA},
    stage::{Stage, database, step, world},
};

const PASSWORD: &str = "correct horse battery staple";

fn openssl(folder: &Path, arguments: &[&str]) {
    let output = Command::new("openssl").current_dir(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A certificate for `localhost` and no other name, by an authority of its own; and another authority.
fn certify(cluster: &Cluster, folder: &Path) {
    for authority in ["ca", "other"] {
        let (key, pem) = (format!("{authority}.key"), format!("{authority}.pem"));
        let new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
        openssl(folder, &[&new[..], &["-subj", &format!("/CN={authority}"), "-keyout", &key, "-out", &pem]].concat());
    }
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    let request = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=server"];
    openssl(folder, &[&request[..], &["-keyout", "server.key", "-out", "server.csr"]].concat());
    let sign = ["x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
    openssl(folder, &[&sign[..], &["-days", "2", "-extfile", "names", "-out", "server.crt"]].concat());
    let data = cluster.hba().parent().unwrap().to_owned();
    for name in ["server.key", "server.crt"] {
        std::fs::copy(folder.join(name), data.join(name)).unwrap();
        let owner = std::fs::metadata(cluster.hba()).unwrap();
        std::os::unix::fs::chown(data.join(name), Some(std::os::unix::fs::MetadataExt::uid(&owner)), None).unwrap();
        std::fs::set_permissions(data.join(name), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
}

fn by_url(url: &str, more: &[(&str, &str)]) -> ConnectionSettings {
    let mut settings = vec![("url".to_owned(), Tree::literal(url))];
    settings.extend(more.iter().map(|(key, value)| ((*key).to_owned(), Tree::literal(*value))));
    ConnectionSettings {
        name: "main".into(),
        kind: "postgresql".into(),
        address: None,
        write: Default::default(),
        verbs: Default::default(),
        settings: Tree::Table(settings),
    }
}

/// Whether the session is over TLS, or why there is none.
async fn session(connection: ConnectionSettings) -> Result<bool, String> {
    let directory = tempfile::tempdir().unwrap();
    let world = world(&directory, connection);
    let server = world.connections.postgresql("main").map_err(|failure| failure.to_string())?;
    let session = server.session(None).await.map_err(|error| error.to_string())?;
    let ask = "SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()";
    Ok(session.ask(ask, &[]).await.unwrap()[0].get(0))
}

#[tokio::test]
async fn a_certificate_is_verified_in_full() {
    let stage = Stage::new();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(stage.cluster.hba(), format!("{HBA}host all all all scram-sha-256\n")).unwrap();
    stage.ask("postgres", &format!("ALTER ROLE postgres PASSWORD '{PASSWORD}'")).await;
    stage.ask("postgres", "SELECT pg_reload_conf()::text").await;
    std::fs::write(folder.path().join("password"), PASSWORD).unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (password, authority, other) = (at("password"), at("ca.pem"), at("other.pem"));
    let (named, numbered) =
        ["localhost", "127.0.0.1"].map(|host| format!("postgresql://postgres@{host}:{}", stage.cluster.port)).into();
    let asked = async |url: &str, ca: &str| {
        session(by_url(url, &[("sslmode", "verify-full"), ("ca", ca), ("password_file", &password)])).await
    };
    certify(&stage.cluster, folder.path());
    let plain = asked(&named, &authority).await.unwrap_err();
    assert!(plain.contains("does not speak TLS") && plain.contains("nothing was sent"), "{plain}");

    stage.ask("postgres", "ALTER SYSTEM SET ssl = on").await;
    stage.ask("postgres", "SELECT pg_reload_conf()::text").await;
    let mut secured = asked(&named, &authority).await;
    for _ in 0..50 {
        if secured.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        secured = asked(&named, &authority).await;
    }
    assert_eq!(secured, Ok(true));
    for (url, ca, says) in
        [(&named, &other, "signed by an authority that is not trusted"), (&numbered, &authority, "the certificate is")]
    {
        let refused = asked(url, ca).await.unwrap_err();
        assert!(refused.contains(says), "{refused}");
    }
    // Loopback needs none.
    assert_eq!(session(by_url(&named, &[("password_file", &password)])).await, Ok(false));
}

/// A machine of its own, as far as its network goes, that listens and tells what it hears.
struct Elsewhere(String);

impl Elsewhere {
    const ADDRESS: &str = "10.213.7.2";

    fn start() -> Self {
        let name = format!("srpg{}", std::process::id());
        let run = |line: String| {
            let mut words = line.split_whitespace();
            let output = Command::new(words.next().unwrap()).args(words).output().unwrap();
            assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        };
        run(format!("ip netns add {name}"));
        let elsewhere = Self(name.clone());
        run(format!("ip link add {name} type veth peer name eth0 netns {name}"));
        run(format!("ip addr add 10.213.7.1/30 dev {name}"));
        run(format!("ip link set {name} up"));
        run(format!("ip -n {name} addr add {}/30 dev eth0", Self::ADDRESS));
        run(format!("ip -n {name} link set eth0 up"));
        elsewhere
    }

    /// A listener there. A thread enters the network and ends.
    fn listen(&self) -> std::net::TcpListener {
        let path = format!("/run/netns/{}", self.0);
        let thread = std::thread::spawn(move || {
            let namespace = std::fs::File::open(path).unwrap();
            let network = rustix::thread::LinkNameSpaceType::Network;
            rustix::thread::move_into_link_name_space(std::os::fd::AsFd::as_fd(&namespace), Some(network)).unwrap();
            std::net::TcpListener::bind((Self::ADDRESS, 0)).unwrap()
        });
        thread.join().unwrap()
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "delete", &self.0]).output();
    }
}

/// What the first who connects says, until they go.
fn heard(listener: std::net::TcpListener) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(2))).unwrap();
        let mut heard = vec![0; 1024];
        let length = std::io::Read::read(&mut stream, &mut heard).unwrap_or_default();
        heard.truncate(length);
        let _ = std::io::Write::write_all(&mut stream, b"N");
        heard
    })
}

#[tokio::test]
async fn another_machine_hears_nothing_without_tls() {
    let elsewhere = Elsewhere::start();
    for (more, says, hears) in [
        (&[("sslmode", "disable")][..], "is not on this machine", &b""[..]),
        (&[][..], "does not speak TLS", &[0, 0, 0, 8, 4, 210, 22, 47][..]),
    ] {
        let listener = elsewhere.listen();
        let url = format!("postgresql://postgres@{}", listener.local_addr().unwrap());
        let server = heard(listener);
        let refused = session(by_url(&url, more)).await.unwrap_err();
        assert!(refused.contains(says), "{refused}");
        assert_eq!(server.join().unwrap(), hears, "no name, no password, no proof");
    }
}

/// The proof of a login is that the password is right, which a rule with `trust` does not show.
#[tokio::test]
async fn a_login_that_nobody_asks_the_password_of_proves_nothing() {
    let stage = Stage::new();
    let secret = stage.secret(PASSWORD);
    stage.run(CreateRole { role: "media".into() }).await;
    stage.run(CreateDatabase(database("media", "media"))).await;
    let verifier = Target::Derived(Form::ScramSha256, Box::new(secret.clone()));
    step(SetPassword { role: "media".into(), verifier }).carry_out(&stage.acting()).await.unwrap();
    let login = |password: Option<Target>| SqlLogin {
        connection: "main".into(),
        database: "media".into(),
        role: "media".into(),
        password,
    };
    let ask = async |method: &str, password: Option<Target>| {
        std::fs::write(stage.cluster.hba(), format!("{HBA}host media media 127.0.0.1/32 {method}\n")).unwrap();
        stackrun::capability::sql::SqlReload { connection: "main".into() }.carry_out(&stage.acting()).await.unwrap();
        login::ask(&login(password), &Vantage::Host, &stage.acting()).await.unwrap()
    };
    assert_eq!(ask("scram-sha-256", Some(secret.clone())).await, Held::Yes);
    assert_eq!(ask("trust", None).await, Held::Yes, "no password is to be proved");
    let Held::Never(seen) = ask("trust", Some(secret)).await else { panic!("nothing was proved") };
    assert!(seen.contains("let role media in without asking for the password"), "{seen}");
    let Held::No(seen) = ask("scram-sha-256", None).await else { panic!("it was asked for a password") };
    assert!(seen.contains("asks role media for a password"), "{seen}");
}
