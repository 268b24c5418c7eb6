//! What a person is told when a server can't be reached.

use std::{
    io::{Read, Write},
    net::TcpListener,
};

use stackrun::model::{ConnectionSettings, Failure, value::Tree};

use super::{cluster::Cluster, stage::world};

/// The words for a connection that fails.
async fn said(connection: ConnectionSettings) -> String {
    let directory = tempfile::tempdir().unwrap();
    let name = connection.name.clone();
    let world = world(&directory, connection);
    let failure = match world.connections.postgresql(&name) {
        Ok(server) => match server.session(None).await {
            Ok(_) => panic!("a session that should not be"),
            Err(error) => Failure::from(error),
        },
        Err(failure) => failure,
    };
    failure.to_string()
}

fn by_url(url: &str, password_file: Option<&str>) -> ConnectionSettings {
    let mut settings = vec![("url".to_owned(), Tree::literal(url))];
    settings.extend(password_file.map(|file| ("password_file".to_owned(), Tree::literal(file))));
    ConnectionSettings {
        name: "main".into(),
        kind: "postgresql".into(),
        address: None,
        write: Default::default(),
        verbs: Default::default(),
        settings: Tree::Table(settings),
    }
}

#[tokio::test]
async fn down() {
    let cluster = Cluster::start();
    let connection = cluster.connection("main", &[]);
    cluster.stop();
    let text = said(connection).await;
    assert!(text.contains("is the server running"), "{text}");

    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = said(by_url(&format!("postgresql://a@127.0.0.1:{port}"), None)).await;
    assert!(text.contains("does not answer") && text.contains("refused"), "{text}");
    let text = said(by_url("postgresql://a@db.invalid", None)).await;
    assert!(text.contains("db.invalid:5432 can't be reached"), "{text}");
}

#[tokio::test]
async fn not_let_in() {
    let cluster = Cluster::start();
    let text = said(cluster.connection("main", &[("login_as", "nobody"), ("role", "postgres")])).await;
    assert!(text.contains("Peer authentication failed") && text.contains("login_as"), "{text}");
    let text = said(cluster.connection("main", &[("login_as", "no-such-user-here")])).await;
    assert!(text.contains("there is no user `no-such-user-here`"), "{text}");
    let url = format!("postgresql://postgres@127.0.0.1:{}", cluster.port);
    let text = said(by_url(&url, None)).await;
    assert!(text.contains("no pg_hba.conf entry"), "{text}");

    std::fs::write(cluster.hba(), "host all all 127.0.0.1/32 scram-sha-256\n").unwrap();
    let directory = tempfile::tempdir().unwrap();
    // Nobody can get in to reload, so the signal is sent by hand.
    let pid = std::fs::read_to_string(cluster.hba().with_file_name("postmaster.pid")).unwrap();
    let hup = std::process::Command::new("kill").args(["-HUP", pid.lines().next().unwrap()]).status().unwrap();
    assert!(hup.success());
    std::thread::sleep(std::time::Duration::from_millis(500));
    let text = said(by_url(&url, None)).await;
    assert!(text.contains("asks role postgres for a password"), "{text}");
    let file = directory.path().join("password");
    std::fs::write(&file, "wrong-one-5b1d\n").unwrap();
    let text = said(by_url(&url, file.to_str())).await;
    assert!(text.contains("refuses the password of role postgres"), "{text}");
    assert!(!text.contains("wrong-one-5b1d"));
    let text = said(by_url(&url, Some("/nonexistent/password"))).await;
    assert!(text.contains("the password file /nonexistent/password can't be read"), "{text}");
}

#[tokio::test]
async fn something_else_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let web = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 64];
        let _ = stream.read(&mut buffer);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    });
    let text = said(by_url(&format!("postgresql://a@127.0.0.1:{port}"), None)).await;
    assert!(text.contains("is no PostgreSQL server"), "{text}");
    web.join().unwrap();
}

#[tokio::test]
async fn nobody_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let text = said(by_url(&format!("postgresql://a@127.0.0.1:{port}"), None)).await;
    assert!(text.contains("gave no answer within 10 s"), "{text}");
    drop(listener);
}
