//! `types`: steps and conditions, and what is made of them.

use wasmtime::component::Resource;

use crate::{
    condition::{Condition, Vantage},
    plugin::{
        bindings::stackrun::plugin::types,
        call::Call,
        convert::{timeout, words},
    },
    step::{Await, Step, Unless},
    value::{Text, Tree},
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
        let Condition { kind, .. } = self.get(&condition)?;
        self.condition(Condition { kind, vantage: Vantage::Container { connection, name: container } })
    }

    fn from_consumers(&mut self, condition: Resource<Condition>) -> wasmtime::Result<Resource<Condition>> {
        let Condition { kind, .. } = self.get(&condition)?;
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

    use super::{types::Host, *};
    use crate::plugin::limits::Limits;

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
