//! What section, contract and host file ask for.

use stackrun_plugin::{
    Section, Value, literal, reference,
    secrets::{self, Alphabet, Fitness},
    types::{Diagnostic, Instance, Reference, Text},
};

use crate::text::{known, same, with};

/// A client.
pub struct Wish {
    pub provider: Provider,
    /// As the section names it; where clients register themselves, the provider chooses another.
    pub given_id: String,
    pub client_name: String,
    /// What the section hands over; where clients register themselves, nothing.
    given_secret: Option<Reference>,
    /// Where people open the application.
    pub site: Option<Text>,
    pub redirect_uris: Vec<Text>,
    pub scopes: Vec<String>,
    pub grant_types: Vec<String>,
    pub response_types: Vec<String>,
    pub pkce: bool,
    pub policy: Option<String>,
    pub consent_mode: Option<String>,
    /// What the application calls the provider.
    pub provider_name: String,
    /// How the application begins a sign-in.
    pub start: Option<Start>,
    /// The first of the instance's makings.
    pub first_making: Reference,
}

/// The request that begins a sign-in, and where its answer has the provider's address.
pub struct Start {
    pub path: String,
    pub pointer: String,
    pub redirect_uri: Text,
}

/// What the host file says of the provider.
pub struct Provider {
    pub connection: String,
    /// Empty offline.
    pub issuer: String,
    pub way: Way,
    /// Something else writes the client list.
    pub printed: bool,
}

/// How a client comes into being.
pub enum Way {
    /// An entry of a list that Authelia's configuration includes.
    Fragment { configuration: String, fragment: String, defaults: Option<Value> },
    /// Dynamic registration.
    Registration { path: String, with_credential: bool },
}

impl Wish {
    /// The wish, and all that is wrong with it. None where something needed is missing.
    pub fn of(instance: &Instance) -> (Option<Self>, Vec<Diagnostic>) {
        let section = Section::of(instance);
        let mut problems = Vec::new();
        let Some(connection) = instance.connections.first() else { return (None, problems) };
        let settings = Section::settings(connection);
        let provider = Provider::of(&connection.name, &connection.kind, &settings);
        let contract = Section::contract(instance).map(|contract| contract.at("oidc"));
        let of_contract = |key: &str| contract.as_ref().map(|contract| strings(&contract.at(key))).unwrap_or_default();

        let given_id = section.known_or("client_id", &instance.name, &mut problems);
        if !given_id.bytes().all(is_unreserved) {
            let said = section.at("client_id").error(format!("`{given_id}` is no client id"));
            problems.push(said.help("only letters, digits and - . _ ~ are allowed (RFC 3986, unreserved)"));
        }
        let given_secret = secret_of(&section, &provider, &mut problems);
        let site = section.text("site").map(|site| without_slash(&site));
        if let Some(known) = site.as_ref().and_then(known) {
            problems.extend(objection_to_site(&section, &known, contract.as_ref()));
        }
        let redirect_path = contract.as_ref().and_then(|contract| contract.string("redirect_path"));
        let sent = match (&site, &redirect_path) {
            (Some(site), Some(path)) => Some(with(site, path)),
            _ => None,
        };
        let redirect_uris = redirect_uris(&section, sent.as_ref(), &mut problems);
        let start = contract.as_ref().map(|contract| contract.at("start")).and_then(|start| {
            Some(Start { path: start.string("path")?, pointer: start.string("pointer")?, redirect_uri: sent? })
        });
        let or = |given: Vec<String>, otherwise: &[&str]| match given.is_empty() {
            true => otherwise.iter().map(|word| (*word).to_owned()).collect(),
            false => given,
        };
        let scopes = or(strings(&section.at("scopes")), &[]);
        let scopes =
            if scopes.is_empty() { or(of_contract("scopes"), &["openid", "email", "profile"]) } else { scopes };
        let wish = Self {
            given_id,
            client_name: section.known_or("client_name", &instance.name, &mut problems),
            given_secret,
            site,
            redirect_uris,
            scopes,
            grant_types: or(of_contract("grant_types"), &["authorization_code"]),
            response_types: or(of_contract("response_types"), &["code"]),
            pkce: contract.as_ref().and_then(|contract| contract.boolean("pkce")).unwrap_or(false),
            policy: section.string("policy"),
            consent_mode: section.string("consent_mode"),
            provider_name: section
                .string("name")
                .or(settings.string("name"))
                .unwrap_or_else(|| provider.default_name()),
            start,
            first_making: u32::try_from(instance.references.len()).unwrap_or(u32::MAX),
            provider,
        };
        (Some(wish), problems)
    }

    /// The client's identifier, known or only after it has registered.
    pub fn client_id(&self) -> Text {
        match self.provider.way {
            Way::Fragment { .. } => literal(&self.given_id),
            Way::Registration { .. } => reference(self.first_making),
        }
    }

    /// The client's secret.
    pub fn client_secret(&self) -> Text {
        match (&self.provider.way, self.given_secret) {
            (Way::Registration { .. }, _) => reference(self.first_making + 1),
            (Way::Fragment { .. }, Some(secret)) => reference(secret),
            (Way::Fragment { .. }, None) => Text::new(),
        }
    }

    /// The secret that the section hands over.
    pub fn given_secret(&self) -> Option<Reference> {
        self.given_secret
    }
}

impl Provider {
    fn of(connection: &str, kind: &str, settings: &Section<'_>) -> Self {
        let way = if kind == "oidc-registration" {
            Way::Registration {
                path: settings.string_or("registration_path", ""),
                with_credential: settings.at("initial_access_token_file").is_present(),
            }
        } else {
            Way::Fragment {
                configuration: settings.string_or("configuration", ""),
                fragment: settings.string_or("clients_fragment", ""),
                defaults: settings.at("client_defaults").to_value(),
            }
        };
        Self {
            connection: connection.to_owned(),
            issuer: settings.string_or("issuer", ""),
            way,
            printed: settings.string("write").as_deref() == Some("print"),
        }
    }

