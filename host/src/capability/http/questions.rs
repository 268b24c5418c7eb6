//! Questions over HTTP, and the one way by which requests of instances leave: with a permit for what is sent.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{
    HttpSubject,
    client::{Answer, Endpoint, Outgoing, Trouble, Web},
    inquiries::Page,
};
use crate::{
    capability::Gate,
    model::{
        ConnectionSettings, Failure, Permit,
        desired::{Bearer, Body, Origin, Request},
        value::{Part, Text},
    },
    world::World,
};

/// See `http.question` in the WIT.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct HttpQuestion {
    pub fields: Vec<String>,
    pub same: Vec<(String, Text)>,
}

/// The most fields that one question may ask for: each may be as large as the answer.
const MOST_FIELDS: usize = 64;

/// See `http.answer` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct HttpAnswer {
    pub status: u16,
    pub fields: Vec<Vec<String>>,
    pub same: Vec<bool>,
}

impl World {
    /// Asks. A question is a look, with one exception: a registration is read back with the token that this very
    /// connection gave. Anything else is refused here.
    pub async fn http_ask(&self, permit: &Permit<HttpSubject>, question: &HttpQuestion) -> Result<HttpAnswer, Failure> {
        let HttpSubject { request, gate } = permit.subject();
        if question.fields.len() + question.same.len() > MOST_FIELDS {
            return Err(Failure::TooLarge);
        }
        if !self.is_question(request) {
            return Err(Failure::Other(format!(
                "{} is not a question: questions are asked with GET, and carry no secret and no body",
                request.says()
            )));
        }
        let permit = self.http_known(request, gate)?;
        if let Some(Bearer::Reference(token)) = &request.bearer {
            self.memo.note_carried(token, format!("look {}", permit.subject().request.says()));
        }
        let asked = shown_question(&permit.subject().request, question);
        self.memo.once(asked, self.http_ask_now(&permit, question)).await
    }

    fn is_question(&self, request: &Request) -> bool {
        let without_bearer = Request { bearer: None, ..request.clone() };
        let own_token = match (&request.bearer, &request.origin) {
            (None, _) => true,
            (Some(Bearer::Reference(token)), Origin::Connection(connection)) => {
                self.vault.captured_from(token).as_ref() == Some(connection)
            }
            (Some(_), _) => false,
        };
        without_bearer.is_look() && own_token
    }

    async fn http_ask_now(&self, permit: &Permit<HttpSubject>, question: &HttpQuestion) -> Result<HttpAnswer, Failure> {
        let request = &permit.subject().request;
        let answer = match (plain_page(request), request.path.as_literal()) {
            (Some(connection), Some(path)) => {
                self.servers().ask(&Page { connection: connection.to_owned(), path: path.to_owned() }).await?
            }
            _ => Arc::new(Box::pin(self.http_exchange(permit, None)).await?),
        };
        if answer.status >= 500 {
            self.memo.note_unanswered();
        }
        let wants_body = !question.fields.is_empty() || !question.same.is_empty();
        // An error page is rarely JSON: then no field is there, and the status says the rest.
        let body = match answer.json() {
            Err(failure) if wants_body && request.accepts(answer.status) => {
                self.memo.note_unanswered();
                return Err(Failure::Other(format!("{}: {failure}", request.says())));
            }
            Err(_) => Value::Null,
            Ok(body) => body,
        };
        let fields = question.fields.iter().map(|pointer| scalars_at(&body, pointer)).collect();
        let mut same = Vec::with_capacity(question.same.len());
        for (pointer, wanted) in &question.same {
            let wanted = self.vault.fill(wanted)?;
            same.push(matches!(scalars_at(&body, pointer).as_slice(), [found] if *found == *wanted));
        }
        Ok(HttpAnswer { status: answer.status, fields, same })
    }

    /// The request as it will be sent, holes of path and host filled, and the gate's permit for exactly that.
    pub(crate) fn http_known(&self, request: &Request, gate: &Gate) -> Result<Permit<HttpSubject>, Failure> {
        let mut known = request.clone();
        known.path = self.known_path(request)?;
        match &mut known.origin {
            Origin::Site { host: text, .. } | Origin::Url(text) if text.as_literal().is_none() => {
                return Err(Failure::NotYet);
            }
            _ => {}
        }
        Ok(gate.http(known)?)
    }

