//! What asking a condition does: looks and probes.
//!
//! A look changes nothing wherever it is sent: GET or HEAD without a secret and without a body, the engine's word on a container,
//! the application's own login to its database (SCRAM, which hands the password to nobody). `plan`, `status`, `verify`
//! and whatever looks whether something was done by hand do looks and nothing else. A probe should change nothing, but
//! sends something: it is shown whole in the plan, and sent by `apply` and `verify --probes` alone.

use super::{Condition, ConditionKind, Vantage};
use crate::{
    capability::{Acting, Held, Preview, StepKind, http::HttpExchange},
    model::{Failure, desired::Request, value::Target},
};

/// A condition that was found to change nothing by being asked. Outside of `capability` there is no other way to ask one
/// than this and [`prove`](super::prove), which apply and `verify --probes` call.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a>(&'a Condition);

impl Look<'_> {
    /// Asks the world once.
    ///
    /// # Errors
    /// Whatever keeps it from answering.
    pub async fn ask(self, acting: &Acting<'_>) -> Result<Held, Failure> {
        self.0.ask(acting).await
    }
}

impl Condition {
    /// The condition as a look; none when it is a probe.
    pub fn look(&self) -> Option<Look<'_>> {
        self.request().is_none_or(Request::is_look).then_some(Look(self))
    }

    /// The request that it sends, if it sends one.
    pub fn request(&self) -> Option<&Request> {
        match &self.kind {
            ConditionKind::SqlLogin(_) | ConditionKind::ContainerStaysUp(_) | ConditionKind::ContainerAnswers(_) => {
                None
            }
            ConditionKind::HttpAnswers(kind) => Some(&kind.request),
            ConditionKind::HttpRefuses(request) => Some(request),
            ConditionKind::HttpShows(kind) => Some(&kind.request),
            ConditionKind::HttpLeadsTo(kind) => Some(&kind.request),
        }
    }

    /// The request of a probe as a reviewer sees it, whole; none of a look.
    pub async fn probe_preview(&self, acting: &Acting<'_>) -> Option<Preview> {
        let request = self.request().filter(|_| self.look().is_none())?;
        Some(HttpExchange::of(request).preview(acting).await.limited())
    }

    /// The same for a reviewer, with what is `plain` in place of the targets that are no secrets.
    #[must_use]
    pub fn with_known(&self, plain: &dyn Fn(&Target) -> Option<String>) -> Self {
        let mut known = self.clone();
        let request = match &mut known.kind {
            ConditionKind::SqlLogin(_) | ConditionKind::ContainerStaysUp(_) | ConditionKind::ContainerAnswers(_) => {
                None
            }
            ConditionKind::HttpAnswers(kind) => Some(&mut kind.request),
            ConditionKind::HttpRefuses(request) => Some(request),
            ConditionKind::HttpShows(kind) => Some(&mut kind.request),
            ConditionKind::HttpLeadsTo(kind) => Some(&mut kind.request),
        };
        if let Some(request) = request {
            *request = request.with_known(plain);
        }
        known
    }

    /// Where it sends secrets, and which: for the plan's list. What is only compared with an answer stays here.
    pub fn sends(&self) -> Option<(String, Vec<&Target>)> {
        match (&self.kind, self.request()) {
            (ConditionKind::SqlLogin(login), _) => {
                let inside = match &self.vantage {
                    Vantage::Container { name, .. } => format!(" from inside container {name}"),
                    Vantage::Host | Vantage::Consumers => String::new(),
                };
                let place = format!("login to database {} on {}{inside}", login.database, login.connection);
                Some((place, login.password.iter().collect()))
            }
            (_, Some(request)) => Some((format!("probe {}", request.says()), request.targets())),
            (_, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        desired::{Bearer, Body, Method, Origin},
        value::{Address, Part, Text},
    };

    fn get() -> Request {
        Request {
            origin: Origin::Connection("idp".into()),
            method: Method::Get,
            path: Text::literal("/"),
            headers: vec![("Accept".into(), Text::literal("text/html"))],
            bearer: None,
            body: Body::None,
            accept: Vec::new(),
            captures: Vec::new(),
        }
    }

    /// One line for each thing by which a request stops being a look.
    #[test]
    fn a_look_is_a_get_or_head_that_carries_nothing() {
        let secret = || Target::Made(Address::new("secret", "app"), "key".into());
        let is_look = |change: &dyn Fn(&mut Request)| {
            let mut request = get();
            change(&mut request);
            Condition { kind: ConditionKind::HttpRefuses(request), vantage: Vantage::Host }.look().is_some()
        };
        assert!(is_look(&|_| ()));
        assert!(is_look(&|request| request.method = Method::Head));
        for method in [Method::Post, Method::Put, Method::Patch, Method::Delete] {
            assert!(!is_look(&|request| request.method = method), "{}", method.name());
        }
        assert!(!is_look(&|request| request.body = Body::Form(Vec::new())));
        assert!(!is_look(&|request| request.bearer = Some(Bearer::Credential)));
        assert!(!is_look(&|request| request.bearer = Some(Bearer::Reference(secret()))));
        let header = ("X-Key".to_owned(), Text::new([Part::Reference(secret())]));
        assert!(!is_look(&|request| request.headers.push(header.clone())));
        for name in ["Authorization", "cookie", "Remote-User", "X-API-Key"] {
            let header = (name.to_owned(), Text::literal("Basic YWRtaW46YWRtaW4="));
            assert!(!is_look(&|request| request.headers.push(header.clone())), "{name}: a password is tried");
        }
    }
}
