//! The container plugin: an application in a container, with its configuration file, its folders and its health.
//!
//! [`wish`] is what the section asks for, with [`app`], what the contract knows of the application, and [`volume`],
//! [`document`] and [`amount`] as its parts. [`plan`] compares container and configuration with what is there;
//! [`folders`], [`login`] and [`fitness`] do the same for folders, default credentials and secrets.
#![allow(unsafe_code)] // `export!` writes the component's entry points

mod amount;
mod app;
mod document;
mod fitness;
mod folders;
mod login;
mod plan;
mod volume;
mod wish;
mod words;

use app::App;
use stackrun_plugin::{
    Section, Value, address, connection,
    guest::{Description, Guest, Offered, Output, Planned},
    literal, output,
    types::{Diagnostic, Instance, Severity, ValueType},
};
use wish::{Stage, Wish};

struct Container;

impl Guest for Container {
    fn describe() -> Description {
        Description {
            kind: "container".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            about: "An application in a container, with its configuration file, its folders and its health".to_owned(),
            section_schema: include_str!("section.json").to_owned(),
            connections: vec![connection(&["docker-api"], include_str!("settings.json"))],
            outputs: vec![
                output(
                    "address",
                    ValueType::Text,
                    "HOST:PORT, true once the application is healthy and can be opened to others",
                ),
                output("url", ValueType::Text, "http://HOST:PORT, with the same promise"),
                output("host", ValueType::Text, "Where the engine's published ports are reached"),
                output("port", ValueType::Integer, "Port of this machine that `listen_port` is published on"),
                output("listen_port", ValueType::Integer, "Port that the application listens on, in its own network"),
                output("name", ValueType::Text, "Name of the container"),
            ],
            capabilities: ["containers", "files", "http"].map(str::to_owned).to_vec(),
        }
    }

    fn check(instance: Instance) -> Vec<Diagnostic> {
        let (_, mut problems) = Wish::of(&instance, Stage::Spec);
        problems.extend(login::check(&Section::of(&instance), &App::of(&instance)));
        problems
    }

    fn outputs(instance: Instance) -> Result<Offered, Vec<Diagnostic>> {
        let (wish, problems) = Wish::of(&instance, Stage::Spec);
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(problems);
        }
        // Nobody may come in before the password that everybody knows is gone.
        let first_login = Section::of(&instance).at("first_login").is_present().then(|| login::KEY.to_owned());
        let open: Vec<String> = ["container".to_owned()].into_iter().chain(first_login).collect();
        let host =
            || address(instance.connections.first().map(|connection| connection.name.clone()).unwrap_or_default());
        let output = |name: &str, value: Value, true_after: Vec<String>| Output {
            name: name.to_owned(),
            value: value.into(),
            true_after,
        };
        let mut outputs =
            vec![output("name", wish.name.clone().into(), Vec::new()), output("host", host().into(), Vec::new())];
        if let (Some(listen), Some((port, _))) = (wish.listen_port, wish.ports.first()) {
            let at = [host(), literal(format!(":{port}"))].concat();
            let url = [literal("http://"), at.clone()].concat();
            outputs.extend([
                output("address", at.into(), open.clone()),
                output("url", url.into(), open),
                output("port", i64::from(*port).into(), Vec::new()),
                output("listen_port", i64::from(listen).into(), Vec::new()),
            ]);
        }
        Ok(Offered { makes: Vec::new(), outputs, diagnostics: Vec::new() })
    }

    fn plan(instance: Instance) -> Result<Planned, Vec<Diagnostic>> {
        plan::plan(&instance)
    }
}

stackrun_plugin::export!(Container);
