//! The process that asks from inside a container, `stackrun inside`: what it can be asked, each by its capability.

use std::{
    io::{Read, Write},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, Result};
use zeroize::Zeroizing;

use super::{
    http::from_inside as web,
    sql::{client::Wire, login},
};
use crate::world::inside::{Answer, Hidden, Inside, Names, Request, Root, enter_network, give_up_root};

const MOST_HOSTS: u64 = 1 << 20;

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
            Inside::Login { host, port, database, role, password, trust } => {
                let addresses = match names.look_up(host).await {
                    Ok(addresses) => addresses,
                    Err(unknown) => return Ok(Answer::Failed(unknown)),
                };
                let password = password.as_ref().map(Hidden::as_str);
                let wire = trust.clone().map_or(Wire::Plain, Wire::Tls);
                Ok(login::Attempt { host, addresses: &addresses, port: *port, database, role, password, wire }
                    .answer()
                    .await)
            }
            Inside::HttpGet { url, headers } => {
                web::get(url, headers, names, authorities.unwrap_or_else(rustls::RootCertStore::empty)).await
            }
        }
    })
}
