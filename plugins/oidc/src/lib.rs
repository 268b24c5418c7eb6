//! The OIDC plugin: a client for an application at an identity provider.
//!
//! [`wish`] is what section, contract and host file ask for, [`discovery`] what the provider says of itself. A client
//! comes into being in one of two ways: [`authelia`] writes it into a fragment of Authelia's client list,
//! [`registration`] registers it over HTTP (RFC 7591 and 7592). [`checks`] prove the same of both.
#![allow(unsafe_code)] // `export!` writes the component's entry points

mod authelia;
mod checks;
mod discovery;
mod registration;
mod text;
mod wish;

use discovery::Discovery;
use stackrun_plugin::{
    Value, connection,
    guest::{Description, Guest, Offered, Output, Planned},
    output, secret_output, secrets,
    types::{Diagnostic, Instance, Severity, ValueType},
};
use wish::{Way, Wish};

struct Oidc;

impl Guest for Oidc {
    fn describe() -> Description {
        Description {
            kind: "oidc".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            about: "A client for an application at an identity provider".to_owned(),
            section_schema: include_str!("schema.json").to_owned(),
            connections: vec![connection(&["authelia", "oidc-registration"], include_str!("settings.json"))],
            outputs: vec![
                output("enabled", ValueType::Boolean, "True: whoever refers to this has a provider"),
                output("client_id", ValueType::Text, "Identifier of the client"),
                secret_output("client_secret", "The client's secret"),
                output("discovery_url", ValueType::Text, "Address of the provider's discovery document"),
                output("issuer", ValueType::Text, "The provider's issuer"),
                output("provider_name", ValueType::Text, "What the application calls the provider"),
            ],
            capabilities: vec!["files".to_owned(), "http".to_owned(), "services".to_owned()],
        }
    }

    fn check(instance: Instance) -> Vec<Diagnostic> {
        Wish::of(&instance).1
    }

    fn outputs(instance: Instance) -> Result<Offered, Vec<Diagnostic>> {
        let (wish, problems) = Wish::of(&instance);
        let Some(wish) = wish else { return Err(problems) };
        let makes = match wish.provider.way {
            Way::Fragment { .. } => Vec::new(),
            Way::Registration { .. } => {
                let captured = |name: &&str| secrets::captured(name, &wish.provider.connection);
                registration::MAKES.iter().map(captured).collect()
            }
        };
        let output = |name: &str, value: Value, true_after: &[&str]| Output {
            name: name.to_owned(),
            value: value.into(),
            true_after: true_after.iter().map(|key| (*key).to_owned()).collect(),
        };
        // Whoever starts with the provider on needs the client to be there; the other words are known before.
        let outputs = vec![
            output("enabled", true.into(), &["client"]),
            output("client_id", wish.client_id().into(), &["client"]),
            output("client_secret", wish.client_secret().into(), &["client"]),
            output("discovery_url", wish.provider.discovery_url().into(), &[]),
            output("issuer", wish.provider.issuer.as_str().into(), &[]),
            output("provider_name", wish.provider_name.as_str().into(), &[]),
        ];
        Ok(Offered { makes, outputs, diagnostics: Vec::new() })
    }

    fn plan(instance: Instance) -> Result<Planned, Vec<Diagnostic>> {
        let (wish, mut problems) = Wish::of(&instance);
        let Some(wish) = wish else { return Err(problems) };
        if has_error(&problems) {
            return Err(problems);
        }
        let discovery = Discovery::ask(&wish).map_err(|problem| vec![problem])?;
        problems.extend(discovery.judge(&instance, &wish));
        let (method, objections) = discovery.method(&instance, &wish);
        problems.extend(objections);
        if has_error(&problems) {
            return Err(problems);
        }
        let mut planned = match wish.provider.way {
            Way::Fragment { .. } => authelia::plan(&instance, &wish, &method),
            Way::Registration { .. } => registration::plan(&instance, &wish, &method),
        }
        .map_err(|found| problems.drain(..).chain(found).collect::<Vec<_>>())?;
        planned.diagnostics.append(&mut problems);
        planned.checks = checks::all(&wish);
        Ok(planned)
    }
}

fn has_error(problems: &[Diagnostic]) -> bool {
    problems.iter().any(|problem| problem.severity == Severity::Error)
}

stackrun_plugin::export!(Oidc);
