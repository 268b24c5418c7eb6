//! `services`: verbs of connections.

use wasmtime::component::Resource;

use crate::{
    plugin::{
        bindings::stackrun::plugin::services as wit,
        call::{Call, Outside},
    },
    step::Step,
};

impl wit::Host for Call {
    /// Names alone; nothing is asked of the world for them.
    fn verbs(&mut self, connection: String) -> wasmtime::Result<Vec<String>> {
        let Outside { world, .. } = self.outside("services.verbs")?;
        let settings = world.host_file.connections.get(&connection);
        let verbs: Vec<String> = settings.map(|settings| settings.verbs.keys().cloned().collect()).unwrap_or_default();
        self.record("services.verbs", &verbs)?;
        Ok(verbs)
    }

    fn run(&mut self, connection: String, verb: String) -> wasmtime::Result<Resource<Step>> {
        self.step(Step::ServiceRun { connection, verb })
    }
}
