//! The capability `http`.
//!
//! | request to | needs | methods and paths |
//! |---|---|---|
//! | a connection | an entry of `connections` | those of the entry |
//! | a container | `own_containers`, and `containers.names` has the container | any |
//! | a site, an URL | its gateway among `sites` | GET and HEAD, without credentials and body, at the gateway's own port |
//! | a page on the way to a sign-in, each hop | `pages` has the provider | GET at the provider's origin, its port included |
//!
//! A path is compared as it is sent, so one that a server could read in another way is refused before: `//`, `..`, a
//! backslash, an encoded dot, slash or percent sign. What is behind `?` is not looked at. Holes in a path are filled
//! with percent-encoded values, which add no segment; the filled path comes through here again before it is sent.

use super::client::Sends;
use crate::{
    capability::{Gate, containers::ContainerSubject},
    model::{
        Denial, HttpRule, Permit,
        denial::NEVER,
        desired::{Body, Method, Origin, Request},
        value::{Part, Target, Text},
    },
    words::quoted,
};

/// A request that may be sent.
#[derive(Clone, Debug)]
pub struct HttpSubject {
    /// The request.
    pub request: Request,
    /// Who let it pass: it looks again once the holes are filled, and knows where an URL may lead.
    pub gate: Gate,
}

/// A page of an identity provider that may be opened with GET, as a person's browser would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageSubject {
    /// Name of the provider's connection.
    pub connection: String,
    /// Path and query.
    pub path: String,
}

impl Sends for HttpSubject {}
impl Sends for PageSubject {}

/// Why a line of this field could never match; none when it can.
pub(in crate::capability) fn unfit(field: &str, value: &str) -> Option<String> {
    const METHODS: [Method; 6] = [Method::Get, Method::Head, Method::Post, Method::Put, Method::Patch, Method::Delete];
    match field {
        "connections.methods" if !METHODS.iter().any(|method| method.name() == value) => {
            Some(format!("there is no method `{value}`: {}", METHODS.map(Method::name).join(", ")))
        }
        "connections.paths" => {
            let path = value.strip_suffix('*').unwrap_or(value);
            sound_path(path).err().map(|why| format!("no request is sent to the path `{value}`, {why}"))
        }
        _ => None,
    }
}

impl HttpRule {
    fn accepts(&self, connection: &str, method: &str, path: &str) -> bool {
        let accepts_path = |pattern: &String| match pattern.strip_suffix('*') {
            Some(beginning) => path.starts_with(beginning),
            None => pattern == path,
        };
        self.connection == connection
            && self.methods.iter().any(|granted| granted == method)
            && self.paths.iter().any(accepts_path)
    }
}

impl Gate {
    /// Sending a request.
    pub fn http(&self, request: Request) -> Result<Permit<HttpSubject>, Denial> {
        let method = request.method.name();
        let path = shown_path(&request.path);
        let path = path.split('?').next().unwrap_or_default();
        if let Err(why) = sound_path(path) {
            return Err(self.deny("http", format!("the path {}, {why}", path.escape_debug()), NEVER));
        }
        match &request.origin {
            Origin::Connection(connection) => {
                if !self.grants().http.connections.iter().any(|rule| rule.accepts(connection, method, path)) {
                    return Err(self.deny_request(connection, method, path));
                }
            }
            Origin::Container { connection, name, .. } => {
                if !self.grants().http.own_containers {
                    let asked = format!("{method} {path} of container {name}");
                    return Err(self.deny("http", asked, "http.own_containers = true"));
                }
                self.container(ContainerSubject { connection: connection.clone(), name: name.clone() })?;
            }
            Origin::Site { gateway, host } => self.permit_site(&request, Some(gateway), host)?,
            Origin::Url(url) => self.permit_site(&request, None, url)?,
        }
        if let Some((name, why)) = request.headers.iter().find_map(|(name, _)| Some((name, unfit_header(name)?))) {
            return Err(self.deny("http", format!("the header `{}`, {why}", name.escape_debug()), NEVER));
        }
        if !matches!(request.origin, Origin::Connection(_)) && request.path.targets().next().is_some() {
            return Err(self.deny("http", "a path that is not known", NEVER));
        }
        let foreign = |into: &Target| !matches!(into, Target::Made(owner, _) if owner == self.instance());
        if let Some(capture) = request.captures.iter().find(|capture| foreign(&capture.into)) {
            let asked = format!("keeping an answer as {}, which is another's", capture.into);
            return Err(self.deny("http", asked, NEVER));
        }
        Ok(Permit::new(HttpSubject { request, gate: self.clone() }))
    }

