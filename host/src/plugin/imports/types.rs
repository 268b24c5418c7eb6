//! `types`: steps and conditions, and what is made of them.

use wasmtime::component::Resource;

use crate::{
    capability::{
        Condition, ConditionKind, Step, Vantage,
        containers::ContainerSubject,
        step::{Await, Unless},
    },
    model::value::{Text, Tree},
    plugin::{
        What,
        bindings::stackrun::plugin::types,
        call::Call,
        convert::{timeout, words},
    },
};

impl types::Host for Call {
    fn await_(&mut self, condition: Resource<Condition>, timeout_ms: u32) -> wasmtime::Result<Resource<Step>> {
        let condition = self.get(&condition)?;
        let bounded = timeout(timeout_ms, || format!("a step that waits until {}", words::line(&condition.says())));
        let timeout_ms = self.or_fail(bounded)?;
        self.step(Step::Await(Await { condition, timeout_ms }))
    }

    fn unless(&mut self, condition: Resource<Condition>, step: Resource<Step>) -> wasmtime::Result<Resource<Step>> {
        let condition = self.get(&condition)?;
        let step = Box::new(self.get(&step)?);
        self.step(Step::Unless(Unless { condition, step }))
    }

    fn from_container(
        &mut self,
        condition: Resource<Condition>,
        connection: String,
        container: String,
    ) -> wasmtime::Result<Resource<Condition>> {
        let kind = self.askable_inside(&condition)?;
        let subject = ContainerSubject { connection: connection.clone(), name: container.clone() };
        if let Some(Err(denial)) = self.outside.as_ref().map(|outside| outside.gate.container(subject)) {
            self.denied(denial);
        }
        self.condition(Condition { kind, vantage: Vantage::Container { connection, name: container } })
    }

    fn from_consumers(&mut self, condition: Resource<Condition>) -> wasmtime::Result<Resource<Condition>> {
        let kind = self.askable_inside(&condition)?;
        self.condition(Condition { kind, vantage: Vantage::Consumers })
    }
}

impl types::HostStep for Call {
    fn drop(&mut self, step: Resource<Step>) -> wasmtime::Result<()> {
        self.dropped(step)
    }
}

impl types::HostCondition for Call {
    fn drop(&mut self, condition: Resource<Condition>) -> wasmtime::Result<()> {
        self.dropped(condition)
    }
}

impl Call {
    /// A container decides what a name leads to in there, and which authorities are trusted: nothing goes in that it could
    /// keep.
    fn askable_inside(&mut self, condition: &Resource<Condition>) -> wasmtime::Result<ConditionKind> {
        let condition = self.get(condition)?;
        match condition.look() {
            Some(_) => Ok(condition.kind),
            None => {
                let told = words::line(&condition.says());
                self.fail(What::Incoherent(format!(
                    "it asks from inside a container whether {told}, and a request from in there is a GET that carries no \
                     secret, no credential and no body"
                )))
            }
        }
    }

    /// A text that the plugin gave.
    pub fn text(&mut self, text: types::Text) -> wasmtime::Result<Text> {
        let text = self.references.text_from_wit(text);
        self.or_fail(text)
    }

    /// A tree that the plugin gave.
    pub fn tree(&mut self, tree: types::Tree) -> wasmtime::Result<Tree> {
        let tree = self.references.tree_from_wit(tree);
        self.or_fail(tree)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::types::Host;
    use super::*;
    use crate::{
        capability::Gate,
        model::{
            ContainersGrant, Grants, HttpGrant,
            desired::{Bearer, Body, Method, Origin, Request},
            value::Address,
        },
        plugin::{Limits, call::Outside},
        test_support::machine::Stage,
    };

    /// What asking from inside this container ends the call with, if it does.
    fn asked_inside(connection: &str, container: &str, change: impl FnOnce(&mut Request)) -> Option<String> {
        let containers = ContainersGrant {
            connections: vec!["podman".into()],
            names: vec!["app".into()],
            ..ContainersGrant::default()
        };
        let http = HttpGrant { own_containers: true, ..HttpGrant::default() };
        let grants = Grants { containers, http, ..Grants::default() };
        let gate = Gate::new("hostile", "media", Address::new("hostile", "app"), grants);
        let mut call = Call::new("hostile".into(), Limits::default());
        call.outside = Some(Outside { world: Stage::new().world.into(), gate: gate.into() });
        let origin = Origin::Container { connection: "podman".into(), name: "app".into(), container_port: 80 };
        let mut request = Request {
            origin,
            method: Method::Get,
            path: Text::literal("/"),
            headers: Vec::new(),
            bearer: None,
            body: Body::None,
            accept: Vec::new(),
            captures: Vec::new(),
        };
        change(&mut request);
        let condition = Condition { kind: ConditionKind::HttpRefuses(request), vantage: Vantage::Host };
        let condition = call.condition(condition).unwrap();
        let _ = call.from_container(condition, connection.into(), container.into());
        call.take_fault().map(|what| what.to_string())
    }

    #[test]
    fn only_an_own_container_is_asked_from_and_no_credential_goes_in() {
        assert_eq!(asked_inside("podman", "app", |_| ()), None);
        for (connection, container) in [("podman", "vaultwarden"), ("docker", "app")] {
            let denied = asked_inside(connection, container, |_| ()).unwrap();
            assert!(denied.contains("was denied `containers"), "{denied}");
        }
        for refused in [
            asked_inside("podman", "app", |request| request.bearer = Some(Bearer::Credential)),
            asked_inside("podman", "app", |request| request.method = Method::Delete),
            asked_inside("podman", "app", |request| request.body = Body::Form(Vec::new())),
        ] {
            assert!(refused.as_ref().is_some_and(|why| why.contains("carries no secret")), "{refused:?}");
        }
    }

    /// What a step that waits for a login is refused with, if it is.
    fn refused(timeout_ms: u32) -> Option<String> {
        let mut call = Call::new("hostile".into(), Limits::default());
        let condition: Condition = serde_json::from_value(json!({
            "kind": { "sql_login": { "connection": "main", "database": "a", "role": "a", "password": null } },
            "vantage": "host",
        }))
        .unwrap();
        let condition = call.condition(condition).unwrap();
        call.await_(condition, timeout_ms).err().map(|error| format!("{error:?}"))
    }

    #[test]
    fn no_step_waits_longer_than_an_hour() {
        assert_eq!(refused(3_600_000), None);
        for longer in [3_600_001, u32::MAX] {
            assert!(refused(longer).is_some(), "{longer} ms");
        }
    }
}
