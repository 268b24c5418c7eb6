//! HTTP, for every connection that has an address of its own: the gateway's admin API, identity providers, sites behind
//! the gateway, containers' published ports.
//!
//! One request, one answer. Nothing here follows a redirect, reads a proxy from the environment or remembers a cookie;
//! what does, does it in the open (`condition::leads_to`).

mod endpoint;
mod kinds;
mod outgoing;
mod trouble;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reqwest::{header, redirect::Policy};
use url::Url;
use zeroize::Zeroize;

pub use endpoint::{Endpoint, Route, origin_of};
pub use kinds::{Authelia, Caddy, OidcRegistration, Web};
pub use outgoing::Outgoing;
pub use trouble::Trouble;

use crate::{
    model::{Failure, Permit},
    world::{
        Connections,
        tls::{self, Trust},
    },
};

/// How long connecting, and how long the whole of a request may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const LIMIT: Duration = Duration::from_secs(10);

/// The largest answer that is read.
const LARGEST: usize = 1024 * 1024;

/// An answer, whatever its status.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Where a redirect leads to, as it was sent.
    pub location: Option<String>,
    /// `Set-Cookie` headers.
    pub cookies: Vec<String>,
    /// It may hold a secret.
    pub body: Vec<u8>,
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.body.zeroize();
    }
}

impl Answer {
    /// What was seen from inside a container, without headers.
    pub(crate) fn seen_from_inside(status: u16, body: String) -> Self {
        Self { status, location: None, cookies: Vec::new(), body: body.into_bytes() }
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<serde_json::Value, Failure> {
        serde_json::from_slice(&self.body)
            .map_err(|_| Failure::Other(format!("the answer (status {}) is no JSON", self.status)))
    }

    /// The body as text, what is no UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Leaves the body out.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer {{ status: {}, {} bytes }}", self.status, self.body.len())
    }
}

/// The clients of one run, one for each endpoint, with its open connections.
#[derive(Debug, Default)]
pub struct Clients {
    made: Mutex<HashMap<Endpoint, reqwest::Client>>,
}

impl Connections {
    /// HTTP clients.
    pub fn http(&self) -> Arc<Clients> {
        self.clients()
    }
}

/// What the gate lets pass that sends requests.
pub trait Sends {}

impl Clients {
    /// Sends one request that was let pass, and reads its answer.
    pub async fn exchange(
        &self,
        _: &Permit<impl Sends>,
        endpoint: &Endpoint,
        outgoing: &Outgoing,
    ) -> Result<Answer, Trouble> {
        self.send(endpoint, outgoing).await
    }

    /// Opens a page, with nothing but its path: what questions are answered from, which the gate lets pass where they are
    /// asked.
    pub(in crate::capability::http) async fn page(&self, endpoint: &Endpoint, path: &str) -> Result<Answer, Trouble> {
        self.send(endpoint, &Outgoing::get(path)).await
    }

    async fn send(&self, endpoint: &Endpoint, outgoing: &Outgoing) -> Result<Answer, Trouble> {
        let client = self.client(endpoint).await.map_err(Trouble::NotSent)?;
        let request = outgoing.build(&client, endpoint).map_err(Trouble::NotSent)?;
        tracing::debug!(method = %request.method(), server = %endpoint.called(), path = %request.url().path(), "HTTP");
        let trouble = |error: reqwest::Error| trouble::of(&error, endpoint, LIMIT);
        let mut response = client.execute(request).await.map_err(trouble)?;
        let headers = response.headers();
        let text = |value: &header::HeaderValue| value.to_str().ok().map(str::to_owned);
        let mut answer = Answer {
            status: response.status().as_u16(),
            location: headers.get(header::LOCATION).and_then(text),
            cookies: headers.get_all(header::SET_COOKIE).iter().filter_map(text).collect(),
            body: Vec::new(),
        };
        while let Some(chunk) = response.chunk().await.map_err(trouble)? {
            if answer.body.len() + chunk.len() > LARGEST {
                return Err(Trouble::Unanswered(Failure::TooLarge));
            }
            answer.body.extend_from_slice(&chunk);
        }
        Ok(answer)
    }

    async fn client(&self, endpoint: &Endpoint) -> Result<reqwest::Client, Failure> {
        if let Some(client) = self.made.lock().unwrap_or_else(PoisonError::into_inner).get(endpoint) {
            return Ok(client.clone());
        }
        let client = make(endpoint).await?;
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(endpoint.clone(), client.clone());
        Ok(client)
    }
}

async fn make(endpoint: &Endpoint) -> Result<reqwest::Client, Failure> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("stackrun/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_LIMIT)
        .timeout(LIMIT);
    if endpoint.origin.starts_with("https:") {
        builder = builder.tls_backend_preconfigured(Trust::read(endpoint.ca.as_deref())?.config()?);
    } else {
        // The library wants to be told some TLS, even where none is spoken.
        builder = builder.tls_backend_preconfigured(tls::without_roots()?);
    }
    match &endpoint.route {
        Route::Name => {}
        Route::Unix(path) => builder = builder.unix_socket(path.as_path()),
        Route::Address(host, port) => {
            let unknown =
                |why: String| Failure::Unreachable(format!("{}: {host} has no address: {why}", endpoint.called()));
            let found = tokio::time::timeout(CONNECT_LIMIT, tokio::net::lookup_host((host.as_str(), *port))).await;
            let found = found.map_err(|_| unknown("the resolver does not answer".to_owned()))?;
            let addresses: Vec<_> = found.map_err(|error| unknown(error.to_string()))?.collect();
            builder = builder.resolve_to_addrs(&host_of(endpoint)?, &addresses);
        }
    }
    builder.build().map_err(|error| Failure::Other(format!("{}: {error}", endpoint.called())))
}

/// The URL that is dialled: the origin, with the port of the route. The Host header carries the origin's own.
fn dialled(endpoint: &Endpoint, path: &str) -> Result<Url, Failure> {
    let nonsense = || Failure::Other(format!("{}: `{path}` is no path of an URL", endpoint.called()));
    if !path.starts_with('/') {
        return Err(nonsense());
    }
    let mut url = Url::parse(&format!("{}{path}", endpoint.origin)).map_err(|_| nonsense())?;
    if let Route::Address(_, port) = endpoint.route {
        url.set_port(Some(port)).map_err(|()| nonsense())?;
    }
    Ok(url)
}

fn host_of(endpoint: &Endpoint) -> Result<String, Failure> {
    let url = dialled(endpoint, "/")?;
    url.host_str().map(str::to_owned).ok_or_else(|| Failure::Other(format!("{} has no host", endpoint.called())))
}
