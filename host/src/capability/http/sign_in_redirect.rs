//! The first half of a sign-in: from the application's answer to the provider's sign-in page.
//!
//! A browser is played here, as far as that page: redirects are followed inside the provider's origin and nowhere else,
//! cookies are remembered for this one walk. What a wrong client, redirect address or scope leads to is either an error
//! page of the provider or a redirect back to the application with an `error`; both are told with the provider's reason.

use reqwest::{cookie::CookieStore, cookie::Jar, header::HeaderValue};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    PageSubject, answers as http,
    client::{Answer, Endpoint, Outgoing},
    scalars_at,
};
use crate::{
    capability::{Acting, Gate, Held, Vantage},
    model::{Denial, Failure, Permit, denial::NEVER, desired::Request, value::Text},
    words::{self, printable},
};

/// See `http.leads-to` in the WIT.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct HttpLeadsTo {
    pub request: Request,
    pub pointer: String,
    /// Connection whose origin the URL must be at.
    pub provider: String,
    pub expect_query: Vec<(String, Text)>,
}

/// More than any provider needs on its own pages.
const MOST_REDIRECTS: usize = 10;

impl HttpLeadsTo {
    /// The condition in the host's own words.
    pub fn says(&self) -> String {
        let expected = self.expect_query.iter().map(|(name, value)| format!("{name}={}", words::text(value)));
        let with = match expected.collect::<Vec<_>>().join(" and ") {
            none if none.is_empty() => String::new(),
            some => format!(", with {some}"),
        };
        format!("{} leads to the sign-in page of connection {}{with}", self.request.says(), self.provider)
    }

    /// Asks the gate.
    pub fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        gate.http(self.request.clone())?;
        gate.http_page(PageSubject { connection: self.provider.clone(), path: "/".into() }).map(drop)
    }

    /// Walks the way once, as a browser on this machine would: a container has none.
    pub async fn ask(&self, vantage: &Vantage, acting: &Acting<'_>) -> Result<Held, Failure> {
        if matches!(vantage, Vantage::Container { .. }) {
            return Err(Failure::Other("a sign-in is followed from this machine, not from inside a container".into()));
        }
        let start = match http::send(&self.request, vantage, acting).await? {
            answer if self.request.accepts(answer.status) => answer,
            answer => return Ok(Held::No(http::unexpected(&answer, acting))),
        };
        let url = match self.authorization_url(&start, acting)? {
            Ok(url) => url,
            Err(seen) => return Ok(Held::No(acting.world.vault.redact(&seen))),
        };
        let provider = acting.world.connections.settings(&self.provider)?;
        let walk = Walk {
            provider: &self.provider,
            endpoint: Endpoint::of_connection(provider)?,
            jar: Jar::default(),
            vantage,
            acting,
        };
        Ok(match walk.from(url).await? {
            Ok(()) => Held::Yes,
            Err(seen) => Held::No(acting.world.vault.redact(&seen)),
        })
    }

    /// The address that the application sends people to, if it is as expected.
    fn authorization_url(&self, start: &Answer, acting: &Acting<'_>) -> Result<Result<Url, String>, Failure> {
        let Ok(body) = start.json() else { return Ok(Err("the application's answer is no JSON".to_owned())) };
        let found = scalars_at(&body, &self.pointer);
        let [written] = found.as_slice() else {
            return Ok(Err(format!("the application's answer has no address at {}", self.pointer)));
        };
        let Ok(url) = Url::parse(written) else {
            return Ok(Err(format!("the application's answer, {}, is no address", printable(written))));
        };
        for (name, wanted) in &self.expect_query {
            let wanted = acting.world.vault.fill(wanted)?;
            let values: Vec<_> = url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value).collect();
            if !matches!(values.as_slice(), [value] if **value == **wanted) {
                let seen = if values.is_empty() { "no value".to_owned() } else { printable(&values.join(", ")) };
                return Ok(Err(format!("the application sends {name} = {seen}, not {}", *wanted)));
            }
        }
        Ok(Ok(url))
    }
}

