//! Requests as they stand on a connection, and in one way of writing them that both sides share.

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Headers that say nothing beside the method, the path and the body: what every client and gateway sends. Cookies are
/// the server's own, given back.
const PLAIN: &[&str] = &[
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "user-agent",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];

/// A request as it was sent.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `POST`
    pub method: String,
    /// With its query.
    pub path: String,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Request {
    /// The first request of what a connection's client has sent, taken out; none while it is not complete.
    ///
    /// # Errors
    /// When it is no HTTP, or comes in pieces of which nobody has told the length.
    pub fn take(sent: &mut Vec<u8>) -> Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Request::new(&mut headers);
        let httparse::Status::Complete(end) = head.parse(sent)? else { return Ok(None) };
        let headers: Vec<(String, String)> = head
            .headers
            .iter()
            .map(|one| (one.name.to_ascii_lowercase(), String::from_utf8_lossy(one.value).into_owned()))
            .collect();
        let (method, path) = (head.method.unwrap_or_default().to_owned(), head.path.unwrap_or_default().to_owned());
        let named = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        let length: usize = match (named("transfer-encoding"), named("content-length")) {
            (Some(_), _) => bail!("a body in pieces: these clients know its length"),
            (None, Some(length)) => length.parse().context("a length that is no number")?,
            (None, None) => 0,
        };
        let Some(body) = sent.get(end..end + length).map(<[u8]>::to_vec) else { return Ok(None) };
        sent.drain(..end + length);
        Ok(Some(Self { method, path, headers, body }))
    }

    /// Whether it can only look: its method promises to change nothing, and it hands nothing over.
    #[must_use]
    pub fn is_look(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD") && self.body.is_empty() && self.telling().next().is_none()
    }

    /// Method and path, then each header that tells something, then the body: JSON with its keys in order.
    #[must_use]
    pub fn told(&self) -> String {
        let mut headers: Vec<String> = self.telling().map(|(name, value)| format!("{name}: {value}")).collect();
        headers.sort();
        let body = match serde_json::from_slice::<Value>(&self.body) {
            Ok(body) => canonical(&body),
            Err(_) => String::from_utf8_lossy(&self.body).into_owned(),
        };
        let head = format!("{} {}", self.method, self.path);
        [head].into_iter().chain(headers).chain((!body.is_empty()).then_some(body)).collect::<Vec<_>>().join("\n")
    }

    fn telling(&self) -> impl Iterator<Item = &(String, String)> {
        self.headers.iter().filter(|(name, _)| !PLAIN.contains(&name.as_str()))
    }
}

/// JSON with its keys in alphabetical order.
#[must_use]
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| name.as_str());
            let fields = fields.iter().map(|(name, value)| format!("{name:?}: {}", canonical(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(", ")),
        // Not escaped: a gap in it stays one.
        Value::String(text) => format!("\"{text}\""),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_follow_each_other() {
        let sent = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b?c=d HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}DELETE / HTTP/1.1\r\n\r\n";
        let mut sent = sent.to_vec();
        let mut told = Vec::new();
        while let Some(request) = Request::take(&mut sent).unwrap() {
            told.push(request.told());
        }
        assert_eq!(told, ["GET /a", "POST /b?c=d\n{}", "DELETE /"]);
        assert!(sent.is_empty());
        sent.extend(b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n{}");
        assert!(Request::take(&mut sent).unwrap().is_none(), "half a body is none");
        assert!(Request::take(&mut b"SSH-2.0-x\r\n".to_vec()).is_err());
    }

    #[test]
    fn a_get_that_hands_something_over_is_no_look() {
        let get = |name: &str| Request {
            method: "GET".to_owned(),
            path: "/".to_owned(),
            headers: vec![(name.to_owned(), "x".to_owned())],
            body: Vec::new(),
        };
        assert!(get("user-agent").is_look());
        assert!(!get("authorization").is_look() && !get("x-anything").is_look());
        assert_eq!(get("authorization").told(), "GET /\nauthorization: x");
        assert!(!Request { method: "GET".to_owned(), body: b"x".to_vec(), ..Request::default() }.is_look());
    }
}
