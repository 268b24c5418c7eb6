//! Connecting to a unix socket as another user of the system.
//!
//! The server looks at the effective user that `connect()` was called with (SO_PEERCRED), and peer authentication refuses
//! root for a role that is not called so. So a thread of its own takes on the user's identity, connects and ends. The
//! raw system call changes that thread alone; the C library's would change them all.

use std::{io, os::unix::net::UnixStream, path::Path};

use anyhow::{Context, Result, bail};
use rustix::{process::geteuid, thread::set_thread_res_uid};

/// Connects as `user`; none is whoever runs this.
pub async fn connect(path: &Path, user: Option<&str>) -> Result<tokio::net::UnixStream> {
    let uid = user.map(uid_of).transpose()?.filter(|uid| *uid != geteuid());
    let Some(uid) = uid else { return Ok(tokio::net::UnixStream::connect(path).await?) };
    if !geteuid().is_root() {
        bail!(
            "only root can connect as {}: run stackrun as root or as that user, or give the connection a `url` and a \
             `password_file`",
            user.unwrap_or_default()
        );
    }
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let path = path.to_owned();
    std::thread::Builder::new().name("login-as".to_owned()).spawn(move || {
        // The receiver is gone when the connection has taken too long: then the stream is dropped here.
        let _ = sender.send(connect_as(&path, uid));
    })?;
    let stream = receiver.await.context("the thread that connects has died")??;
    stream.set_nonblocking(true)?;
    Ok(tokio::net::UnixStream::from_std(stream)?)
}

/// Leaves the thread as `uid`: it must do nothing else afterwards.
fn connect_as(path: &Path, uid: rustix::process::Uid) -> io::Result<UnixStream> {
    set_thread_res_uid(None, uid, None)?;
    UnixStream::connect(path)
}

/// The number of a user, from `/etc/passwd`; a number stands for itself.
fn uid_of(user: &str) -> Result<rustix::process::Uid> {
    let passwd = std::fs::read_to_string("/etc/passwd").context("/etc/passwd can't be read")?;
    let entry = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[0] == user);
    let number = entry.and_then(|fields| fields.get(2).map(|uid| (*uid).to_owned())).unwrap_or_else(|| user.to_owned());
    let number = number.parse::<u32>().ok().filter(|uid| *uid != u32::MAX);
    let Some(number) = number else { bail!("there is no user `{user}` on this machine (`login_as`)") };
    Ok(rustix::process::Uid::from_raw(number))
}