    /// Opening a page of an identity provider: the one that a sign-in begins with, and each that it leads to.
    pub fn http_page(&self, subject: PageSubject) -> Result<Permit<PageSubject>, Denial> {
        let PageSubject { connection, path } = &subject;
        if !self.grants().http.pages.contains(connection) {
            let asked = format!("the pages of connection {connection}");
            return Err(self.deny("http", asked, Gate::line("http.pages", connection)));
        }
        match sound_path(path.split('?').next().unwrap_or_default()) {
            Ok(()) => Ok(Permit::new(subject)),
            Err(why) => Err(self.deny("http", format!("the path {}, {why}", path.escape_debug()), NEVER)),
        }
    }

    fn permit_site(&self, request: &Request, gateway: Option<&str>, host: &Text) -> Result<(), Denial> {
        let sites = &self.grants().http.sites;
        let shown = crate::words::text(host);
        if !gateway.map_or(!sites.is_empty(), |gateway| sites.iter().any(|site| site == gateway)) {
            // An URL does not tell which gateway it leads to.
            let line = gateway.map_or_else(
                || "http.sites = [\"{connections.caddy}\"]".to_owned(),
                |gateway| Gate::line("http.sites", gateway),
            );
            return Err(self.deny("http", format!("the site {shown}"), line));
        }
        // One that says who asks is no look, and so a probe: it is shown, and sent by apply alone.
        let bare = request.method.is_safe() && request.body == Body::None && request.bearer.is_none();
        let secret = request.headers.iter().any(|(_, value)| value.targets().next().is_some());
        if bare && !secret {
            return Ok(());
        }
        let asked = format!("more than a plain GET of the site {shown}: sites are only looked at");
        Err(self.deny("http", asked, NEVER))
    }

    fn deny_request(&self, connection: &str, method: &str, path: &str) -> Denial {
        let (named, path_named) = (quoted(connection), quoted(path));
        let line = match [connection, path].iter().any(|text| text.contains(['{', '}', '*'])) {
            true => NEVER.to_owned(),
            false => format!(
                "http.connections = [{{ connection = {named}, methods = [\"{method}\"], paths = [{path_named}] }}]"
            ),
        };
        self.deny("http", format!("{method} {path} of connection {connection}"), line)
    }
}

/// The path with a plain word for each hole: what fills it is percent-encoded.
fn shown_path(path: &Text) -> String {
    let part = |part: &Part| match part {
        Part::Literal(literal) => literal.clone(),
        Part::Reference(_) | Part::Address(_) => "value".to_owned(),
    };
    path.parts().iter().map(part).collect()
}

/// Headers by which a request is framed or routed (RFC 9110, 7.2, 7.6 and 8.6; RFC 9112; RFC 7239): with one of these of
/// its own, a request could be read as two, or reach another site than the one that is granted.
const NOT_A_PLUGINS: [&str; 23] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "keep-alive",
    "expect",
    "forwarded",
    "x-forwarded-host",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-uri",
    "x-forwarded-method",
    "x-real-ip",
    "x-original-url",
    "x-rewrite-url",
    "x-http-method",
    "x-method-override",
    "x-http-method-override",
];

/// Why a plugin may not set this header; none when it may.
fn unfit_header(name: &str) -> Option<&'static str> {
    // RFC 9110, 5.6.2: a token.
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(token) {
        return Some("which is not a valid header name");
    }
    let name = name.to_ascii_lowercase();
    let refused = NOT_A_PLUGINS.contains(&name.as_str()) || name.starts_with("proxy-");
    refused.then_some("which frames or routes a request: that is the host's to set")
}

/// Refuses what two readers could read in two ways.
pub(in crate::capability) fn sound_path(path: &str) -> Result<(), &'static str> {
    if !path.starts_with('/') {
        return Err("which does not start with `/`");
    }
    if path.contains("//") || path.contains('\\') {
        return Err("which holds `//` or a backslash");
    }
    if path.chars().any(|character| character.is_control() || character == ' ' || character == '#') {
        return Err("which holds a blank, a control character or `#`");
    }
    if path.split('/').any(|segment| matches!(segment.split(';').next(), Some("." | ".."))) {
        return Err("which holds `.` or `..`");
    }
    let encoded = path.to_ascii_lowercase();
    if ["%2e", "%2f", "%5c", "%25", "%00"].iter().any(|sign| encoded.contains(sign)) {
        return Err("which holds an encoded dot, slash, backslash, percent sign or null");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
