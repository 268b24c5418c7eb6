//! Questions over HTTP.

use serde::{Deserialize, Serialize};

use super::{Failure, World};
use crate::{gate::Permit, value::Text, wanted::Request};

/// See `http.question` in the WIT.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct HttpQuestion {
    pub fields: Vec<String>,
    pub same: Vec<(String, Text)>,
}

/// See `http.answer` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct HttpAnswer {
    pub status: u16,
    pub fields: Vec<Vec<String>>,
    pub same: Vec<bool>,
}

impl World {
    /// Asks with GET. The permit is the one for this request; anything else than GET is refused here.
    pub async fn http_ask(&self, _permit: &Permit<Request>, _question: &HttpQuestion) -> Result<HttpAnswer, Failure> {
        unimplemented!()
    }
}
