//! The capability `http`.

use serde::{Deserialize, Serialize};

use super::{Denial, Gate, Permit};
use crate::wanted::Request;

/// What an instance may do with HTTP.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpGrant {
    /// Names of connections whose origin may be spoken to, with what may be asked there.
    pub connections: Vec<HttpRule>,
    /// Whether the published ports of the instance's own containers may be spoken to.
    pub own_containers: bool,
    /// Gateway connections behind which sites may be opened with GET.
    pub sites: Vec<String>,
}

/// What may be asked of one connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpRule {
    /// Name of the connection.
    pub connection: String,
    /// Methods, upper case.
    pub methods: Vec<String>,
    /// Paths; one that ends in `*` accepts what begins like it.
    pub paths: Vec<String>,
}

impl Gate {
    /// Sending a request.
    pub fn http(&self, _request: Request) -> Result<Permit<Request>, Denial> {
        unimplemented!()
    }
}
