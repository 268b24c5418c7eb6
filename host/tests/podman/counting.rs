//! How often an engine is asked.

use std::{
    io::{Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use stackrun::{
    capability::containers::{ContainerCreate, ContainerRemove, ContainerStart},
    model::desired::{Definition, Mount},
};

use crate::{
    bench::{Bench, ENGINE},
    engine::podman,
};

/// Passes requests on to an engine, and keeps the line of each.
struct Counter {
    socket: PathBuf,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Counter {
    fn before(engine: &Path) -> Self {
        let counter = Self { socket: engine.with_extension("counted"), heard: Arc::default() };
        let listener = UnixListener::bind(&counter.socket).unwrap();
        let (engine, heard) = (engine.to_owned(), counter.heard.clone());
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, engine, heard) = (client.unwrap(), UnixStream::connect(&engine).unwrap(), heard.clone());
                std::thread::spawn(move || pass_on(client, engine, &heard));
            }
        });
        counter
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }
}

/// One request and its answer: each has a connection of its own.
fn pass_on(mut client: UnixStream, mut engine: UnixStream, heard: &Mutex<Vec<String>>) {
    let mut request = vec![0; 64 * 1024];
    let length = client.read(&mut request).unwrap_or_default();
    let line = request[..length].split(|byte| *byte == b'\r').next().unwrap_or_default();
    heard.lock().unwrap().push(String::from_utf8_lossy(line).into_owned());
    let _ = engine.write_all(&request[..length]);
    let (mut from, mut to) = (client.try_clone().unwrap(), engine.try_clone().unwrap());
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
    });
    let _ = std::io::copy(&mut engine, &mut client);
    let _ = client.shutdown(std::net::Shutdown::Both);
}

/// What a container mounts never changes, so each is asked for once a run, however many are made and started.
#[tokio::test]
async fn each_container_is_looked_at_once_while_others_are_made() {
    const COUNT: usize = 8;
    let podman = podman();
    let counter = Counter::before(&podman.socket());
    let names: Vec<String> = (0..COUNT).map(|number| format!("many{number}")).collect();
    let words: Vec<&str> = names.iter().map(String::as_str).collect();
    let bench = Bench::of(podman.clone(), "media", &words, &counter.socket);
    let mut inspected = 0;
    for name in &names {
        let source = podman.data().join(name);
        std::fs::create_dir_all(&source).unwrap();
        let mount = Mount { source: source.display().to_string(), target: "/d".into(), read_only: false };
        let wanted = Definition { name: name.clone(), mounts: vec![mount], ..bench.definition() };
        bench.carry_out(ContainerCreate { connection: ENGINE.into(), definition: Box::new(wanted) }).await;
        bench.carry_out(ContainerStart { connection: ENGINE.into(), name: name.clone() }).await;
        let asked = counter.take();
        let own = format!("/containers/{name}/json");
        // Other tests' containers are on the same engine.
        let ids = asked.iter().filter(|line| line.contains("/json") && !line.contains(&own) && !line.contains("?all"));
        inspected += ids.filter(|line| line.starts_with("GET /containers/")).count();
        assert!(asked.len() < 40, "{asked:?}");
    }
    let others = podman.by_hand(&["ps", "--all", "--quiet"]).lines().count();
    for name in &names {
        bench.carry_out(ContainerRemove { connection: ENGINE.into(), name: name.clone() }).await;
    }
    // Without remembering it is more than COUNT * COUNT. Other tests make and remove containers meanwhile.
    assert!(inspected >= COUNT - 1, "the others were looked at: {inspected}");
    assert!(inspected <= others + 3 * COUNT, "{inspected} looks at {others} containers");
}
