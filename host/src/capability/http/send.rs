//! Sending HTTP requests: one, or several in order where a later one carries a token that an earlier one answered.

use anyhow::anyhow;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::client::{Answer, Trouble};
use crate::{
    capability::{
        Acting, Destroys, Facts, Gate, Preview, PreviewLine, Repeat, Settles, Sign, StepFailure, StepKind, WrittenBy,
    },
    model::{
        Denial, Failure,
        desired::{Bearer, Body, Capture, Method, Origin, Request},
        value::{Target, Tree},
    },
    words,
    world::World,
};

/// `http.send`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HttpSend {
    /// The request.
    pub request: Box<Request>,
}

/// `http.exchange`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HttpExchange {
    /// In order; each is sent only when the one before was accepted.
    pub requests: Vec<Request>,
}

/// What both are: requests, in order.
pub trait Requests: Sync {
    /// All of them.
    fn requests(&self) -> &[Request];

    /// One line: what it does.
    fn headline(&self) -> String {
        self.requests().iter().map(Request::says).collect::<Vec<_>>().join(", then ")
    }
}

impl Requests for HttpSend {
    fn requests(&self) -> &[Request] {
        std::slice::from_ref(&self.request)
    }
}

impl Requests for HttpExchange {
    fn requests(&self) -> &[Request] {
        &self.requests
    }
}

impl HttpExchange {
    /// A single request.
    pub fn of(request: &Request) -> Self {
        Self { requests: vec![request.clone()] }
    }
}

/// What a reviewer sees in place of references that are no secrets.
impl HttpSend {
    pub(crate) fn shown(&self, plain: &dyn Fn(&Target) -> Option<String>) -> Self {
        Self { request: Box::new(self.request.with_known(plain)) }
    }
}

impl HttpExchange {
    pub(crate) fn shown(&self, plain: &dyn Fn(&Target) -> Option<String>) -> Self {
        Self { requests: self.requests.iter().map(|request| request.with_known(plain)).collect() }
    }
}

impl<T: Requests> StepKind for T {
    /// What was sent can't be unsent: an action takes it back by steps of its own.
    type Before = ();

    fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        self.requests().iter().try_for_each(|request| gate.http(request.clone()).map(drop))
    }

    async fn preview(&self, acting: &Acting<'_>) -> Preview {
        let requests: Vec<Request> = self.requests().iter().map(|request| readable(request, acting.world)).collect();
        let line = |text: String| PreviewLine { sign: Sign::Added, text };
        let several = requests.len() > 1;
        let lines = requests.iter().flat_map(|request| shown(request, several)).map(line).collect();
        Preview { headline: HttpExchange { requests }.headline(), lines }
    }

    async fn before(&self, _acting: &Acting<'_>) -> Result<(), StepFailure> {
        Ok(())
    }

    async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let world = acting.world;
        let mut answers: Vec<Answer> = Vec::with_capacity(self.requests().len());
        for request in self.requests() {
            let says = readable(request, world).says();
            let permit = world.http_known(request, acting.gate)?;
            let token = earlier_token(request, &says, &answers)?;
            if let Some(token) = &token {
                world.vault.learned().learn(&format!("token for {says}"), token);
            }
            let answer = match world.http_exchange(&permit, token.as_ref().map(|token| token.as_str())).await {
                Ok(answer) => answer,
                Err(trouble) => return Err(unanswered(request, &says, trouble)),
            };
            if !request.accepts(answer.status) {
                let why = world.vault.redact(&reason(&answer));
                return Err(anyhow!("{says}: answered with status {}{why}", answer.status).into());
            }
            keep(world, request, &says, &answer)?;
            answers.push(answer);
        }
        Ok(())
    }

    async fn revert(&self, _before: &(), _acting: &Acting<'_>) -> Result<(), StepFailure> {
        Err(anyhow!("{}: a request that was sent can't be taken back", self.headline()).into())
    }

    fn repeat(&self) -> Repeat {
        let repeatable =
            |request: &Request| request.method.is_safe() || matches!(request.method, Method::Put | Method::Delete);
        if self.requests().iter().all(repeatable) { Repeat::Repeatable } else { Repeat::Unknowable }
    }

    async fn is_done(&self, _acting: &Acting<'_>) -> Result<bool, StepFailure> {
        Ok(false)
    }

    fn facts(&self) -> Facts<'_> {
        let requests = || self.requests().iter();
        Facts {
            fills: requests().flat_map(Request::targets).collect(),
            place: None,
            makes: requests().flat_map(|request| &request.captures).map(|capture| &capture.into).collect(),
            path: None,
            written_by: WrittenBy::Stackrun,
            destroys: Destroys::Nothing,
            settles: Settles::No,
            takes: None,
        }
    }
}

/// With the values of holes that are no secrets.
fn readable(request: &Request, world: &World) -> Request {
    request.with_known(&|target| world.vault.plain_marker(target))
}

/// A request that changes something and has no answer may have done its work; that is never hidden.
fn unanswered(request: &Request, says: &str, trouble: Trouble) -> StepFailure {
    match trouble {
        Trouble::Unanswered(failure) if !request.method.is_safe() => {
            anyhow!("{says}: {failure}\n  the request may have arrived, and done what it asks").into()
        }
        trouble => anyhow!("{says}: {}", Failure::from(trouble)).into(),
    }
}

fn earlier_token(request: &Request, says: &str, answers: &[Answer]) -> Result<Option<Zeroizing<String>>, StepFailure> {
    let Some(Bearer::Earlier { request: earlier, pointer }) = &request.bearer else { return Ok(None) };
    let answer = usize::try_from(*earlier).ok().and_then(|earlier| answers.get(earlier));
    let answer = answer.ok_or_else(|| anyhow!("{says}: there is no earlier request {earlier}"))?;
    let json = answer.json()?;
    match json.pointer(pointer).and_then(Value::as_str) {
        Some(token) => Ok(Some(Zeroizing::new(token.to_owned()))),
        None => Err(anyhow!("{says}: the earlier answer has no token at `{pointer}`").into()),
    }
}

