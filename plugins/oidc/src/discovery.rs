//! What the provider says of itself (OpenID Connect Discovery 1.0), held against host file, section and contract.

use stackrun_plugin::{
    Section, explain,
    http::{self, Method, Origin, Question, Request},
    literal,
    types::{Diagnostic, Document, Instance, Segment, Severity},
};

use crate::wish::{Way, Wish};

/// The discovery document, as far as it matters here.
pub struct Discovery {
    issuer: String,
    /// Name and address of each endpoint that is there.
    endpoints: Vec<(&'static str, String)>,
    methods: Vec<String>,
    scopes: Vec<String>,
}

const ENDPOINTS: [&str; 5] =
    ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "registration_endpoint"];

/// What a provider means that names no method (Discovery 1.0, 3).
const DEFAULT_METHOD: &str = "client_secret_basic";

impl Discovery {
    /// Asks.
    pub fn ask(wish: &Wish) -> Result<Self, Diagnostic> {
        let provider = &wish.provider;
        let request = request(wish);
        let lists = ["/issuer", "/token_endpoint_auth_methods_supported/*", "/scopes_supported/*"];
        let fields = lists.iter().map(|field| (*field).to_owned());
        let fields = fields.chain(ENDPOINTS.iter().map(|endpoint| format!("/{endpoint}"))).collect();
        let answers = http::ask(&[(&request, Question { fields, same: Vec::new() })]);
        let answer = match answers.into_iter().next() {
            Some(Ok(answer)) if answer.status == 200 => answer,
            Some(Ok(answer)) => {
                let said =
                    at_issuer(wish, format!("{} answers with status {}", provider.discovery_url(), answer.status));
                return Err(said.help(match answer.status {
                    500.. => "the provider is down, or its gateway does not reach it",
                    _ => "is `issuer` what the provider itself calls its issuer?",
                }));
            }
            Some(Err(failure)) => {
                let said = at_issuer(wish, format!("the provider can't be asked: {}", explain(&failure)));
                return Err(said.help("does it run, and does `issuer` in the host file say where it is?"));
            }
            None => return Err(at_issuer(wish, "the provider was not asked".to_owned())),
        };
        let mut fields = answer.fields.into_iter();
        let mut next = || fields.next().unwrap_or_default();
        let (issuer, methods, scopes) = (next().concat(), next(), next());
        let endpoints = ENDPOINTS.iter().map(|name| (*name, next().concat()));
        Ok(Self { issuer, methods, scopes, endpoints: endpoints.filter(|(_, url)| !url.is_empty()).collect() })
    }

