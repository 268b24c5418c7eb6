//! Ports, names and sites that belong to somebody else, and an image that is not there.

use std::net::TcpListener;

use anyhow::{Context, Result};
use stackrun_tests::stack::Stack;

use crate::{
    DONE, INVALID,
    machine::{Machine, place, told},
};

/// 1024 + (the first six hexadecimal digits of SHA-256 of `mediamanager`) mod 64511
const PORT: u16 = 16_366;

pub fn by_others(machine: &Machine<'_>) -> Result<()> {
    let lab = machine.lab;
    let stack = machine.stack()?;

    let holder = TcpListener::bind((lab.podman.publish_address.as_str(), PORT)).context("the port is free at first")?;
    let ended = stack.quietly("apply", &["--yes"], INVALID)?;
    drop(holder);
    let process = format!("(process {})", std::process::id());
    told(
        &ended,
        &["port 16366 of this machine is taken by", &process, &place(&stack, "[container.")?, "publish_port = "],
    )?;

    // The operator's own site.
    let theirs = format!("wiki.{}", lab.domain);
    let set = vec![format!("gateway.mediamanager.domain={theirs}")];
    let ended = Stack { set, ..machine.stack()? }.quietly("apply", &["--yes"], INVALID)?;
    told(
        &ended,
        &[&format!("{theirs} is served by Caddy already"), &place(&stack, "domain")?, "choose another host name"],
    )?;

    let ended =
        stack.quietly("apply", &["--yes", "--set", "container.mediamanager.image=localhost/nothing:1"], INVALID)?;
    told(&ended, &["the image localhost/nothing:1 is not on the engine", "podman pull localhost/nothing:1"])?;

    let made = lab.podman.command().args(["create", "--name", "mediamanager", IMAGE, "sleep", "1"]).output()?;
    anyhow::ensure!(made.status.success(), "no container could be made: {made:?}");
    let ended = stack.quietly("apply", &["--yes"], INVALID)?;
    lab.podman.command().args(["rm", "--force", "mediamanager"]).output()?;
    told(&ended, &["there is a container `mediamanager`, and stackrun did not make it", "podman rename mediamanager"])
}

/// Neither container is there, so neither holds the port.
pub fn by_each_other(machine: &Machine<'_>) -> Result<()> {
    let container =
        |name: &str| format!("[container.{name}]\nimage = \"{IMAGE}\"\nlisten_port = 80\npublish_port = 16366\n");
    let spec = format!("[stack]\nname = \"two\"\n{}{}", container("a"), container("b"));
    let spec = machine.write("bad/two.toml", &spec)?;
    let ended = Stack { spec, set: Vec::new(), ..machine.stack()? }.quietly("apply", &["--yes"], INVALID)?;
    told(&ended, &["container.b and container.a would both publish port 16366", "two.toml:7:1", "publish_port = "])
}

const IMAGE: &str = "ghcr.io/maxdorninger/mediamanager/mediamanager:v1.12.3";

/// A container of another stack has the name, and with it the port.
pub fn by_another_stack(machine: &Machine<'_>) -> Result<()> {
    let spec = format!(
        "[stack]\nname = \"other\"\n[container.mediamanager]\nimage = \"{IMAGE}\"\ncommand = [\"sleep\", \"600\"]\n\
         listen_port = 8000\n"
    );
    let spec = machine.write("bad/other.toml", &spec)?;
    let other = Stack { spec, set: Vec::new(), ..machine.stack()? };
    other.quietly("apply", &["--yes"], DONE)?;
    let ended = machine.stack()?.quietly("apply", &["--yes"], INVALID)?;
    other.quietly("destroy", &["--yes"], DONE)?;
    told(
        &ended,
        &[
            "there is a container `mediamanager`, and it belongs to other/container.mediamanager",
            "port 16366 of this machine is taken by",
            "give this one another `name`",
        ],
    )
}