    /// Fills the holes of a path with percent-encoded values. Only plain captured values go into a path: it ends up
    /// in logs.
    fn known_path(&self, request: &Request) -> Result<Text, Failure> {
        let mut path = String::new();
        for part in request.path.parts() {
            match part {
                Part::Literal(literal) => path.push_str(literal),
                Part::Reference(target) if !self.vault.is_secret(target) => {
                    path.push_str(&segment(&self.vault.reveal(target)?));
                }
                Part::Reference(target) => {
                    return Err(Failure::Other(format!("{target} is a secret, and may not stand in a path")));
                }
                Part::Address(_) => return Err(Failure::NotYet),
            }
        }
        Ok(Text::literal(path))
    }

    /// Sends a request that was let pass. `earlier` is the bearer token that an earlier answer gave.
    pub(crate) async fn http_exchange(
        &self,
        permit: &Permit<HttpSubject>,
        earlier: Option<&str>,
    ) -> Result<Answer, Trouble> {
        let (endpoint, outgoing) = self.http_outgoing(permit, earlier).await.map_err(Trouble::NotSent)?;
        self.connections.http().exchange(permit, &endpoint, &outgoing).await
    }

    /// Where a request that was let pass goes, and its bytes.
    pub(crate) async fn http_outgoing(
        &self,
        permit: &Permit<HttpSubject>,
        earlier: Option<&str>,
    ) -> Result<(Endpoint, Outgoing), Failure> {
        let HttpSubject { request, gate } = permit.subject();
        let endpoint = self.http_endpoint(&request.origin, &gate.grants().http.sites).await?;
        let bearer = match &request.bearer {
            None => None,
            Some(Bearer::Reference(target)) => Some(self.vault.reveal(target)?),
            Some(Bearer::Credential) => Some(self.credential(&request.origin)?),
            Some(Bearer::Earlier { .. }) => {
                let token = earlier.ok_or_else(|| Failure::Other("there is no earlier answer with a token".into()))?;
                Some(Zeroizing::new(token.to_owned()))
            }
        };
        let outgoing = Outgoing::fill(request, bearer.as_ref().map(|token| token.as_str()), &self.vault)?;
        Ok((endpoint, outgoing))
    }

    async fn http_endpoint(&self, origin: &Origin, sites: &[String]) -> Result<Endpoint, Failure> {
        match origin {
            Origin::Connection(name) => Endpoint::of_connection(self.connections.settings(name)?),
            Origin::Container { connection, name, container_port } => {
                Ok(Endpoint::of_container(self.published_port(connection, name, *container_port).await?))
            }
            Origin::Site { gateway, host } => {
                let host = host.as_literal().ok_or(Failure::NotYet)?;
                Endpoint::of_site(self.connections.settings(gateway)?, host, None)
            }
            Origin::Url(url) => {
                let written = url.as_literal().ok_or(Failure::NotYet)?;
                let (host, port) = site_of(written)?;
                Endpoint::of_site(self.gateway_of(&host, sites)?, &host, Some(port))
            }
        }
    }

    /// The gateway that serves a host name: the only one, else the one whose `domains` name it or a parent of it.
    fn gateway_of(&self, host: &str, sites: &[String]) -> Result<&ConnectionSettings, Failure> {
        let gateways = sites.iter().map(|name| self.connections.settings(name)).collect::<Result<Vec<_>, _>>()?;
        match gateways.as_slice() {
            [only] => return Ok(only),
            [] => return Err(Failure::Other(format!("no connection of this machine serves https://{host}"))),
            _ => {}
        }
        let serves = |gateway: &&&ConnectionSettings| {
            Web::read(gateway).is_ok_and(|web| web.domains.iter().any(|domain| is_within(host, domain)))
        };
        gateways.iter().find(serves).copied().ok_or_else(|| {
            Failure::Other(format!(
                "several gateways could serve https://{host} ({}); say which: `domains = [\"{host}\"]` in its \
                 [connection.NAME]",
                sites.join(", ")
            ))
        })
    }

    /// The credential that the host file gives for a connection.
    fn credential(&self, origin: &Origin) -> Result<Zeroizing<String>, Failure> {
        let Origin::Connection(name) = origin else {
            return Err(Failure::Other("only a connection has a credential".to_owned()));
        };
        let web = Web::read(self.connections.settings(name)?)?;
        let (key, file) = web.credential().ok_or_else(|| {
            Failure::Other(format!("[connection.{name}] has no credential: give it `token_file = \"/PATH\"`"))
        })?;
        let wrong =
            |why: &str| Failure::Other(format!("the credential of connection {name}, {}, {why}", file.display()));
        let bytes = self.vault.learned().credential(name, key, file);
        let bytes = bytes.map_err(|error| wrong(&format!("can't be read: {error}")))?;
        match std::str::from_utf8(&bytes).map(str::trim) {
            Err(_) => Err(wrong("is no UTF-8 text")),
            Ok("") => Err(wrong("is empty")),
            Ok(token) => Ok(Zeroizing::new(token.to_owned())),
        }
    }
}

