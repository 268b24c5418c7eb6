//! A client that registers itself: POST to the registration endpoint (RFC 7591), then GET, PUT and DELETE of what the
//! provider keeps (RFC 7592). Identifier, secret and the token that opens the registration come from the provider.

use stackrun_plugin::{
    Section, Value, explain,
    guest::{Action, Change, CheckOf, Difference, Move, Owned, Planned, Revert},
    http::{self, Method, Origin, Question, Request},
    literal, reference,
    secrets::{self, Alphabet, Fitness},
    types::{Diagnostic, Instance, Part, Reference, Text},
};

use crate::{
    authelia::thing,
    text::known,
    wish::{Way, Wish},
};

/// What an instance makes, in order.
pub const MAKES: [&str; 3] = ["client_id", "client_secret", "registration_access_token"];

const PROOF_MS: u32 = 20_000;

/// What the provider keeps of a client, as far as it is compared: the name and a pointer to its values.
const COMPARED: [(&str, &str); 6] = [
    ("redirect_uris", "/redirect_uris/*"),
    ("token_endpoint_auth_method", "/token_endpoint_auth_method"),
    ("client_name", "/client_name"),
    ("scope", "/scope"),
    ("grant_types", "/grant_types/*"),
    ("response_types", "/response_types/*"),
];

/// A client, and where it is registered.
struct Client<'a> {
    wish: &'a Wish,
    path: &'a str,
    with_credential: bool,
    method: &'a str,
}

/// What the provider says of the client.
enum Found {
    /// Never registered, or forgotten by the provider.
    Absent,
    Registered(Vec<Difference>),
}

pub fn plan(instance: &Instance, wish: &Wish, method: &str) -> Result<Planned, Vec<Diagnostic>> {
    let nothing = Planned { owns: vec![], actions: vec![], checks: vec![], diagnostics: vec![] };
    let Way::Registration { path, with_credential } = &wish.provider.way else { return Ok(nothing) };
    let client = Client { wish, path, with_credential: *with_credential, method };
    let found = client.look().map_err(|why| {
        let settings = instance.connections.first().map(Section::settings);
        settings.map(|settings| settings.at("issuer").error(why)).into_iter().collect::<Vec<_>>()
    })?;
    let action = match found {
        Found::Absent => Some(client.create()),
        Found::Registered(differences) if !differences.is_empty() => Some(client.update(differences)),
        Found::Registered(_) => None,
    };
    let owned = Owned {
        thing: thing(instance, wish),
        holds_data: false,
        adopted: false,
        undo: vec![Move { step: http::send(&client.delete()), revert: Revert::None(FORGOTTEN.to_owned()) }],
        undo_settle: Vec::new(),
    };
    Ok(Planned { owns: vec![owned], actions: action.into_iter().collect(), ..nothing })
}

const FORGOTTEN: &str = "the provider has forgotten the client; the next apply registers it again, with another secret";

