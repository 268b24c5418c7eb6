//! PostgreSQL, Podman, Caddy and the identity provider: down, silent, or something else altogether. None of it is a
//! mistake in the user's files, so the exit code is 1.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
};

use anyhow::{Context, Result};

use crate::{
    ERROR,
    machine::{Machine, path, told},
};

/// How something that is no server behaves.
#[derive(Clone, Copy)]
enum Manner {
    Silent,
    Nonsense,
}

/// What is changed in the host file, and what has to be said.
struct Case<'a> {
    name: &'static str,
    pieces: Vec<(&'a str, &'a str)>,
    says: Vec<&'a str>,
}

pub fn that_do_not_answer(machine: &Machine<'_>) -> Result<()> {
    let lab = machine.lab;
    let folder = lab.dir.join("bad/sockets");
    std::fs::create_dir_all(&folder)?;
    let (silent, nonsense, none) = (folder.join("silent"), folder.join("nonsense"), folder.join("none"));
    listen_at(&silent, Manner::Silent)?;
    listen_at(&nonsense, Manner::Nonsense)?;
    let (silent_port, nonsense_port) = (listen(Manner::Silent)?, listen(Manner::Nonsense)?);
    let (silent, nonsense, none) = (path(&silent)?, path(&nonsense)?, path(&none)?);

    let postgres = format!(
        "socket   = \"{}\"\nport     = {}\nlogin_as = \"postgres\"",
        path(&lab.postgres.socket)?,
        lab.postgres.port
    );
    let url = |port: u16| format!("url = \"postgresql://postgres@127.0.0.1:{port}/postgres\"");
    let down = format!("socket   = \"{}\"\nport     = 1\nlogin_as = \"postgres\"", path(&lab.postgres.socket)?);
    let (pg_silent, pg_nonsense) = (url(silent_port), url(nonsense_port));
    let (podman, caddy) = (path(&lab.podman.socket)?, format!("admin      = \"unix:{}\"", path(&lab.caddy.admin)?));
    let admin = |socket: &str| format!("admin      = \"unix:{socket}\"");
    let (caddy_none, caddy_silent, caddy_nonsense) = (admin(none), admin(silent), admin(nonsense));
    let issuer = |port: u16| format!("issuer           = \"https://auth.{}:{port}\"", lab.domain);
    let idp = issuer(lab.caddy.https_port);
    let another_site = idp.replace("//auth.", "//wiki.");
    let (idp_down, idp_silent, idp_nonsense) = (issuer(1), issuer(silent_port), issuer(nonsense_port));
    let case = |name, old, new, says: &[&'static str]| Case { name, pieces: vec![(old, new)], says: says.to_vec() };
    let cases = [
        case("pg-down", postgres.as_str(), down.as_str(), &["there is no PostgreSQL socket", "is the server running"]),
        case("pg-silent", &postgres, &pg_silent, &["gave no answer within 10 s: does it hang"]),
        case("pg-nonsense", &postgres, &pg_nonsense, &["is no PostgreSQL server", "is `url`, or `socket` and `port`"]),
        case("podman-down", podman, none, &["connection `podman`: there is no socket", "start the engine's API"]),
        case("podman-silent", podman, silent, &["no answer from the container engine within 10 s", "start it again"]),
        case("podman-nonsense", podman, nonsense, &["is no container engine that stackrun knows", "correct `socket`"]),
        case(
            "caddy-down",
            &caddy,
            &caddy_none,
            &["there is no such socket; does the server run?", "help: does Caddy run"],
        ),
        case("caddy-silent", &caddy, &caddy_silent, &["connected, but no answer within 10 s", "help: does Caddy run"]),
        case("caddy-nonsense", &caddy, &caddy_nonsense, &["the answer is no HTTP", "help: does Caddy run"]),
        case("idp-down", &idp, &idp_down, &["nothing listens there (connection refused)", "help: does it run"]),
        case("idp-silent", &idp, &idp_silent, &["no connection within 5 s", "help: does it run"]),
        case("idp-nonsense", &idp, &idp_nonsense, &["does not speak TLS", "help: does it run"]),
        case("idp-another-site", &idp, &another_site, &["(status 200) is no JSON", "does `issuer` in the host file"]),
    ];
    // Each waits for its own server, so they may as well wait together.
    std::thread::scope(|scope| {
        let runs: Vec<_> = cases.iter().map(|case| scope.spawn(|| refused(machine, case))).collect();
        runs.into_iter().try_for_each(|run| run.join().map_err(|_| anyhow::anyhow!("a run panicked"))?)
    })
}

fn refused(machine: &Machine<'_>, case: &Case<'_>) -> Result<()> {
    let stack = machine.stack_on(case.name, &case.pieces).context(case.name)?;
    let ended = stack.quietly("apply", &["--yes"], ERROR).context(case.name)?;
    // The place is underlined in the host file.
    let place = format!("{}/stackrun.toml:", case.name);
    told(&ended, &[case.says.as_slice(), &[&place]].concat()).context(case.name)
}

pub fn that_refuse_the_password(machine: &Machine<'_>) -> Result<()> {
    let lab = machine.lab;
    lab.postgres.sql("postgres", "create role bad_input superuser login password 'right'")?;
    let file = machine.write("bad/password/wrong", "wrong\n")?;
    let socket = format!("socket   = \"{}\"", path(&lab.postgres.socket)?);
    let url = format!(
        "url = \"postgresql://bad_input@127.0.0.1:{}/postgres\"\npassword_file = \"{}\"",
        lab.postgres.port,
        path(&file)?
    );
    let port = format!("port     = {}\nlogin_as = \"postgres\"", lab.postgres.port);
    let stack = machine.stack_on("password", &[(&socket, &url), (&port, "")])?;
    let ended = stack.quietly("apply", &["--yes"], ERROR)?;
    lab.postgres.sql("postgres", "drop role bad_input")?;
    told(&ended, &["refuses the password of role bad_input", "password authentication failed", "[connection.postgres]"])
}

/// A port of this machine behind which something is no server.
fn listen(manner: Manner) -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming().flatten() {
            match manner {
                Manner::Silent => kept.push(stream),
                Manner::Nonsense => drop(std::thread::spawn(move || talk::<TcpStream>(stream))),
            }
        }
    });
    Ok(port)
}

fn listen_at(path: &Path, manner: Manner) -> Result<()> {
    let listener = UnixListener::bind(path)?;
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming().flatten() {
            match manner {
                Manner::Silent => kept.push(stream),
                Manner::Nonsense => drop(std::thread::spawn(move || talk::<UnixStream>(stream))),
            }
        }
    });
    Ok(())
}

/// Hears what is asked, answers what nobody understands, and waits for the other to go.
fn talk<S: Read + Write>(mut stream: S) {
    let mut heard = [0; 4096];
    if stream.read(&mut heard).is_ok() && stream.write_all(b"\x00\xffI am not who you think\r\n\r\n").is_ok() {
        while stream.read(&mut heard).is_ok_and(|length| length > 0) {}
    }
}