/// The connection that a question goes to with nothing but a path: everybody gets the same answer to it.
fn plain_page(request: &Request) -> Option<&str> {
    let bare = request.headers.is_empty() && request.bearer.is_none() && request.body == Body::None;
    match &request.origin {
        Origin::Connection(name) if bare => Some(name),
        _ => None,
    }
}

fn is_within(host: &str, domain: &str) -> bool {
    let domain = domain.trim_start_matches("*.");
    host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

/// Host and port of an absolute URL of a site, which has no path of its own.
fn site_of(written: &str) -> Result<(String, u16), Failure> {
    let wrong = || Failure::Other(format!("`{written}` is no address of a site: expected https://HOST[:PORT]"));
    let url = url::Url::parse(written).map_err(|_| wrong())?;
    let plain = url.scheme() == "https" && url.username().is_empty() && url.password().is_none() && url.path() == "/";
    match (url.host_str(), url.port_or_known_default()) {
        (Some(host), Some(port)) if plain && url.query().is_none() => Ok((host.to_owned(), port)),
        _ => Err(wrong()),
    }
}

/// A value as one segment of a path.
fn segment(value: &str) -> String {
    let mut encoded = String::new();
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

fn shown_question(request: &Request, question: &HttpQuestion) -> String {
    let headers = request.headers.iter().map(|(name, value)| format!("{name}={}", crate::words::text(value)));
    let same = question.same.iter().map(|(pointer, text)| format!("{pointer}={}", crate::words::text(text)));
    // Each list by itself and quoted, so that no two questions read alike.
    let lists = (headers.collect::<Vec<_>>(), &request.accept, &question.fields, same.collect::<Vec<_>>());
    let details = format!("{lists:?}");
    let bearer = match &request.bearer {
        None => String::new(),
        Some(Bearer::Reference(target)) => format!("with {target} "),
        Some(Bearer::Credential) => "with the connection's credential ".to_owned(),
        Some(Bearer::Earlier { request, pointer }) => format!("with {pointer} of request {request} "),
    };
    format!("http {} {bearer}{details}", request.says())
}

/// The scalars at a JSON pointer, as text. `*` stands for every member or element.
pub fn scalars_at(body: &Value, pointer: &str) -> Vec<String> {
    let mut found = vec![body];
    for token in pointer.split('/').skip(1) {
        found = found.into_iter().flat_map(|value| members(value, token)).collect();
    }
    found.into_iter().filter_map(scalar).collect()
}

fn members<'a>(value: &'a Value, token: &str) -> Vec<&'a Value> {
    match (value, token) {
        (Value::Object(members), "*") => members.values().collect(),
        (Value::Array(elements), "*") => elements.iter().collect(),
        (Value::Object(members), name) => {
            members.get(&name.replace("~1", "/").replace("~0", "~")).into_iter().collect()
        }
        (Value::Array(elements), index) => {
            index.parse::<usize>().ok().and_then(|index| elements.get(index)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pointers_find_scalars() {
        let body = json!({"a": [{"b": "x"}, {"b": 2}, {"c": true}], "a/b": null, "m~n": false});
        let table = [
            ("/a/*/b", vec!["x", "2"]),
            ("/a/2/c", vec!["true"]),
            ("/m~0n", vec!["false"]),
            ("/a~1b", vec![]),
            ("/a", vec![]),
            ("/a/7/b", vec![]),
        ];
        for (pointer, expected) in table {
            assert_eq!(scalars_at(&body, pointer), expected, "{pointer}");
        }
        assert_eq!(scalars_at(&json!("all of it"), ""), ["all of it"]);
    }

    #[test]
    fn a_site_has_no_path_and_no_user() {
        assert_eq!(site_of("https://app.example.org").unwrap(), ("app.example.org".to_owned(), 443));
        assert_eq!(site_of("https://app.example.org:8443/").unwrap(), ("app.example.org".to_owned(), 8443));
        for wrong in
            ["http://app.example.org", "https://u@app.example.org", "https://a.org/x", "https://a.org?x", "a.org"]
        {
            assert!(site_of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_value_stays_one_segment() {
        assert_eq!(segment("a/../b?c=%2e d"), "a%2F..%2Fb%3Fc%3D%252e%20d");
    }

    #[test]
    fn a_domain_covers_itself_and_what_is_below_it() {
        assert!(is_within("app.example.org", "example.org"));
        assert!(is_within("app.example.org", "*.example.org"));
        assert!(is_within("example.org", "example.org"));
        assert!(!is_within("badexample.org", "example.org"));
    }
}