    /// What does not go together.
    pub fn judge(&self, instance: &Instance, wish: &Wish) -> Vec<Diagnostic> {
        let provider = &wish.provider;
        let mut problems = Vec::new();
        if self.issuer != provider.issuer {
            let said =
                at_issuer(wish, format!("the provider calls its issuer `{}`, not `{}`", self.issuer, provider.issuer));
            problems.push(said.help("write it as the provider does, to the letter: tokens carry it"));
        }
        let own = origin_of(&provider.issuer);
        for (name, url) in &self.endpoints {
            if origin_of(url) != own {
                let said = at_issuer(wish, format!("the provider's {name} is {url}, at another origin"));
                problems.push(Diagnostic { severity: Severity::Warning, ..said }.help(
                    "a provider behind a gateway takes its own address from Host and X-Forwarded-Proto: does the \
                     gateway send them?",
                ));
            }
        }
        for needed in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
            if self.endpoint(needed).is_none() {
                problems.push(at_issuer(wish, format!("the provider names no {needed}")));
            }
        }
        if let Way::Registration { path, .. } = &wish.provider.way {
            problems.extend(self.objection_to_registration(wish, path));
        }
        let place = Section::of(instance).at("scopes");
        let unknown = |scope: &&String| !self.scopes.is_empty() && !self.scopes.contains(scope);
        problems.extend(wish.scopes.iter().filter(unknown).map(|scope| {
            let said = place.error(format!("the provider has no scope `{scope}`"));
            said.help(format!("it has: {}", self.scopes.join(", ")))
        }));
        problems
    }

    fn objection_to_registration(&self, wish: &Wish, path: &str) -> Option<Diagnostic> {
        let Some(endpoint) = self.endpoint("registration_endpoint") else {
            return Some(at_issuer(wish, "the provider offers no registration of clients".to_owned()));
        };
        let offered = endpoint.strip_prefix(origin_of(endpoint)).unwrap_or(endpoint);
        (offered != path).then(|| {
            let said = at_issuer(wish, format!("the provider registers clients at {endpoint}, not at {path}"));
            said.help(format!("add to [connection.{}]: registration_path = \"{offered}\"", wish.provider.connection))
        })
    }

    fn endpoint(&self, wanted: &str) -> Option<&str> {
        self.endpoints.iter().find(|(name, _)| *name == wanted).map(|(_, url)| url.as_str())
    }

    /// How the client shows its secret, and what speaks against it.
    pub fn method(&self, instance: &Instance, wish: &Wish) -> (String, Vec<Diagnostic>) {
        let place = Section::of(instance).at("method");
        let contract = Section::contract(instance).map(|contract| contract.at("oidc"));
        let used = contract.as_ref().and_then(|contract| {
            let known: Vec<String> =
                contract.items("auth_methods_known").iter().filter_map(Section::as_string).collect();
            used_by(contract.string("token_endpoint_auth_method")?.as_str(), &known, &self.methods)
        });
        let mut problems = Vec::new();
        let method = match (place.as_string(), used) {
            (Some(given), Some(used)) if given != used => {
                let said =
                    place.error(format!("the application will use `{used}`, and a client for `{given}` refuses it"));
                problems.push(said.help("leave `method` out: it follows from the contract and the provider"));
                given
            }
            (Some(given), _) => given,
            (None, Some(used)) => used,
            (None, None) => DEFAULT_METHOD.to_owned(),
        };
        if !self.methods.is_empty() && !self.methods.contains(&method) {
            let said = at_issuer(wish, format!("the provider does not take `{method}`"));
            problems.push(said.help(format!("it takes: {}", self.methods.join(", "))));
        }
        (method, problems)
    }
}

/// GET of the discovery document.
pub fn request(wish: &Wish) -> Request {
    let origin = Origin::connection(&wish.provider.connection);
    Request::new(&origin, Method::Get, &literal(wish.provider.discovery_path()))
}

/// The method that the application uses, by its contract: `first-in-discovery`, or one by name.
fn used_by(of_contract: &str, known: &[String], offered: &[String]) -> Option<String> {
    if of_contract != "first-in-discovery" {
        return Some(of_contract.to_owned());
    }
    if offered.is_empty() {
        return Some(DEFAULT_METHOD.to_owned());
    }
    offered.iter().find(|method| known.is_empty() || known.contains(method)).cloned()
}

/// A message about the issuer in the host file.
fn at_issuer(wish: &Wish, message: String) -> Diagnostic {
    let path = vec![Segment::Key(wish.provider.connection.clone()), Segment::Key("issuer".to_owned())];
    stackrun_plugin::diagnostic(Severity::Error, Document::HostFile, path, message)
}

/// `https://auth.example.org:9091`
fn origin_of(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find('/').map_or(url.len(), |at| start + at);
    &url[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_method_that_the_application_knows() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let known = words(&["client_secret_basic", "client_secret_post"]);
        let table = [
            (words(&["private_key_jwt", "client_secret_post", "client_secret_basic"]), Some("client_secret_post")),
            (words(&["client_secret_basic"]), Some("client_secret_basic")),
            (words(&["private_key_jwt"]), None),
            (words(&[]), Some("client_secret_basic")),
        ];
        for (offered, used) in table {
            assert_eq!(used_by("first-in-discovery", &known, &offered).as_deref(), used, "{offered:?}");
        }
        assert_eq!(used_by("client_secret_post", &[], &known).as_deref(), Some("client_secret_post"));
    }

    #[test]
    fn origins() {
        assert_eq!(origin_of("https://a.org:9/b/c"), "https://a.org:9");
        assert_eq!(origin_of("https://a.org"), "https://a.org");
    }
}