impl Client<'_> {
    fn id(&self) -> Reference {
        self.wish.first_making
    }

    fn secret(&self) -> Reference {
        self.wish.first_making + 1
    }

    fn token(&self) -> Reference {
        self.wish.first_making + 2
    }

    /// Asks the provider, if there ever was a registration.
    fn look(&self) -> Result<Found, String> {
        let there = secrets::fits(&[self.id(), self.secret(), self.token()], Alphabet::SingleLine);
        if there.contains(&Fitness::NotYetKnown) {
            return Ok(Found::Absent);
        }
        let request = self.managed(Method::Get);
        request.accept(&[200, 401, 403, 404]);
        let question = Question {
            fields: COMPARED.iter().map(|(_, pointer)| (*pointer).to_owned()).collect(),
            same: vec![("/client_secret".to_owned(), reference(self.secret()))],
        };
        let answer = match http::ask(&[(&request, question)]).into_iter().next() {
            Some(Ok(answer)) => answer,
            Some(Err(failure)) => return Err(format!("the registration can't be read: {}", explain(&failure))),
            None => return Err("the registration was not read".to_owned()),
        };
        match answer.status {
            200 => {}
            401 | 403 | 404 => return Ok(Found::Absent), // RFC 7592, 2.1: 401 for a client that is not there
            status => return Err(format!("the registration is answered with status {status}")),
        }
        let kept: Vec<(&str, Vec<String>)> = COMPARED.iter().map(|(name, _)| *name).zip(answer.fields).collect();
        let mut differences = differences(&self.compared(), &kept);
        if answer.same != [true] {
            differences.push(Difference { what: "client_secret".to_owned(), before: None, after: None });
        }
        Ok(Found::Registered(differences))
    }

    fn create(&self) -> Action {
        let request = self.request(Method::Post, literal(self.path));
        if self.with_credential {
            request.use_credential();
        }
        request.json(&Value::Table(self.metadata()).into());
        request.accept(&[200, 201]);
        for (index, name) in (0..).zip(MAKES) {
            request.capture(&format!("/{name}"), self.id() + index);
        }
        // Whoever takes this back may do so before anything was registered.
        let undo = vec![http::send(&self.delete())];
        self.action(
            Change::Create,
            "the provider has no such client",
            Vec::new(),
            Move { step: http::send(&request), revert: Revert::Steps(undo) },
        )
    }

    fn update(&self, differences: Vec<Difference>) -> Action {
        let request = self.managed(Method::Put);
        let mut body = self.metadata();
        body.push(("client_id".to_owned(), Value::Reference(self.id())));
        body.push(("client_secret".to_owned(), Value::Reference(self.secret())));
        request.json(&Value::Table(body).into());
        // RFC 7592, 3: the answer may bring another token, and then the old one is void.
        request.capture("/registration_access_token", self.token());
        self.action(
            Change::Update,
            "the provider keeps another client",
            differences,
            Move {
                step: http::send(&request),
                revert: Revert::None(
                    "what the provider kept before is not put back; the next apply compares again".to_owned(),
                ),
            },
        )
    }

    fn action(&self, change: Change, reason: &str, differences: Vec<Difference>, one: Move) -> Action {
        Action {
            thing: "client".to_owned(),
            change,
            reason: reason.to_owned(),
            differences,
            moves: vec![one],
            no_return: None,
            settle: Vec::new(),
            proof: vec![CheckOf {
                id: "registered".to_owned(),
                says: "the provider knows the client".to_owned(),
                condition: http::answers(&self.managed(Method::Get), None, None),
                timeout_ms: PROOF_MS,
            }],
            after: Vec::new(),
        }
    }

    fn delete(&self) -> Request {
        let request = self.managed(Method::Delete);
        request.accept(&[200, 204, 401, 403, 404]);
        request
    }

    /// A request to the client's own registration, opened by its token.
    fn managed(&self, method: Method) -> Request {
        let path = vec![Part::Literal(format!("{}/", self.path)), Part::Reference(self.id())];
        let request = self.request(method, path);
        request.bearer(self.token());
        request
    }

    fn request(&self, method: Method, path: Text) -> Request {
        Request::new(&Origin::connection(&self.wish.provider.connection), method, &path)
    }

    /// Client metadata of RFC 7591, 2.
    fn metadata(&self) -> Vec<(String, Value)> {
        let wish = self.wish;
        let list = |words: &[String]| Value::items(words.iter().map(String::as_str));
        vec![
            ("client_name".to_owned(), wish.client_name.as_str().into()),
            ("redirect_uris".to_owned(), Value::items(wish.redirect_uris.iter().cloned())),
            ("scope".to_owned(), wish.scopes.join(" ").into()),
            ("grant_types".to_owned(), list(&wish.grant_types)),
            ("response_types".to_owned(), list(&wish.response_types)),
            ("token_endpoint_auth_method".to_owned(), self.method.into()),
        ]
    }

    /// The same, as the provider's answer has it.
    fn compared(&self) -> Vec<(&'static str, Vec<String>)> {
        let wish = self.wish;
        vec![
            ("redirect_uris", wish.redirect_uris.iter().filter_map(known).collect()),
            ("token_endpoint_auth_method", vec![self.method.to_owned()]),
            ("client_name", vec![wish.client_name.clone()]),
            ("scope", vec![wish.scopes.join(" ")]),
            ("grant_types", wish.grant_types.clone()),
            ("response_types", wish.response_types.clone()),
        ]
    }
}

/// What the provider keeps otherwise. Scopes and lists have no order; a scope that the provider keeps to itself, in no
/// answer, is none.
fn differences(wanted: &[(&str, Vec<String>)], kept: &[(&str, Vec<String>)]) -> Vec<Difference> {
    let words = |values: &[String]| {
        let mut words: Vec<String> =
            values.iter().flat_map(|value| value.split_whitespace().map(str::to_owned)).collect();
        words.sort();
        words
    };
    let differs = |name: &str, wanted: &[String]| {
        let (_, found) = kept.iter().find(|(kept, _)| *kept == name)?;
        let silent = name == "scope" && found.is_empty();
        (!silent && words(found) != words(wanted)).then(|| Difference {
            what: name.to_owned(),
            before: Some(found.join(", ")),
            after: Some(literal(wanted.join(", "))),
        })
    };
    wanted.iter().filter_map(|(name, wanted)| differs(name, wanted)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn order_is_no_difference_and_another_redirect_is_one() {
        let wanted = [("scope", words(&["openid email"])), ("redirect_uris", words(&["https://a/cb"]))];
        let kept = [("scope", words(&["email openid"])), ("redirect_uris", words(&["https://b/cb"]))];
        let found = differences(&wanted, &kept);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].what.as_str(), found[0].before.as_deref()), ("redirect_uris", Some("https://b/cb")));
        assert!(differences(&wanted[..1], &[("scope", Vec::new())]).is_empty());
    }
}
