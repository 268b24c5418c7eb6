//! A GET request with the container's names and certificate authorities.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::world::inside::{Answer, Hidden, MOST_BODY, Names, Root};

/// Where distributions keep the bundle of certificate authorities, the commonest first.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
];
const MOST_BUNDLE: u64 = 16 << 20;
const LIMIT: Duration = Duration::from_secs(10);

/// The certificate authorities that the container's programs trust. Empty where it has no bundle.
pub fn authorities(root: &Root, ca_file: Option<&str>) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    let bundle = match ca_file {
        Some(path) => Some(
            root.read(path, MOST_BUNDLE)?
                .with_context(|| format!("SSL_CERT_FILE is {path}, which is not there inside the container"))?,
        ),
        None => {
            let mut found = None;
            for path in BUNDLES {
                found = root.read(path, MOST_BUNDLE)?;
                if found.is_some() {
                    break;
                }
            }
            found
        }
    };
    if let Some(bundle) = bundle {
        store.add_parsable_certificates(CertificateDer::pem_slice_iter(&bundle).filter_map(Result::ok));
    }
    Ok(store)
}

/// Sends the request.
pub async fn get(
    url: &str,
    headers: &[(String, Hidden)],
    names: Arc<Names>,
    authorities: RootCertStore,
) -> Result<Answer> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(authorities)
        .with_no_client_auth();
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .dns_resolver(Arc::new(ContainerNames(names)))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(LIMIT)
        .build()?;
    let mut request = client.get(url);
    for (name, value) in headers {
        let mut value =
            reqwest::header::HeaderValue::from_str(value.as_str()).context("a header can't carry its value")?;
        value.set_sensitive(true);
        request = request.header(name, value);
    }
    let mut answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => return Ok(Answer::Failed(chain(&error))),
    };
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    while body.len() < MOST_BODY {
        match answer.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => return Ok(Answer::Failed(chain(&error))),
        }
    }
    body.truncate(MOST_BODY);
    Ok(Answer::Http { status, body: String::from_utf8_lossy(&body).into_owned() })
}

/// An error with all its causes: the last one is what a person needs (`certificate verify failed`).
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let next_text = next.to_string();
        if !text.contains(&next_text) {
            text = format!("{text}: {next_text}");
        }
        cause = next.source();
    }
    text
}

struct ContainerNames(Arc<Names>);

impl Resolve for ContainerNames {
    fn resolve(&self, name: Name) -> Resolving {
        let names = self.0.clone();
        Box::pin(async move {
            let found = names.look_up(name.as_str()).await?;
            Ok(Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}
