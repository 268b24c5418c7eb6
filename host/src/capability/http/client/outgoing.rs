//! A request with its holes filled in, on its way out. The only form of a request that holds secrets.

use std::fmt;

use reqwest::header::{HOST, HeaderName, HeaderValue};
use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

use super::{Endpoint, dialled};
use crate::{
    model::{
        Failure,
        desired::{Body, Method, Request},
        value::Tree,
    },
    world::vault::Vault,
};

/// What is sent. Its path is the one that the gate has looked at.
pub struct Outgoing {
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        self.headers.iter_mut().for_each(|(_, value)| value.zeroize());
        self.body.zeroize();
    }
}

/// Shows nothing that may be a secret.
impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outgoing {{ {:?} {} }}", self.method, self.path)
    }
}

impl Outgoing {
    /// A GET without anything else.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::Get, path: path.into(), headers: Vec::new(), body: None }
    }

    /// A body of this content type, posted.
    pub fn post(path: impl Into<String>, content_type: &'static str, body: Vec<u8>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { method: Method::Post, path: path.into(), headers, body: Some(body) }
    }

    /// A request of a plugin's, with its holes filled; its path has none left. `bearer` is what the Authorization
    /// header carries.
    pub(crate) fn fill(request: &Request, bearer: Option<&str>, vault: &Vault) -> Result<Self, Failure> {
        let path = request.path.as_literal().ok_or_else(|| Failure::Other("the path is not known yet".to_owned()))?;
        let mut outgoing = Self::get(path);
        outgoing.method = request.method;
        for (name, value) in &request.headers {
            outgoing.header(name, &vault.fill(value)?)?;
        }
        if let Some(token) = bearer {
            outgoing.header("authorization", &Zeroizing::new(format!("Bearer {token}")))?;
        }
        match &request.body {
            Body::None => {}
            Body::Form(fields) => {
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                for (name, value) in fields {
                    form.append_pair(name, &vault.fill(value)?);
                }
                outgoing.content("application/x-www-form-urlencoded", form.finish().into_bytes());
            }
            Body::Json(tree) => {
                let body = serde_json::to_vec(&json(tree, vault)?)
                    .map_err(|_| Failure::Other("the body can't be written as JSON".to_owned()))?;
                outgoing.content("application/json", body);
            }
        }
        Ok(outgoing)
    }

    /// Path and headers, if it is a GET: the headers may hold secrets.
    pub(crate) fn as_get(&self) -> Option<(&str, &[(String, String)])> {
        (self.method == Method::Get).then_some((self.path.as_str(), self.headers.as_slice()))
    }

    /// Adds a header. A value that no header can carry is an error that does not show it.
    pub fn header(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        checked(name, value)?;
        self.headers.push((name.to_owned(), value.to_owned()));
        Ok(())
    }

    fn content(&mut self, content_type: &'static str, body: Vec<u8>) {
        self.headers.push(("content-type".to_owned(), content_type.to_owned()));
        self.body = Some(body);
    }

    pub(crate) fn build(&self, client: &reqwest::Client, endpoint: &Endpoint) -> Result<reqwest::Request, Failure> {
        let method = match self.method {
            Method::Get => reqwest::Method::GET,
            Method::Head => reqwest::Method::HEAD,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut request = client.request(method, dialled(endpoint, &self.path)?).header(HOST, endpoint.authority());
        for (name, value) in &self.headers {
            let (name, value) = checked(name, value)?;
            request = request.header(name, value);
        }
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        }
        request.build().map_err(|error| Failure::Other(format!("{}: {error}", endpoint.called())))
    }
}

/// A header as HTTP allows it. The error does not show the value.
fn checked(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Failure> {
    let bad = |what: &str| Failure::Other(format!("the header `{}` has {what}", crate::words::printable(name)));
    let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("no name that HTTP allows"))?;
    let mut value = HeaderValue::from_str(value).map_err(|_| bad("a value with characters that HTTP forbids"))?;
    value.set_sensitive(true);
    Ok((header, value))
}

/// A tree as JSON, holes filled.
fn json(tree: &Tree, vault: &Vault) -> Result<Value, Failure> {
    Ok(match tree {
        Tree::Boolean(value) => Value::from(*value),
        Tree::Integer(value) => Value::from(*value),
        Tree::Float(value) => Value::from(*value),
        Tree::Moment(value) => Value::from(value.as_str()),
        Tree::Text(text) => Value::from(vault.fill(text)?.as_str()),
        Tree::Reference(target) => Value::from(vault.reveal(target)?.as_str()),
        Tree::Items(items) => items.iter().map(|item| json(item, vault)).collect::<Result<_, _>>()?,
        Tree::Table(entries) => {
            let member = |(key, value): &(String, Tree)| Ok((key.clone(), json(value, vault)?));
            Value::Object(entries.iter().map(member).collect::<Result<_, Failure>>()?)
        }
    })
}