    /// Offline there is no host file, and so no issuer.
    pub fn is_known(&self) -> bool {
        !self.issuer.is_empty()
    }

    /// Where the discovery document is (OpenID Connect Discovery 1.0, 4.1). Offline a name that leads nowhere (RFC 2606)
    /// stands in, so that what is made of it can be checked.
    pub fn discovery_url(&self) -> String {
        let issuer = if self.is_known() { &self.issuer } else { "https://provider.invalid" };
        format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
    }

    /// Its path on the issuer's origin.
    pub fn discovery_path(&self) -> String {
        path_of(&self.discovery_url()).unwrap_or_default()
    }

    fn default_name(&self) -> String {
        match self.way {
            Way::Fragment { .. } => "Authelia".to_owned(),
            Way::Registration { .. } => {
                let host = self.issuer.split("://").nth(1).and_then(|rest| rest.split(['/', ':']).next());
                host.unwrap_or("Single sign-on").to_owned()
            }
        }
    }
}

fn secret_of(section: &Section<'_>, provider: &Provider, problems: &mut Vec<Diagnostic>) -> Option<Reference> {
    let place = section.at("client_secret");
    if let Some(secret) = place.as_reference() {
        if let Way::Registration { .. } = provider.way
            && provider.is_known()
        {
            problems.push(
                place
                    .warning("the provider chooses the secret of a client that registers itself")
                    .help("leave `client_secret` out; `${oidc.client_secret}` is the provider's"),
            );
        }
        if let [Fitness::Unfit] = secrets::fits(&[secret], Alphabet::UrlUnreserved).as_slice() {
            problems.push(
                place
                    .warning("the secret holds characters that arrive changed with HTTP basic")
                    .help("only letters, digits and - . _ ~ are safe"),
            );
        }
        return Some(secret);
    }
    if place.is_present() {
        problems.push(place.error("a secret does not stand in the spec").help("write it as \"${secret.NAME}\""));
    } else if let Way::Fragment { .. } = provider.way
        && provider.is_known()
    {
        let said = section.at("client_secret").error("a client of Authelia needs a secret");
        problems.push(said.help("add client_secret = \"${secret.NAME}\""));
    }
    None
}

fn objection_to_site(section: &Section<'_>, site: &str, contract: Option<&Section<'_>>) -> Option<Diagnostic> {
    let place = section.at("site");
    let bare = site.strip_prefix("https://").or_else(|| site.strip_prefix("http://"));
    let Some(bare) = bare.filter(|bare| !bare.is_empty() && !bare.contains(['/', '?', '#', '@', ' '])) else {
        let said = place.error(format!("`{site}` is no address of a site"));
        return Some(said.help("write scheme and host, without a path: https://media.example.org"));
    };
    let https_only = contract.and_then(|contract| contract.boolean("https_only")).unwrap_or(false);
    (https_only && site.starts_with("http://")).then(|| {
        let said = place.error("the application keeps its sign-in in a cookie that browsers send over https alone");
        said.help(format!("use https://{bare}"))
    })
}

/// The addresses to register; what the application will send has to be one of them.
fn redirect_uris(section: &Section<'_>, sent: Option<&Text>, problems: &mut Vec<Diagnostic>) -> Vec<Text> {
    let place = section.at("redirect_uris");
    let given: Vec<Text> = place.as_items().iter().filter_map(Section::as_text).collect();
    match (given.is_empty(), sent) {
        (true, Some(sent)) => vec![sent.clone()],
        (true, None) => {
            let said = place.error("nothing says where the provider sends people back to");
            problems.push(said.help(
                "add redirect_uris = [\"https://…\"]; where a contract knows the path, an instance that uses the \
                 contract has to refer to this one",
            ));
            given
        }
        (false, Some(sent)) if !given.iter().any(|uri| same(uri, sent)) => {
            // With holes on one side only, nothing can be said before they are known.
            if let Some(sent) = known(sent)
                && given.iter().all(|uri| known(uri).is_some())
            {
                let said = place.error(format!("the application will send {sent}, which is not among these"));
                problems.push(said.help("add it, or leave `redirect_uris` out: that is the default"));
            }
            given
        }
        (false, _) => given,
    }
}

fn strings(place: &Section<'_>) -> Vec<String> {
    place.as_items().iter().filter_map(Section::as_string).collect()
}

fn without_slash(site: &Text) -> Text {
    match known(site) {
        Some(site) => literal(site.trim_end_matches('/')),
        None => site.clone(),
    }
}

/// The path of an absolute URL.
fn path_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    Some(rest.split_once('/').map_or_else(|| "/".to_owned(), |(_, path)| format!("/{path}")))
}

/// RFC 3986, 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(issuer: &str) -> Provider {
        let way = Way::Registration { path: "/reg".to_owned(), with_credential: false };
        Provider { connection: "idp".to_owned(), issuer: issuer.to_owned(), way, printed: false }
    }

    #[test]
    fn discovery_is_below_the_issuer() {
        let table = [
            ("https://auth.example.org", "/.well-known/openid-configuration"),
            ("https://auth.example.org/", "/.well-known/openid-configuration"),
            ("https://example.org/realms/x", "/realms/x/.well-known/openid-configuration"),
        ];
        for (issuer, path) in table {
            assert_eq!(provider(issuer).discovery_path(), path);
        }
    }

    #[test]
    fn a_provider_without_a_name_is_called_by_its_host() {
        assert_eq!(provider("https://auth.example.org:9091/x").default_name(), "auth.example.org");
    }
}
