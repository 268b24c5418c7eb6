//! Whom a TLS connection trusts.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::model::Failure;

/// The system's roots, read once a process: it takes longer than a request.
static SYSTEM_ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();

/// TLS 1.2 and 1.3 by `ring`, trusting the CAs of a PEM file and no others, or without one the system's.
pub fn config(ca: Option<&Path>) -> Result<ClientConfig, Failure> {
    let roots = match ca {
        Some(path) => Arc::new(roots_of(path)?),
        None => Arc::clone(SYSTEM_ROOTS.get_or_init(|| Arc::new(system_roots()))),
    };
    with(roots)
}

/// What can't be read of the system's roots is not trusted; a server that needs it says so when it is asked.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn roots_of(path: &Path) -> Result<RootCertStore, Failure> {
    let shown = path.display();
    let pem =
        std::fs::read(path).map_err(|error| Failure::Other(format!("the CA file {shown} can't be read: {error}")))?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect();
    let mut roots = RootCertStore::empty();
    match roots.add_parsable_certificates(certificates) {
        (0, _) => Err(Failure::Other(format!("the CA file {shown} holds no certificate in PEM form"))),
        _ => Ok(roots),
    }
}

/// For connections without TLS.
pub fn without_roots() -> Result<ClientConfig, Failure> {
    with(Arc::new(RootCertStore::empty()))
}

fn with(roots: Arc<RootCertStore>) -> Result<ClientConfig, Failure> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::Other(format!("TLS: {error}")))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
