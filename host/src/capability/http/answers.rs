//! Conditions over HTTP: a request that is answered as expected, or refused, or with a page that shows a text.
//!
//! Asked from a container, the request goes out by the container's own resolver and is trusted by its own CA bundle
//! (`inside`); what the gate has to say is the same.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{
    client::{Answer, Endpoint, Outgoing, Sends},
    scalars_at,
    send::reason,
};
use crate::{
    capability::{Acting, Gate, Held, Vantage},
    model::{Denial, Failure, Permit, desired::Request, value::Text},
    words::{self, printable},
    world::inside,
};

/// See `http.answers` in the WIT.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct HttpAnswers {
    pub request: Request,
    pub pointer: Option<String>,
    pub equals: Option<Text>,
}

/// See `http.shows` in the WIT.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct HttpShows {
    pub request: Request,
    pub contains: String,
}

/// How much of a page that nobody expected is shown.
const SHOWN_CHARACTERS: usize = 200;

impl HttpAnswers {
    /// The condition in the host's own words.
    pub fn says(&self) -> String {
        let field = match (&self.pointer, &self.equals) {
            (Some(pointer), Some(text)) => format!(" with {} at {pointer}", words::text(text)),
            (Some(pointer), None) => format!(" with something at {pointer}"),
            _ => String::new(),
        };
        format!("{} is answered{field}", self.request.says())
    }

    /// Asks the gate.
    pub fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        gate.http(self.request.clone()).map(drop)
    }

    /// Asks the world once.
    pub async fn ask(&self, vantage: &Vantage, acting: &Acting<'_>) -> Result<Held, Failure> {
        let answer = send(&self.request, vantage, acting).await?;
        if !self.request.accepts(answer.status) {
            return Ok(Held::No(unexpected(&answer, acting)));
        }
        let Some(pointer) = &self.pointer else { return Ok(Held::Yes) };
        let body = match answer.json() {
            Ok(body) => body,
            Err(failure) => return Ok(Held::No(failure.to_string())),
        };
        let found = scalars_at(&body, pointer);
        let Some(equals) = &self.equals else {
            return Ok(if found.is_empty() { Held::No(format!("nothing at {pointer}")) } else { Held::Yes });
        };
        let wanted = acting.world.vault.fill(equals)?;
        Ok(match found.as_slice() {
            [value] if *value == *wanted => Held::Yes,
            [] => Held::No(format!("nothing at {pointer}")),
            // What stands there may be another's secret where a secret was expected.
            _ if equals.targets().next().is_some() => Held::No(format!("another value at {pointer}")),
            values => Held::No(acting.world.vault.redact(&format!("{} at {pointer}", printable(&values.join(", "))))),
        })
    }
}

impl HttpShows {
    /// The condition in the host's own words.
    pub fn says(&self) -> String {
        format!("{} is answered with a page that holds `{}`", self.request.says(), printable(&self.contains))
    }

    /// Asks the gate.
    pub fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        gate.http(self.request.clone()).map(drop)
    }

    /// Asks the world once.
    pub async fn ask(&self, vantage: &Vantage, acting: &Acting<'_>) -> Result<Held, Failure> {
        let answer = send(&self.request, vantage, acting).await?;
        if !self.request.accepts(answer.status) {
            return Ok(Held::No(unexpected(&answer, acting)));
        }
        if answer.text().contains(&self.contains) {
            return Ok(Held::Yes);
        }
        let page = acting.world.vault.redact(&page_words(&answer));
        Ok(Held::No(format!("status {}, but the page does not hold `{}`{page}", answer.status, self.contains)))
    }
}

/// `http.refuses` in the host's own words.
pub fn refuses_says(request: &Request) -> String {
    format!("{} is refused", request.says())
}

/// Asks once whether a request is refused. A server that fails has refused nothing.
pub async fn refuses(request: &Request, vantage: &Vantage, acting: &Acting<'_>) -> Result<Held, Failure> {
    let answer = send(request, vantage, acting).await?;
    Ok(match answer.status {
        status if request.accepts(status) => Held::No(format!("accepted, with status {status}")),
        status @ 400..500 => {
            tracing::debug!(status, "refused");
            Held::Yes
        }
        _ => Held::No(format!("neither accepted nor refused: {}", unexpected(&answer, acting))),
    })
}

