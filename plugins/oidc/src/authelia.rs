//! A client in a fragment of Authelia's client list.
//!
//! Of several configuration files the last `clients` list wins, so a file with a list of its own would take the sign-in
//! of every other application. What works is one list, the operator's, that includes a fragment by Authelia's own
//! template filter. In the fragment each instance has a block of its own. Authelia reads it when it starts.

use stackrun_plugin::{
    Section, Value, explain,
    files::{self, Content, Format, Position, Wanted},
    guest::{Action, Change, Move, Owned, Planned, Revert},
    secrets, services,
    types::{Diagnostic, Instance, Sameness, Step, Thing},
};

use crate::{
    checks,
    wish::{Way, Wish},
};

/// Rounds of the digest: Authelia's default.
const ROUNDS: u32 = 310_000;
const PROOF_MS: u32 = 60_000;
const COMMENT: &str = "#";

pub fn plan(instance: &Instance, wish: &Wish, method: &str) -> Result<Planned, Vec<Diagnostic>> {
    let Way::Fragment { configuration, fragment, defaults } = &wish.provider.way else { return Ok(nothing()) };
    let settings = match instance.connections.first() {
        Some(connection) => Section::settings(connection),
        None => return Ok(nothing()),
    };
    let Some(secret) = wish.given_secret() else { return Ok(nothing()) }; // said already
    let verbs = services::verbs(&wish.provider.connection);
    if !wish.provider.printed {
        let problems = obstacles(&settings, configuration, fragment, &verbs);
        if !problems.is_empty() {
            return Err(problems);
        }
    }
    let digest = secrets::pbkdf2_sha512(secret, ROUNDS);
    let client = client(wish, method, Value::Reference(digest), defaults.as_ref());
    let wanted = Wanted::new(fragment, &Content::document(Format::Yaml, &Value::Items(vec![client]).into()));
    wanted.set_block(COMMENT, Position::Last);
    let found = match files::compare(&[&wanted]).into_iter().next() {
        Some(Ok(found)) => found.content,
        Some(Err(failure)) => {
            let said = settings.at("clients_fragment").error(format!("{fragment}: {}", explain(&failure)));
            return Err(vec![said]);
        }
        None => return Ok(nothing()),
    };
    let run = |verb: &str| services::run(&wish.provider.connection, verb);
    let restart =
        || -> Vec<Step> { if verbs.iter().any(|verb| verb == "restart") { vec![run("restart")] } else { vec![] } };

    let unproven = instance.owned.iter().any(|owned| !owned.proven);
    let mut actions = Vec::new();
    if found != Sameness::Same || unproven {
        let mut moves = vec![Move { step: files::write(&wanted), revert: Revert::ByHost }];
        if verbs.iter().any(|verb| verb == "validate") {
            moves.push(Move { step: run("validate"), revert: Revert::ByHost });
        }
        let (change, reason) = match found {
            Sameness::Absent => (Change::Create, "the provider's client list has no such client"),
            Sameness::Same => (Change::Update, "the provider did not come back after the last run"),
            Sameness::Different | Sameness::NotYetKnown => (Change::Update, "the client is another one"),
        };
        actions.push(Action {
            thing: "client".to_owned(),
            change,
            reason: reason.to_owned(),
            differences: Vec::new(),
            moves,
            no_return: None,
            settle: restart(),
            proof: vec![stackrun_plugin::guest::CheckOf {
                id: "provider".to_owned(),
                says: format!("{} is back after its restart", wish.provider.issuer),
                condition: checks::discovery_answers(wish),
                timeout_ms: PROOF_MS,
            }],
            after: Vec::new(),
        });
    }
    let mut diagnostics = Vec::new();
    if !actions.is_empty() && !wish.provider.printed {
        let said =
            settings.at("clients_fragment").note("Authelia reads its clients when it starts, so it is restarted");
        diagnostics.push(said.help("everyone is signed out by that, unless sessions are kept in Redis"));
    }
    let owned = Owned {
        // Named by the instance: its block is one thing, whatever client stands in it.
        thing: thing(instance, wish),
        holds_data: false,
        adopted: false,
        undo: vec![Move { step: files::remove_block(fragment, COMMENT), revert: Revert::ByHost }],
        undo_settle: restart(),
    };
    Ok(Planned { owns: vec![owned], actions, checks: Vec::new(), diagnostics })
}

