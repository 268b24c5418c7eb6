//! What asking a condition does: looks and probes.
//!
//! A look changes nothing wherever it is sent: GET without a secret and without a body, the engine's word on a container,
//! the application's own login to its database (SCRAM, which hands the password to nobody). `plan`, `status`, `verify`
//! and whatever looks whether something was done by hand do looks and nothing else. A probe should change nothing, but
//! sends something: it is shown whole in the plan, and sent by `apply` and `verify --probes` alone.

use super::{Condition, ConditionKind, Vantage};
use crate::{
    capability::{Acting, Preview, StepKind, http::HttpExchange},
    model::{desired::Request, value::Target},
};

/// What asking does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Changes nothing.
    Look,
    /// Sends something.
    Probe,
}

impl Condition {
    /// What asking it does.
    pub fn reach(&self) -> Reach {
        match self.request() {
            None => Reach::Look,
            Some(request) if request.is_look() => Reach::Look,
            Some(_) => Reach::Probe,
        }
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
        let request = self.request().filter(|_| self.reach() == Reach::Probe)?;
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
    fn a_look_is_a_get_that_carries_nothing() {
        let secret = || Target::Made(Address::new("secret", "app"), "key".into());
        let reach = |change: &dyn Fn(&mut Request)| {
            let mut request = get();
            change(&mut request);
            Condition { kind: ConditionKind::HttpRefuses(request), vantage: Vantage::Host }.reach()
        };
        assert_eq!(reach(&|_| ()), Reach::Look);
        for method in [Method::Post, Method::Put, Method::Patch, Method::Delete] {
            assert_eq!(reach(&|request| request.method = method), Reach::Probe, "{}", method.name());
        }
        assert_eq!(reach(&|request| request.body = Body::Form(Vec::new())), Reach::Probe);
        assert_eq!(reach(&|request| request.bearer = Some(Bearer::Credential)), Reach::Probe);
        assert_eq!(reach(&|request| request.bearer = Some(Bearer::Reference(secret()))), Reach::Probe);
        let header = ("X-Key".to_owned(), Text::new([Part::Reference(secret())]));
        assert_eq!(reach(&|request| request.headers.push(header.clone())), Reach::Probe);
    }
}
