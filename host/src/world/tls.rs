//! Whom a TLS connection trusts, and why one does not come about.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use rustls::{
    AlertDescription, CertificateError, ClientConfig, Error, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde::{Deserialize, Serialize};

use crate::{model::Failure, world::disk};

/// Whom a connection trusts, in a form that another process can be handed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// The system's roots.
    System,
    /// The authorities of a file, and no others.
    Authorities {
        /// The file.
        file: PathBuf,
        /// What it holds.
        pem: String,
    },
}

impl Trust {
    /// The authorities of a PEM file, or without one the system's.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn read(ca: Option<&Path>) -> Result<Self, Failure> {
        let Some(file) = ca else { return Ok(Trust::System) };
        let pem = disk::read_named_text(file)
            .map_err(|error| Failure::Other(format!("the CA file {} can't be read: {error:#}", file.display())))?;
        Ok(Trust::Authorities { file: file.to_owned(), pem })
    }

    /// TLS 1.2 and 1.3 by `ring`, each certificate verified in full.
    ///
    /// # Errors
    /// The file holds no certificate.
    pub fn config(&self) -> Result<ClientConfig, Failure> {
        with(match self {
            Trust::System => Arc::clone(SYSTEM_ROOTS.get_or_init(|| Arc::new(system_roots()))),
            Trust::Authorities { file, pem } => Arc::new(roots_of(file, pem)?),
        })
    }
}

/// The system's roots, read once a process: it takes longer than a request.
static SYSTEM_ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();

/// What can't be read of the system's roots is not trusted; a server that needs it says so when it is asked.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn roots_of(file: &Path, pem: &str) -> Result<RootCertStore, Failure> {
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok);
    let mut roots = RootCertStore::empty();
    match roots.add_parsable_certificates(certificates) {
        (0, _) => Err(Failure::Other(format!("the CA file {} holds no certificate in PEM form", file.display()))),
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

/// Why a server was not believed to be `host`. `ca` is the file whose authorities are trusted; `connection` the one that can
/// name one.
pub fn words(error: &Error, host: &str, ca: Option<&Path>, connection: Option<&str>) -> String {
    let cure = match (ca, connection) {
        (Some(ca), _) => format!("{} holds another one", ca.display()),
        (None, Some(connection)) => {
            format!("a private CA is named by `ca = \"/PATH.pem\"` in [connection.{connection}]")
        }
        (None, None) => "the system does not know it".to_owned(),
    };
    match error {
        Error::InvalidCertificate(why) => match why {
            CertificateError::UnknownIssuer => {
                format!("the certificate for {host} is signed by an authority that is not trusted here: {cure}")
            }
            CertificateError::NotValidForName => format!("the certificate is not for the name {host}"),
            CertificateError::NotValidForNameContext { presented, .. } => {
                format!("the certificate is for {}, not for {host}", presented.join(", "))
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                format!("the certificate for {host} has expired")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                format!("the certificate for {host} is not valid yet: compare the clocks")
            }
            other => format!("the certificate for {host} is not good: {other}"),
        },
        Error::AlertReceived(AlertDescription::InternalError | AlertDescription::UnrecognisedName) => {
            format!("the server has no certificate for the name {host}: it does not serve this site (yet)")
        }
        Error::InvalidMessage(_) => "what answers there does not speak TLS".to_owned(),
        other => format!("no TLS connection: {other}"),
    }
}