/// The thing that an instance owns at its provider.
pub fn thing(instance: &Instance, wish: &Wish) -> Thing {
    Thing {
        key: "client".to_owned(),
        connection: wish.provider.connection.clone(),
        kind: "client".to_owned(),
        name: format!("{}/{}", instance.stack, instance.address),
    }
}

fn nothing() -> Planned {
    Planned { owns: Vec::new(), actions: Vec::new(), checks: Vec::new(), diagnostics: Vec::new() }
}

/// Why the fragment would not do, all reasons at once.
fn obstacles(settings: &Section<'_>, configuration: &str, fragment: &str, verbs: &[String]) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let place = settings.at("clients_fragment");
    match files::stat(&[fragment.to_owned()]).into_iter().next() {
        Some(Ok(Some(_))) => {}
        Some(Ok(None)) => problems.push(place.error(format!("there is no {fragment}")).help(format!(
            "make an empty one that Authelia's user can read, for example: install -m 0640 -g authelia /dev/null {fragment}"
        ))),
        Some(Err(failure)) => problems.push(place.error(format!("{fragment}: {}", explain(&failure)))),
        None => {}
    }
    // In a container the file lies in another folder, under the same name.
    let name = fragment.rsplit('/').next().unwrap_or(fragment);
    match files::mention(&[configuration.to_owned()], name).into_iter().next() {
        Some(Ok(true)) | None => {}
        Some(Ok(false)) => {
            let said = settings.at("configuration").error(format!("{configuration} does not include {name}"));
            problems.push(said.help(include_lines(fragment)));
        }
        Some(Err(failure)) => {
            problems.push(settings.at("configuration").error(format!("{configuration}: {}", explain(&failure))));
        }
    }
    if !verbs.iter().any(|verb| verb == "restart") {
        let said = settings.error("nothing says how Authelia is restarted, and it reads its clients only then");
        problems.push(said.help(
            "add to its connection in the host file: verbs.restart = [\"systemctl\", \"restart\", \"authelia\"]",
        ));
    }
    problems
}

fn include_lines(fragment: &str) -> String {
    format!(
        "put into the list of clients (the path is the one that Authelia sees), and run Authelia with \
         --config.experimental.filters template:\n\
         identity_providers:\n  oidc:\n    clients:\n      {{{{- fileContent \"{fragment}\" | nindent 6 }}}}"
    )
}

/// An entry of the list. Authelia refuses keys that it does not know. What the connection's `client_defaults` say
/// holds where section and contract say nothing.
fn client(wish: &Wish, method: &str, digest: Value, defaults: Option<&Value>) -> Value {
    let list = |words: &[String]| Value::items(words.iter().map(String::as_str));
    let mut entries: Vec<(String, Value)> = vec![
        ("client_id".to_owned(), wish.given_id.as_str().into()),
        ("client_name".to_owned(), wish.client_name.as_str().into()),
        ("client_secret".to_owned(), digest),
        ("public".to_owned(), false.into()),
        ("redirect_uris".to_owned(), Value::items(wish.redirect_uris.iter().cloned())),
        ("scopes".to_owned(), list(&wish.scopes)),
        ("grant_types".to_owned(), list(&wish.grant_types)),
        ("response_types".to_owned(), list(&wish.response_types)),
        ("token_endpoint_auth_method".to_owned(), method.into()),
        ("require_pkce".to_owned(), wish.pkce.into()),
        ("userinfo_signed_response_alg".to_owned(), "none".into()), // plain JSON
    ];
    let given = [("authorization_policy", &wish.policy), ("consent_mode", &wish.consent_mode)];
    for (key, value) in given {
        entries.extend(value.as_deref().map(|value| (key.to_owned(), value.into())));
    }
    if let Some(Value::Table(defaults)) = defaults {
        for (key, value) in defaults {
            if !entries.iter().any(|(there, _)| there == key) {
                entries.push((key.clone(), value.clone()));
            }
        }
    }
    Value::Table(entries)
}
