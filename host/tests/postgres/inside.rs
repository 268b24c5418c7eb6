//! Asking from inside another network namespace, by the real program.

use std::{
    path::Path,
    process::{Child, Command},
};

use stackrun::{
    capability::{StepKind, sql::Statement::*},
    model::desired::{Admission, HbaEntry},
    world::inside::{Answer, Inside, Place, ask_with},
};

use super::stage::{Stage, database};

const PROGRAM: &str = env!("CARGO_BIN_EXE_stackrun");

/// A process that stands for a container's.
struct Sleeper(Child);

impl Sleeper {
    fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    fn place(&self) -> Place {
        Place { pid: self.0.id(), ca_file: None, shares_network: false, name: "test".into() }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn login(host: &str, port: u16) -> Inside {
    let name = || "media".to_owned();
    Inside::Login { host: host.into(), port, database: name(), role: name(), password: None, trust: None }
}

#[tokio::test]
async fn a_login_goes_by_the_containers_network() {
    let stage = Stage::new();
    let acting = stage.acting();
    stage.run(CreateRole { role: "media".into() }).await;
    stage.run(CreateDatabase(database("media", "media"))).await;
    let hba = vec![HbaEntry {
        database: "media".into(),
        role: "media".into(),
        network: Some("127.0.0.1/32".into()),
        method: "trust".into(),
        map: None,
    }];
    let admission = Admission { connection: "main".into(), hba, ident: vec![] };
    admission.carry_out(&acting).await.unwrap();
    stackrun::capability::sql::SqlReload { connection: "main".into() }.carry_out(&acting).await.unwrap();

    let here = Sleeper::start(Command::new("sleep").arg("60"));
    let ask = async |sleeper: &Sleeper, question: &Inside| {
        ask_with(Path::new(PROGRAM), &sleeper.place(), question).await.unwrap()
    };
    let port = stage.cluster.port;
    assert_eq!(ask(&here, &login("127.0.0.1", port)).await, Answer::LoggedIn);
    assert_eq!(ask(&here, &login("localhost", port)).await, Answer::LoggedIn, "by the hosts file");

    let elsewhere = Sleeper::start(Command::new("unshare").args(["--net", "sleep", "60"]));
    std::thread::sleep(std::time::Duration::from_millis(300));
    let Answer::Failed(seen) = ask(&elsewhere, &login("127.0.0.1", port)).await else {
        panic!("the other network has no server")
    };
    assert!(seen.contains(&format!("127.0.0.1:{port}")), "{seen}");
    let Answer::Failed(seen) = ask(&elsewhere, &login("no-such-name.invalid", port)).await else { panic!() };
    assert!(seen.contains("does not resolve inside the container"), "{seen}");
}

#[tokio::test]
async fn http_is_asked_with_the_containers_certificates() {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut buffer = [0; 1024];
            let _ = stream.read(&mut buffer);
            let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nConnection: close\r\n\r\npage");
        }
    });
    let here = Sleeper::start(Command::new("sleep").arg("60"));
    let get = |scheme: &str| Inside::HttpGet { url: format!("{scheme}://localhost:{port}/web/"), headers: vec![] };
    let ask = async |place: Place, question: &Inside| ask_with(Path::new(PROGRAM), &place, question).await.unwrap();
    let page = Answer::Http { status: 404, body: "page".into() };
    assert_eq!(ask(here.place(), &get("http")).await, page);
    assert!(matches!(ask(here.place(), &get("https")).await, Answer::Failed(_)), "no TLS there");
    let without = Place { ca_file: Some("/nonexistent/bundle.pem".into()), ..here.place() };
    let Answer::Failed(seen) = ask(without, &get("https")).await else { panic!() };
    assert!(seen.contains("SSL_CERT_FILE is /nonexistent/bundle.pem"), "{seen}");
}

#[tokio::test]
async fn a_container_that_is_gone_is_said_so() {
    let mut gone = Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    let place = Place { pid: gone.id(), ca_file: None, shares_network: false, name: "test".into() };
    let Answer::Failed(seen) = ask_with(Path::new(PROGRAM), &place, &login("localhost", 1)).await.unwrap() else {
        panic!()
    };
    assert!(seen.contains("is the container running?"), "{seen}");
}