/// Keeps what the answer brings; either all of it or nothing.
fn keep(world: &World, request: &Request, says: &str, answer: &Answer) -> Result<(), StepFailure> {
    if request.captures.is_empty() {
        return Ok(());
    }
    let json = answer.json()?;
    let value = |capture: &Capture| match json.pointer(&capture.pointer) {
        Some(Value::String(text)) => Ok(Zeroizing::new(text.clone())),
        Some(other @ (Value::Number(_) | Value::Bool(_))) => Ok(Zeroizing::new(other.to_string())),
        _ => Err(anyhow!("{says}: the answer has nothing at `{}`", capture.pointer)),
    };
    let values = request.captures.iter().map(value).collect::<Result<Vec<_>, _>>()?;
    let from = match &request.origin {
        Origin::Connection(connection) => Some(connection.as_str()),
        Origin::Container { .. } | Origin::Site { .. } | Origin::Url(_) => None,
    };
    for (capture, value) in request.captures.iter().zip(&values) {
        world.vault.keep(&capture.into, value, from, &capture.pointer)?;
    }
    Ok(())
}

/// The server's own reason, where it gives one in a field that is meant for it. Other fields may hold tokens.
pub fn reason(answer: &Answer) -> String {
    let Ok(json) = answer.json() else { return String::new() };
    let fields = ["error", "error_description", "detail", "message", "title"];
    let words: Vec<String> = fields
        .iter()
        .filter_map(|field| json.get(field).and_then(Value::as_str))
        .map(|words| words::printable(words).chars().take(300).collect())
        .collect();
    if words.is_empty() { String::new() } else { format!(": {}", words.join(": ")) }
}

/// The request line, headers and body, holes by name.
fn shown(request: &Request, one_of_several: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if one_of_several {
        lines.push(request.says());
    }
    match &request.bearer {
        None => {}
        Some(Bearer::Reference(target)) => lines.push(format!("Authorization: Bearer (secret {target})")),
        Some(Bearer::Credential) => lines.push("Authorization: Bearer (credential of the connection)".to_owned()),
        Some(Bearer::Earlier { request, pointer }) => {
            lines.push(format!("Authorization: Bearer (what request {} answered at {pointer})", request + 1));
        }
    }
    let header = |(name, value): &(String, crate::model::value::Text)| format!("{name}: {}", words::text(value));
    lines.extend(request.headers.iter().map(header));
    match &request.body {
        Body::None => {}
        Body::Form(fields) => {
            lines.extend(fields.iter().map(|(name, value)| format!("{name}={}", words::text(value))));
        }
        Body::Json(tree) => {
            let pretty = serde_json::to_string_pretty(&shown_json(tree)).unwrap_or_default();
            lines.extend(pretty.lines().map(str::to_owned));
        }
    }
    if !request.accept.is_empty() {
        let statuses: Vec<String> = request.accept.iter().map(ToString::to_string).collect();
        lines.push(format!("done with status {}", statuses.join(", ")));
    }
    let kept = |capture: &Capture| format!("keeps {} of the answer as {}", capture.pointer, capture.into);
    lines.extend(request.captures.iter().map(kept));
    lines
}

fn shown_json(tree: &Tree) -> Value {
    match tree {
        Tree::Boolean(value) => Value::from(*value),
        Tree::Integer(value) => Value::from(*value),
        Tree::Float(value) => Value::from(*value),
        Tree::Items(items) => items.iter().map(shown_json).collect(),
        Tree::Table(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (key.clone(), shown_json(value))).collect())
        }
        scalar => Value::from(scalar.to_text().map(|text| words::text(&text)).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        desired::Origin,
        value::{Part, Text},
    };

    fn registration() -> Request {
        let secret = Target::Made("oidc.app".parse().unwrap(), "token".to_owned());
        Request {
            origin: Origin::Connection("idp".to_owned()),
            method: Method::Post,
            path: Text::literal("/reg"),
            headers: vec![("X-Key".to_owned(), Text::new([Part::Reference(secret.clone())]))],
            bearer: Some(Bearer::Credential),
            body: Body::Json(Tree::Table(vec![
                ("client_name".to_owned(), Tree::literal("app")),
                ("jwks".to_owned(), Tree::Reference(secret)),
            ])),
            accept: Vec::new(),
            captures: vec![Capture {
                pointer: "/client_id".to_owned(),
                into: Target::Made("oidc.app".parse().unwrap(), "client_id".to_owned()),
            }],
        }
    }

    #[test]
    fn the_reviewer_sees_the_request_and_no_secret() {
        assert_eq!(HttpExchange::of(&registration()).headline(), "POST /reg of connection idp");
        assert_eq!(
            shown(&registration(), false),
            [
                "Authorization: Bearer (credential of the connection)",
                "X-Key: (secret oidc.app.token)",
                "{",
                "  \"client_name\": \"app\",",
                "  \"jwks\": \"(secret oidc.app.token)\"",
                "}",
                "keeps /client_id of the answer as oidc.app.client_id",
            ]
        );
    }

    #[test]
    fn a_post_may_have_happened_a_put_may_be_sent_again() {
        let mut request = registration();
        assert_eq!(HttpExchange::of(&request).repeat(), Repeat::Unknowable);
        request.method = Method::Put;
        assert_eq!(HttpExchange::of(&request).repeat(), Repeat::Repeatable);
    }
}
