//! Reaching an engine, and what it tells about itself, images and ports.

use std::{io::Write, net::TcpListener, os::unix::net::UnixListener};

use stackrun::{
    capability::{
        Gate,
        containers::{ContainerCreate, ContainerRemove, ContainerStart, EngineQuestion, PortHolder},
    },
    model::{
        ContainersGrant, Failure, Grants,
        desired::{Definition, Port},
        value::Address,
    },
};

use crate::{
    bench::{Bench, ENGINE, world},
    engine::IMAGE,
};

fn gate() -> Gate {
    let containers = ContainersGrant { connections: vec![ENGINE.into()], ..ContainersGrant::default() };
    Gate::new("container", "media", Address::new("container", "x"), Grants { containers, ..Grants::default() })
}

async fn failure(socket: &std::path::Path) -> String {
    let permit = gate().engine(EngineQuestion { connection: ENGINE.into() }).unwrap();
    world(socket).engine_facts(&permit).await.expect_err("no engine").to_string()
}

#[tokio::test]
async fn the_engine_says_what_it_is() {
    let bench = Bench::new("about");
    let permit = bench.gate().engine(EngineQuestion { connection: ENGINE.into() }).unwrap();
    let facts = bench.world().engine_facts(&permit).await.unwrap();
    assert_eq!((facts.flavour.as_str(), facts.rootless), ("podman", false));
    assert!(facts.version.starts_with(|first: char| first.is_ascii_digit()), "{}", facts.version);
}

#[tokio::test]
async fn an_image_has_a_digest_or_is_not_there() {
    let bench = Bench::new("images");
    let permit = bench.gate().engine(EngineQuestion { connection: ENGINE.into() }).unwrap();
    let digest = bench.world().image_digest(&permit, IMAGE).await.unwrap().unwrap();
    let by_hand = bench.podman.by_hand(&["image", "inspect", "--format", "{{.Id}}", IMAGE]);
    assert_eq!(digest, format!("sha256:{by_hand}"));
    assert_eq!(bench.world().image_digest(&permit, "ghcr.io/nobody/nothing:1").await.unwrap(), None);
}

#[tokio::test]
async fn who_holds_a_port_is_named() {
    let bench = Bench::new("porter");
    let permit = bench.gate().engine(EngineQuestion { connection: ENGINE.into() }).unwrap();
    let holder = async |port| {
        bench.world().memo.clear();
        bench.world().port_holder(&permit, port).await.unwrap()
    };
    assert_eq!(holder(18131).await, PortHolder::Free);

    let ports = vec![Port { container: 80, host_address: None, host: 18131 }];
    let wanted = Definition { ports, ..bench.running("exec sleep 1000") };
    bench.carry_out(ContainerCreate { connection: ENGINE.into(), definition: Box::new(wanted.clone()) }).await;
    bench.carry_out(ContainerStart { connection: ENGINE.into(), name: "porter".into() }).await;
    assert_eq!(holder(18131).await, PortHolder::Container("porter".into()));
    let published = bench.podman.by_hand(&["port", "porter"]);
    assert!(published.contains("127.0.0.1:18131"), "{published}");
    bench.carry_out(ContainerRemove { connection: ENGINE.into(), name: "porter".into() }).await;

    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let taken = holder(listener.local_addr().unwrap().port()).await;
    let us = format!("(process {})", std::process::id());
    assert!(matches!(&taken, PortHolder::Other(who) if who.ends_with(&us)), "{taken:?}");
}

#[tokio::test]
async fn what_is_no_engine_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = failure(&folder.path().join("nothing.sock")).await;
    assert!(nothing.contains("there is no socket") && nothing.contains("podman.socket"), "{nothing}");

    let left = folder.path().join("left.sock");
    drop(UnixListener::bind(&left).unwrap());
    let left = failure(&left).await;
    assert!(left.contains("nobody listens on"), "{left}");

    for (name, answer) in [("ssh", "SSH-2.0-OpenSSH\r\n"), ("web", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")] {
        let socket = folder.path().join(name);
        let listener = UnixListener::bind(&socket).unwrap();
        let server = std::thread::spawn(move || listener.accept().unwrap().0.write_all(answer.as_bytes()).unwrap());
        let message = failure(&socket).await;
        assert!(message.contains("no container engine that stackrun knows"), "{message}");
        server.join().unwrap();
    }
}

#[tokio::test]
async fn an_unknown_connection_is_said() {
    let containers = ContainersGrant { connections: vec!["other".into()], ..ContainersGrant::default() };
    let gate = Gate::new("x", "media", Address::new("container", "x"), Grants { containers, ..Grants::default() });
    let permit = gate.engine(EngineQuestion { connection: "other".into() }).unwrap();
    let answer = world(std::path::Path::new("/nowhere")).engine_facts(&permit).await;
    assert!(matches!(&answer, Err(Failure::Other(why)) if why.contains("no [connection.other]")), "{answer:?}");
}

/// Somebody else than root listens: a rootless engine.
#[tokio::test]
async fn a_rootless_engine_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("rootless.sock");
    // The kernel remembers who called listen(): this thread, for a moment, under another user.
    let bound = socket.clone();
    let listener = std::thread::spawn(move || {
        let nobody = rustix::thread::Uid::from_raw(65534);
        let root = rustix::thread::Uid::from_raw(0);
        let listener = std::os::unix::net::UnixListener::bind(bound);
        rustix::thread::set_thread_res_uid(root, nobody, root).unwrap();
        let fd = listener.unwrap();
        rustix::net::listen(&fd, 8).unwrap();
        rustix::thread::set_thread_res_uid(root, root, root).unwrap();
        fd
    });
    let _listener = listener.join().unwrap();
    let message = failure(&socket).await;
    assert!(message.contains("user 65534: rootless Podman is not supported"), "{message}");
}