/// Sends a request from where the condition is asked.
pub(crate) async fn send(request: &Request, vantage: &Vantage, acting: &Acting<'_>) -> Result<Answer, Failure> {
    if matches!(vantage, Vantage::Container { .. }) && !request.is_look() {
        return Err(Failure::Other(format!(
            "{} is not sent from inside a container: nothing goes in there that it could keep",
            request.says()
        )));
    }
    let permit = acting.world.http_known(request, acting.gate)?;
    let (endpoint, outgoing) = acting.world.http_outgoing(&permit, None).await?;
    send_from(&permit, endpoint, outgoing, vantage, acting).await
}

/// Sends what was let pass from the vantage.
pub(crate) async fn send_from(
    permit: &Permit<impl Sends>,
    endpoint: Endpoint,
    outgoing: Outgoing,
    vantage: &Vantage,
    acting: &Acting<'_>,
) -> Result<Answer, Failure> {
    match vantage {
        Vantage::Host | Vantage::Consumers => {
            Ok(acting.world.connections.http().exchange(permit, &endpoint, &outgoing).await?)
        }
        Vantage::Container { connection, name } => {
            let place = inside::Place::find(acting, connection, name).await?;
            from_inside(&place, &endpoint, &outgoing).await
        }
    }
}

/// Asks the server by its name, as the programs in the container do.
async fn from_inside(place: &inside::Place, endpoint: &Endpoint, outgoing: &Outgoing) -> Result<Answer, Failure> {
    let (path, headers) = outgoing
        .as_get()
        .ok_or_else(|| Failure::Other("only GET requests are sent from inside a container".to_owned()))?;
    let headers = headers.iter().map(|(name, value)| (name.clone(), Zeroizing::new(value.clone()).into()));
    let question = inside::Inside::HttpGet { url: format!("{}{path}", endpoint.origin), headers: headers.collect() };
    match inside::ask(place, &question).await? {
        inside::Answer::Http { status, body } => Ok(Answer::seen_from_inside(status, body)),
        inside::Answer::Failed(seen) | inside::Answer::Hopeless(seen) => {
            Err(Failure::Unreachable(format!("{} from inside {}: {seen}", endpoint.origin, place.name)))
        }
        inside::Answer::LoggedIn => Err(Failure::Other("the question was answered with another one's answer".into())),
    }
}

/// A status that nobody expected, with the server's reason.
pub(crate) fn unexpected(answer: &Answer, acting: &Acting<'_>) -> String {
    let reason = reason(answer);
    let words = if reason.is_empty() { page_words(answer) } else { reason };
    acting.world.vault.redact(&format!("status {}{words}", answer.status))
}

/// The words of a page, without its markup; nothing where there are none.
fn page_words(answer: &Answer) -> String {
    if serde_json::from_slice::<Value>(&answer.body).is_ok() {
        return String::new(); // its fields may be tokens
    }
    let words = without_markup(&answer.text());
    let shown: String = printable(&words).chars().take(SHOWN_CHARACTERS).collect();
    if shown.is_empty() { String::new() } else { format!(": {shown}") }
}

/// The text of an HTML page, as far as a person would read it in an error message. This is no parser: what it gets
/// wrong looks odd and harms nobody.
fn without_markup(page: &str) -> String {
    let mut words = String::new();
    let mut rest = page;
    while let Some((text, markup)) = rest.split_once('<') {
        words.push_str(text);
        words.push(' ');
        let hidden = ["script", "style", "title"]
            .iter()
            .find(|tag| markup.get(..tag.len()).is_some_and(|name| name.eq_ignore_ascii_case(tag)));
        let end = match hidden {
            Some(tag) => markup.split_once(&format!("</{tag}")).map_or("", |(_, rest)| rest),
            None => markup,
        };
        rest = end.split_once('>').map_or("", |(_, rest)| rest);
    }
    words.push_str(rest);
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_page_is_read_without_its_markup() {
        let page = "<html><head><title>oops</title><style>p { color: red }</style></head>\n<body><h1>invalid\
                    _client</h1><p>client is <b>unknown</b><script>alert(1 < 2)</script></body>";
        assert_eq!(without_markup(page), "invalid_client client is unknown");
        assert_eq!(without_markup("plain words"), "plain words");
        assert_eq!(without_markup("broken <tag"), "broken");
    }
}