/// One walk through the provider's pages.
struct Walk<'a> {
    provider: &'a str,
    endpoint: Endpoint,
    jar: Jar,
    vantage: &'a Vantage,
    acting: &'a Acting<'a>,
}

impl Walk<'_> {
    /// Opens an address and follows redirects until a page is there. The inner error is what was seen instead.
    async fn from(&self, mut url: Url) -> Result<Result<(), String>, Failure> {
        for _ in 0..=MOST_REDIRECTS {
            if let Some(error) = oauth_error(&url) {
                return Ok(Err(format!("the provider refuses: {error}")));
            }
            if url.origin().ascii_serialization() != self.endpoint.origin {
                let origin = url.origin().ascii_serialization();
                return Ok(Err(format!("it leads to {origin}, which is not the provider {}", self.endpoint.origin)));
            }
            // What the provider leads to is no word of the plugin's.
            let permit = match self.permit(&url) {
                Ok(permit) => permit,
                Err(denial) if denial.line == NEVER => {
                    return Ok(Err(format!("it leads to {}, which is not opened", denial.asked)));
                }
                Err(denial) => return Err(denial.into()),
            };
            let answer = self.open(&permit, &url).await?;
            match (answer.status, &answer.location) {
                (200, _) => return Ok(Ok(())),
                (301..=303 | 307 | 308, Some(location)) => match url.join(location) {
                    Ok(next) => url = next,
                    Err(_) => return Ok(Err(format!("the provider redirects to {}", printable(location)))),
                },
                _ => {
                    let seen = http::unexpected(&answer, self.acting);
                    return Ok(Err(format!("the provider's page {} answers with {seen}", printable(url.path()))));
                }
            }
        }
        Ok(Err(format!("the provider redirects more than {MOST_REDIRECTS} times")))
    }

    /// The gate's word on one hop.
    fn permit(&self, url: &Url) -> Result<Permit<PageSubject>, Denial> {
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let path = format!("{}{query}", url.path());
        self.acting.gate.http_page(PageSubject { connection: self.provider.to_owned(), path })
    }

    async fn open(&self, permit: &Permit<PageSubject>, url: &Url) -> Result<Answer, Failure> {
        let mut outgoing = Outgoing::get(&permit.subject().path);
        outgoing.header("accept", "text/html")?;
        if let Some(cookies) = self.jar.cookies(url) {
            outgoing.header("cookie", cookies.to_str().unwrap_or_default())?;
        }
        let answer = http::send_from(permit, self.endpoint.clone(), outgoing, self.vantage, self.acting).await?;
        let set: Vec<HeaderValue> = answer.cookies.iter().filter_map(|cookie| cookie.parse().ok()).collect();
        self.jar.set_cookies(&mut set.iter(), url);
        Ok(answer)
    }
}

/// `error` and `error_description` of an address (RFC 6749, 4.1.2.1), in the query or behind the `#`.
fn oauth_error(url: &Url) -> Option<String> {
    let parts = [url.query(), url.fragment()];
    let pairs: Vec<_> =
        parts.into_iter().flatten().flat_map(|part| url::form_urlencoded::parse(part.as_bytes())).collect();
    let value = |wanted: &str| pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| printable(value));
    let error = value("error")?;
    Some(match value("error_description") {
        Some(description) => format!("{error}: {description}"),
        None => error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_oauth_error_is_seen_in_query_and_fragment() {
        let error = |url: &str| oauth_error(&Url::parse(url).unwrap());
        assert_eq!(
            error("https://app/cb?error=invalid_scope&error_description=no+such").as_deref(),
            Some("invalid_scope: no such")
        );
        assert_eq!(error("https://app/cb#error=access_denied").as_deref(), Some("access_denied"));
        assert_eq!(error("https://idp/login?client_id=x"), None);
    }
}
