//! `services`: verbs of connections.

use wasmtime::component::Resource;

use crate::{
    capability::{
        Step,
        services::{ServiceRun, verb},
    },
    plugin::{
        bindings::stackrun::plugin::services as wit,
        call::{Call, Outside},
    },
};

impl wit::Host for Call {
    /// Names alone; nothing is asked of the world for them.
    fn verbs(&mut self, connection: String) -> wasmtime::Result<Vec<String>> {
        let Outside { world, gate } = self.outside("services.verbs")?;
        let verbs = match gate.service_names(&connection) {
            Ok(permit) => world.host_file.connections.get(permit.subject()).map(verb::names).unwrap_or_default(),
            Err(denial) => {
                self.denied(denial);
                Vec::new()
            }
        };
        self.record("services.verbs", &verbs)?;
        Ok(verbs)
    }

    fn run(&mut self, connection: String, verb: String) -> wasmtime::Result<Resource<Step>> {
        self.step(Step::ServiceRun(ServiceRun { connection, verb }))
    }
}
