//! An HTTP request.

use serde::{Deserialize, Serialize};

use crate::model::value::{Target, Text, Tree};

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The address of a connection.
    Connection(String),
    /// The published port of a container of the instance.
    Container {
        /// `docker-api` connection.
        connection: String,
        /// Name of the container.
        name: String,
        /// Port inside; the engine knows where it is published.
        container_port: u16,
    },
    /// A site behind a gateway: its address and CA, this name in SNI and Host.
    Site {
        /// Name of the gateway connection.
        gateway: String,
        /// Host name of the site.
        host: Text,
    },
    /// An absolute URL of a site behind some gateway of this machine.
    Url(Text),
}

/// HTTP methods that a request may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// Whether it changes nothing by what it means (RFC 9110, 9.2.1).
    pub fn is_safe(self) -> bool {
        matches!(self, Method::Get | Method::Head)
    }

    /// `GET`
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

/// One request, and what counts as its success.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Where to.
    pub origin: Origin,
    /// How.
    pub method: Method,
    /// Path and query, starting with `/`. Never holds a secret.
    pub path: Text,
    /// Further headers.
    pub headers: Vec<(String, Text)>,
    /// What the Authorization header carries.
    pub bearer: Option<Bearer>,
    /// The body.
    pub body: Body,
    /// Statuses that count as done; empty means 200 to 299.
    pub accept: Vec<u16>,
    /// What is kept of the answer.
    pub captures: Vec<Capture>,
}

/// What the Authorization header carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bearer {
    /// A secret of the instance.
    Reference(Target),
    /// The credential of the connection, from the host file.
    Credential,
    /// In an exchange: what an earlier request answered.
    Earlier {
        /// Counted from 0.
        request: u32,
        /// JSON pointer into its answer.
        pointer: String,
    },
}

/// The body of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Body {
    None,
    Form(Vec<(String, Text)>),
    Json(Tree),
}

/// A field of the answer that becomes a value of the instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// JSON pointer (RFC 6901).
    pub pointer: String,
    /// A [`Target::Made`] that was declared as captured.
    pub into: Target,
}

/// Headers by which a request claims to be somebody: with one, a GET tries a password.
const SAYS_WHO: [&str; 7] =
    ["authorization", "cookie", "remote-user", "remote-groups", "remote-email", "x-forwarded-user", "x-api-key"];

impl Request {
    /// Whether a status counts as done.
    pub fn accepts(&self, status: u16) -> bool {
        if self.accept.is_empty() { (200..300).contains(&status) } else { self.accept.contains(&status) }
    }

    /// Whether sending it can change nothing and hands no secret over: GET or HEAD, without a body, without a bearer, without
    /// a reference in a header, and without a header that says who asks. A path holds none in any case.
    pub fn is_look(&self) -> bool {
        let names_nobody = |name: &str| !SAYS_WHO.iter().any(|who| name.eq_ignore_ascii_case(who));
        let plain = self.headers.iter().all(|(name, value)| names_nobody(name) && value.targets().next().is_none());
        self.method.is_safe() && self.body == Body::None && self.bearer.is_none() && plain
    }

    /// The same with values in place of holes, where `known` has one: for a reviewer, who sees what is no secret.
    pub fn with_known(&self, known: &dyn Fn(&Target) -> Option<String>) -> Self {
        let mut request = self.clone();
        request.path = request.path.with_known(known);
        request.headers.iter_mut().for_each(|(_, value)| *value = value.with_known(known));
        match &mut request.body {
            Body::None => {}
            Body::Form(fields) => fields.iter_mut().for_each(|(_, value)| *value = value.with_known(known)),
            Body::Json(tree) => *tree = tree.with_known(known),
        }
        request
    }

    /// Every target that the request holds, with repetitions.
    pub fn targets(&self) -> Vec<&Target> {
        let mut found: Vec<&Target> = self.path.targets().collect();
        if let Origin::Site { host: text, .. } | Origin::Url(text) = &self.origin {
            found.extend(text.targets());
        }
        found.extend(self.headers.iter().flat_map(|(_, value)| value.targets()));
        if let Some(Bearer::Reference(target)) = &self.bearer {
            found.push(target);
        }
        match &self.body {
            Body::None => {}
            Body::Form(fields) => found.extend(fields.iter().flat_map(|(_, value)| value.targets())),
            Body::Json(tree) => found.extend(tree.targets()),
        }
        found
    }
}
