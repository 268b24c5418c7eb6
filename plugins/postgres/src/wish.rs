//! What a section asks for.

use ipnet::IpNet;
use stackrun_plugin::{
    Section,
    types::{Diagnostic, Instance, Reference},
};

use crate::names;

/// A section, read and found to make sense.
#[derive(Clone, Debug)]
pub struct Wish {
    pub role: String,
    pub database: String,
    pub password: Option<Reference>,
    /// Method of the rules for networks.
    pub auth: Auth,
    /// Users of the system who may log in as the role.
    pub ident: Vec<String>,
    /// Networks that the application comes from.
    pub clients: Vec<IpNet>,
    /// Whether pg_hba.conf may get a block.
    pub writes_rules: bool,
    /// Whether another program writes pg_hba.conf, and has the server read it.
    pub printed: bool,
    pub extensions: Vec<String>,
    pub encoding: Option<String>,
    pub locale: Option<String>,
    pub template: Option<String>,
    pub adopt: bool,
}

/// How the role logs in over the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    Password,
    Trust,
}

impl Auth {
    /// As pg_hba.conf calls it.
    pub fn method(self) -> &'static str {
        match self {
            Auth::Password => "scram-sha-256",
            Auth::Trust => "trust",
        }
    }
}

impl Wish {
    /// Reads a section. There is no wish where something is so wrong that nothing more can be said.
    pub fn of(instance: &Instance) -> (Option<Self>, Vec<Diagnostic>) {
        let section = Section::of(instance);
        let settings = instance.connections.first().map(Section::settings);
        let mut problems = Vec::new();
        let role = name(&section, "role", &instance.name, &mut problems);
        let database = name(&section, "database", &instance.name, &mut problems);
        let password = password(&section, &mut problems);
        let auth = match section.string("auth").as_deref() {
            Some("trust") => Auth::Trust,
            _ => Auth::Password,
        };
        let ident = ident(&section, &mut problems);
        if auth == Auth::Password && password.is_none() && ident.is_empty() && problems.is_empty() {
            problems.push(
                section
                    .error("the role has no password, so nothing can log in as it")
                    .help("password = \"${secret.database_password}\", with that secret in a [secret.NAME] table"),
            );
        }
        if auth == Auth::Trust {
            problems.push(section.at("auth").warning(format!(
                "`trust` lets whoever reaches the server from these networks log in as {role} without a password"
            )));
        }
        let clients = clients(&section, settings.as_ref(), &mut problems);
        for extension in section.items("extensions").iter().filter(|item| item.as_string().is_none()) {
            problems.push(extension.error("the name of an extension can't depend on anything else"));
        }
        let leaves = |section: &Section<'_>| section.string("hba").map(|hba| hba == "leave");
        let wish = Wish {
            writes_rules: !leaves(&section).or_else(|| settings.as_ref().and_then(leaves)).unwrap_or(false),
            printed: settings.as_ref().and_then(|settings| settings.string("write")).as_deref() == Some("print"),
            extensions: section.items("extensions").iter().filter_map(Section::as_string).collect(),
            encoding: section.string("encoding"),
            locale: section.string("locale"),
            template: section.string("template"),
            adopt: section.boolean("adopt").unwrap_or(false),
            role,
            database,
            password,
            auth,
            ident,
            clients,
        };
        let wrong = problems.iter().any(|problem| problem.severity == stackrun_plugin::types::Severity::Error);
        (Some(wish).filter(|_| !wrong), problems)
    }

    /// Whether the role logs in over the network.
    pub fn uses_network(&self) -> bool {
        self.auth == Auth::Trust || self.password.is_some()
    }

    /// Name of the map in pg_ident.conf.
    pub fn map(&self) -> String {
        names::cut(format!("stackrun-{}", self.role))
    }

    /// Keys of the extensions' things.
    pub fn extension_keys(&self) -> impl Iterator<Item = String> {
        self.extensions.iter().map(|extension| extension_key(extension))
    }
}

/// Key of an extension's thing.
pub fn extension_key(extension: &str) -> String {
    format!("extension.{extension}")
}

fn name(section: &Section<'_>, key: &str, default: &str, problems: &mut Vec<Diagnostic>) -> String {
    let place = section.at(key);
    let name = section.known_or(key, default, problems);
    if let Some(problem) = names::problem(&name) {
        // Without the field the instance's own name is what is wrong.
        problems.push(place.error(problem).help(format!("give `{key}` another name")));
    }
    name
}

fn password(section: &Section<'_>, problems: &mut Vec<Diagnostic>) -> Option<Reference> {
    let place = section.at("password");
    if place.is_present() && place.as_reference().is_none() {
        problems.push(
            place
                .error("a password is a reference to a secret and nothing else")
                .help("password = \"${secret.database_password}\", with that secret in a [secret.NAME] table"),
        );
    }
    place.as_reference()
}

fn ident(section: &Section<'_>, problems: &mut Vec<Diagnostic>) -> Vec<String> {
    let mut users = Vec::new();
    for entry in section.items("ident") {
        let place = entry.at("system_user");
        match place.as_string() {
            Some(user) if !user.is_empty() && !user.starts_with('/') && !user.chars().any(char::is_control) => {
                users.push(user);
            }
            _ => problems.push(place.error("a user of the system is a plain name")),
        }
    }
    users
}

fn clients(section: &Section<'_>, settings: Option<&Section<'_>>, problems: &mut Vec<Diagnostic>) -> Vec<IpNet> {
    let own = section.at("clients");
    let items = match (own.is_present(), settings) {
        (true, _) => own.as_items(),
        (false, Some(settings)) => settings.items("clients"),
        (false, None) => Vec::new(),
    };
    let mut networks = Vec::new();
    for item in items {
        let Some(text) = item.as_string() else {
            problems.push(item.error("a network must be known when the plan is made: give it as a plain string"));
            continue;
        };
        match text.parse::<IpNet>() {
            Ok(network) => networks.push(network.trunc()),
            Err(_) => {
                problems.push(item.error(format!("`{text}` is no network")).help(
                    "a network is an address and a length, for example 10.88.0.0/16; one machine is 192.168.1.5/32",
                ))
            }
        }
    }
    networks.dedup();
    networks
}
