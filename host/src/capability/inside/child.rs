//! The process that asks: `stackrun inside`.

use std::{
    io::{Read, Write},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, Result};
use rustix::{
    fs::{CWD, Mode, OFlags},
    process::{Gid, Uid, geteuid},
    thread::{LinkNameSpaceType, move_into_link_name_space, set_thread_groups, set_thread_res_gid, set_thread_res_uid},
};
use zeroize::Zeroizing;

use super::{Answer, Hidden, Inside, Request, names::Names, root::Root, web};
use crate::capability::sql::login;

const MOST_HOSTS: u64 = 1 << 20;
const NOBODY: u32 = 65534;

/// Reads a request from standard input and writes the answer to standard output. Must be called before the program has a
/// second thread.
pub fn main() -> ExitCode {
    let answer = answer().unwrap_or_else(|error| Answer::Failed(format!("{error:#}")));
    let written = serde_json::to_vec(&answer).map(|json| std::io::stdout().write_all(&json));
    match written {
        Ok(Ok(())) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn answer() -> Result<Answer> {
    let mut input = Zeroizing::new(Vec::new());
    std::io::stdin().read_to_end(&mut input)?;
    let request: Request = serde_json::from_slice(&input).context("no request on standard input")?;
    let root = Root::of(request.pid)?;
    let hosts = root.read("/etc/hosts", MOST_HOSTS)?.unwrap_or_default();
    let resolv_conf = root.read("/etc/resolv.conf", MOST_HOSTS)?;
    let authorities = match &request.question {
        Inside::HttpGet { .. } => Some(web::authorities(&root, request.ca_file.as_deref())?),
        Inside::Login { .. } => None,
    };
    enter_network(request.pid)?;
    give_up_root()?;
    // One thread: a second one would have to enter the namespace as well.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let names = Arc::new(Names::new(&hosts, resolv_conf.as_deref()));
        match &request.question {
            Inside::Login { host, port, database, role, password } => {
                let addresses = match names.look_up(host).await {
                    Ok(addresses) => addresses,
                    Err(unknown) => return Ok(Answer::Failed(unknown)),
                };
                let login =
                    login::log_in_at(host, &addresses, *port, database, role, password.as_ref().map(Hidden::as_str));
                Ok(Answer::of_login(tokio::time::timeout(login::LIMIT, login).await, host, *port))
            }
            Inside::HttpGet { url, headers } => {
                web::get(url, headers, names, authorities.unwrap_or_else(rustls::RootCertStore::empty)).await
            }
        }
    })
}

fn enter_network(pid: u32) -> Result<()> {
    let path = format!("/proc/{pid}/ns/net");
    let namespace = rustix::fs::openat(CWD, &path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    let namespace = namespace.with_context(|| format!("{path} can't be opened: is the container running?"))?;
    use std::os::fd::AsFd;
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
        .context("the container's network can't be entered: that takes root")
}

/// What follows reads what strangers send.
fn give_up_root() -> Result<()> {
    if !geteuid().is_root() {
        return Ok(());
    }
    let (uid, gid) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    set_thread_groups(&[])?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)?;
    Ok(())
}
