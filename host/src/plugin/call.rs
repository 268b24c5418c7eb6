//! One call of a plugin, as its imports see it. Made for the call and dropped with it: nothing passes between calls.

use std::{collections::HashSet, sync::Arc};

use serde::Serialize;
use wasmtime::component::{Resource, ResourceTable};

use super::{Limits, Recorder, What, limits::Meter, references::References};
use crate::{
    capability::{Condition, Gate, Step, StepKind},
    model::{
        Denial, Denials,
        value::{Address, Target},
    },
    world::World,
};

/// What the imports have at hand.
pub struct Call {
    pub plugin: Arc<str>,
    pub instance: Option<Address>,
    /// Where questions go; none where none may be asked.
    pub outside: Option<Outside>,
    pub references: References,
    /// What the instance's section and connections say, word by word: nothing else may be looked for in a file.
    pub words: Arc<HashSet<String>>,
    pub meter: Meter,
    pub recorder: Option<Arc<dyn Recorder>>,
    /// The last message that the plugin logged.
    pub said: Option<String>,
    table: ResourceTable,
    /// The first thing that went wrong; the call ends with it, whatever the plugin makes of it.
    fault: Option<What>,
}

/// The world, and the gate before it.
#[derive(Clone)]
pub struct Outside {
    pub world: Arc<World>,
    pub gate: Arc<Gate>,
}

impl Call {
    /// A call that has used nothing yet.
    pub fn new(plugin: Arc<str>, limits: Limits) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.resources);
        Self {
            plugin,
            instance: None,
            outside: None,
            references: References::new(Vec::new(), Some(Vec::new())),
            words: Arc::default(),
            meter: Meter::new(limits),
            recorder: None,
            said: None,
            table,
            fault: None,
        }
    }

    /// Ends the call with a fault.
    pub fn fail<T>(&mut self, what: What) -> wasmtime::Result<T> {
        self.fault.get_or_insert(what);
        Err(wasmtime::Error::msg("stopped by the host"))
    }

    /// The value, or the end of the call.
    pub fn or_fail<T>(&mut self, result: Result<T, What>) -> wasmtime::Result<T> {
        match result {
            Ok(value) => Ok(value),
            Err(what) => self.fail(what),
        }
    }

    /// Notes a denial. The plugin may go on, and learns no more than that; but the call ends with it.
    pub fn denied(&mut self, denial: Denial) {
        if let What::Denied(denials) = self.fault.get_or_insert_with(|| What::Denied(Denials::default())) {
            denials.note(denial);
        }
    }

    /// What went wrong, as far as the host has seen it.
    pub fn take_fault(&mut self) -> Option<What> {
        self.fault.take().or_else(|| self.meter.refused())
    }

    /// Hands out a resource.
    pub fn push<T: Serialize + Send + 'static>(&mut self, value: T) -> wasmtime::Result<Resource<T>> {
        let kept = self.meter.keep(&value);
        self.or_fail(kept)?;
        match self.table.push(value) {
            Ok(handle) => Ok(handle),
            Err(_) => {
                let most = self.meter.limits().resources;
                self.fail(What::TooMuch(format!("more than {most} resources at one time")))
            }
        }
    }

    /// The resource behind a handle.
    pub fn get<T: Clone + 'static>(&mut self, handle: &Resource<T>) -> wasmtime::Result<T> {
        match self.table.get(handle) {
            Ok(value) => Ok(value.clone()),
            Err(_) => self.fail(What::ForgedHandle),
        }
    }

    /// The resource behind a handle, to be built up.
    pub fn edit<T: Serialize + 'static>(
        &mut self,
        handle: &Resource<T>,
        edit: impl FnOnce(&mut T),
    ) -> wasmtime::Result<()> {
        let kept = match self.table.get_mut(handle) {
            Ok(value) => {
                edit(value);
                self.meter.keep(value)
            }
            Err(_) => Err(What::ForgedHandle),
        };
        self.or_fail(kept)
    }

    /// Takes a resource back: dropped by the plugin, or part of its answer.
    pub fn take<T: 'static>(&mut self, handle: Resource<T>) -> Result<T, What> {
        self.table.delete(handle).map_err(|_| What::ForgedHandle)
    }

    /// The plugin drops a handle.
    pub fn dropped<T: 'static>(&mut self, handle: Resource<T>) -> wasmtime::Result<()> {
        let taken = self.take(handle).map(drop);
        self.or_fail(taken)
    }

    /// Hands out a step, once the gate has looked at it.
    pub fn step(&mut self, step: Step) -> wasmtime::Result<Resource<Step>> {
        if let Some(Err(denial)) = self.outside.as_ref().map(|outside| step.permit(&outside.gate)) {
            self.denied(denial);
        }
        self.push(step)
    }

    /// Hands out a condition, once the gate has looked at it.
    pub fn condition(&mut self, condition: Condition) -> wasmtime::Result<Resource<Condition>> {
        if let Some(Err(denial)) = self.outside.as_ref().map(|outside| condition.permit(&outside.gate)) {
            self.denied(denial);
        }
        self.push(condition)
    }

    /// What a reference stands for.
    pub fn target(&mut self, reference: u32) -> wasmtime::Result<Target> {
        let target = self.references.target(reference);
        self.or_fail(target)
    }
}
