//! Loading plugins and calling them. All functions block: call them from a thread that may, within a tokio runtime
//! (`spawn_blocking`), because questions of the plugin are asked there.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use sha2::{Digest, Sha256};
use wasmtime::{
    Engine, Store, Trap,
    component::{Component, Linker},
};

use super::{
    Doing, Limits, PluginFault, Recorder, SLOTS, Unfit, What,
    bindings::{self, PluginPre, exports::stackrun::plugin::guest::Guest},
    builtin::Builtin,
    cache,
    call::{Call, Outside},
    convert, engine, imports, inspect,
    recorder::each_string,
    references::References,
    slots::Slots,
};
use crate::{
    cache::Cache,
    capability::Gate,
    draft::Planned,
    model::{Description, Diagnostic, InstanceView, Offered, value::Target},
    world::World,
};

/// What runs plugins. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Engine,
    linker: Linker<Call>,
    cache: Cache,
    limits: Limits,
    recorder: Option<Arc<dyn Recorder>>,
    slots: Slots,
}

/// A plugin: loaded, looked through, linked. Cheap to clone.
#[derive(Clone)]
pub struct Plugin {
    shared: Arc<Shared>,
    name: Arc<str>,
    digest: [u8; 32],
    linked: PluginPre<Call>,
    description: Arc<Description>,
}

impl Runtime {
    /// With the limits that plugins have, and compiled code kept in `cache`.
    ///
    /// # Errors
    /// The cache is open to others; this machine can't run the engine.
    pub fn new(cache: &Path) -> anyhow::Result<Self> {
        Self::with(cache, Limits::default(), None)
    }

    /// With other limits, and with somebody who is told all that crosses into plugins.
    pub fn with(cache: &Path, limits: Limits, recorder: Option<Arc<dyn Recorder>>) -> anyhow::Result<Self> {
        let cache = Cache::open(cache)?;
        let engine =
            engine::engine(&limits).map_err(anyhow::Error::from).context("the WebAssembly engine can't start here")?;
        let mut linker = Linker::new(&engine);
        imports::link(&mut linker).map_err(anyhow::Error::from).context("the plugin world can't be linked")?;
        let slots = Slots::new(SLOTS);
        Ok(Self { shared: Arc::new(Shared { engine, linker, cache, limits, recorder, slots }) })
    }

    /// Where compiled plugins are kept.
    pub fn cache(&self) -> &Cache {
        &self.shared.cache
    }

    /// Loads a component: from the cache where it is, else inspected, compiled, linked and asked what it is. `name` is
    /// what the host file or the binary calls it.
    pub fn load(&self, name: &str, bytes: &[u8]) -> Result<Plugin, PluginFault> {
        self.load_known(name, bytes, Sha256::digest(bytes).into())
    }

    /// Loads a first-party plugin.
    pub fn load_builtin(&self, builtin: &Builtin) -> Result<Plugin, PluginFault> {
        self.load_known(builtin.kind, builtin.bytes, builtin.digest)
    }

    fn load_known(&self, name: &str, bytes: &[u8], digest: [u8; 32]) -> Result<Plugin, PluginFault> {
        let fault = |what| PluginFault { plugin: name.to_owned(), instance: None, doing: Doing::Load, what };
        let key = cache::key(&self.shared.engine, &digest);
        if let Some((component, description)) = cache::load(&self.shared.cache, &self.shared.engine, &key) {
            let linked = self.link(&component).map_err(fault)?;
            return Ok(self.plugin(name, digest, linked, description));
        }
        let imported = inspect::inspect(bytes).map_err(|unfit| fault(unfit.into()))?;
        let component = self.compile(bytes).map_err(fault)?;
        let linked = self.link(&component).map_err(fault)?;
        let description = self.describe(name, &linked)?;
        inspect::asked_for(&imported, &description.capabilities).map_err(|unfit| fault(unfit.into()))?;
        if let Err(error) = cache::store(&self.shared.cache, &key, &component, &description) {
            tracing::warn!("compiled plugins are not kept, and the next run is slower: {error:#}");
        }
        Ok(self.plugin(name, digest, linked, description))
    }

    fn compile(&self, bytes: &[u8]) -> Result<Component, What> {
        Component::from_binary(&self.shared.engine, bytes)
            .map_err(|error| What::Unfit(Unfit::Invalid { reason: error.root_cause().to_string() }))
    }

    fn link(&self, component: &Component) -> Result<PluginPre<Call>, What> {
        let unknown = |error: wasmtime::Error| What::Unfit(Unfit::UnknownFunction { reason: format!("{error:#}") });
        let linked = self.shared.linker.instantiate_pre(component).map_err(unknown)?;
        PluginPre::new(linked).map_err(|error| What::Unfit(Unfit::WrongGuest { reason: format!("{error:#}") }))
    }

    fn describe(&self, name: &str, linked: &PluginPre<Call>) -> Result<Description, PluginFault> {
        let call = Call::new(name.into(), self.shared.limits.clone());
        let asked = self.shared.call(
            call,
            linked,
            |guest, store| guest.call_describe(store),
            |said, _| convert::description(said),
        );
        asked.map_err(|what| PluginFault { plugin: name.to_owned(), instance: None, doing: Doing::Describe, what })
    }

    fn plugin(&self, name: &str, digest: [u8; 32], linked: PluginPre<Call>, description: Description) -> Plugin {
        Plugin { shared: self.shared.clone(), name: name.into(), digest, linked, description: Arc::new(description) }
    }
}

impl Plugin {
    /// SHA-256 of the component.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// What the host file or the binary calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it says of itself.
    pub fn description(&self) -> &Arc<Description> {
        &self.description
    }

    /// All that can be said of a section offline.
    pub fn check(&self, view: &InstanceView) -> Result<Vec<Diagnostic>, PluginFault> {
        let call = self.prepare(view, Some(Vec::new()));
        self.call(
            Doing::Check,
            view,
            call,
            |guest, store, instance| guest.call_check(store, instance),
            |said, _| Ok(convert::diagnostics(said, view)),
        )
    }

    /// What the instance offers to others, from its section alone; or why it can't.
    pub fn outputs(&self, view: &InstanceView) -> Result<Result<Offered, Vec<Diagnostic>>, PluginFault> {
        let call = self.prepare(view, None);
        self.call(
            Doing::Outputs,
            view,
            call,
            |guest, store, instance| guest.call_outputs(store, instance),
            |said, call| match said {
                Ok(offered) => convert::offered(offered, view, call).map(Ok),
                Err(errors) => refusal(convert::diagnostics(errors, view)).map(Err),
            },
        )
    }

    /// What has to be done for the instance, seen through the gate; or why it can't.
    pub fn plan(
        &self,
        view: &InstanceView,
        world: Arc<World>,
        gate: Arc<Gate>,
    ) -> Result<Result<Planned, Vec<Diagnostic>>, PluginFault> {
        let makes = view.makes.iter().map(|(target, _)| target.clone()).collect();
        let mut call = self.prepare(view, Some(makes));
        call.outside = Some(Outside { world, gate });
        call.words = Arc::new(view.words());
        self.call(
            Doing::Plan,
            view,
            call,
            |guest, store, instance| guest.call_plan(store, instance),
            |said, call| match said {
                Ok(planned) => convert::planned(planned, view, call).map(Ok),
                Err(errors) => refusal(convert::diagnostics(errors, view)).map(Err),
            },
        )
    }

    fn prepare(&self, view: &InstanceView, makes: Option<Vec<Target>>) -> Call {
        let given = view.references.iter().map(|(target, _)| target.clone()).collect();
        let mut call = Call::new(self.name.clone(), self.shared.limits.clone());
        call.instance = Some(view.address.clone());
        call.references = References::new(given, makes);
        call.recorder = self.shared.recorder.clone();
        call
    }

    /// Hands the instance over, and brings the answer back.
    fn call<S, T>(
        &self,
        doing: Doing,
        view: &InstanceView,
        call: Call,
        export: impl FnOnce(&Guest, &mut Store<Call>, &bindings::stackrun::plugin::types::Instance) -> wasmtime::Result<S>,
        convert: impl FnOnce(S, &mut Call) -> Result<T, What>,
    ) -> Result<T, PluginFault> {
        let fault =
            |what| PluginFault { plugin: self.name.to_string(), instance: Some(view.address.clone()), doing, what };
        let instance = convert::instance(view, &call.references).map_err(fault)?;
        if let Some(recorder) = &call.recorder {
            let each = |text: &[u8]| {
                recorder.crossed(&self.name, "instance", text);
                true
            };
            each_string(view, each).map_err(|error| fault(What::Host(error)))?;
        }
        self.shared.call(call, &self.linked, |guest, store| export(guest, store, &instance), convert).map_err(fault)
    }
}

/// Why there is no answer. Without an error among them it would look as if nothing were wrong and nothing wanted, and
/// what the instance owns would count as left over.
fn refusal(diagnostics: Vec<Diagnostic>) -> Result<Vec<Diagnostic>, What> {
    if diagnostics.iter().any(Diagnostic::is_error) { Ok(diagnostics) } else { Err(What::NoAnswer) }
}

impl Shared {
    /// One call, in a store of its own.
    fn call<S, T>(
        &self,
        call: Call,
        linked: &PluginPre<Call>,
        export: impl FnOnce(&Guest, &mut Store<Call>) -> wasmtime::Result<S>,
        convert: impl FnOnce(S, &mut Call) -> Result<T, What>,
    ) -> Result<T, What> {
        let _slot = self.slots.take();
        let mut store = Store::new(&self.engine, call);
        store.limiter(|call| &mut call.meter);
        store.set_hostcall_fuel(self.limits.crossing);
        store.set_fuel(self.limits.fuel).map_err(|error| What::Host(error.to_string()))?;
        let answer =
            linked.instantiate(&mut store).and_then(|plugin| export(plugin.stackrun_plugin_guest(), &mut store));
        let call = store.data_mut();
        match (call.take_fault(), answer) {
            (Some(what), _) => Err(what),
            (None, Err(error)) => Err(self.stopped(&error, call)),
            (None, Ok(said)) => convert(said, call),
        }
    }

    /// Why a call came to no end, in words.
    fn stopped(&self, error: &wasmtime::Error, call: &mut Call) -> What {
        let reason = match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => return What::OutOfFuel(self.limits.fuel),
            Some(Trap::UnreachableCodeReached) => "it panicked".to_owned(),
            Some(Trap::StackOverflow) => "its functions call each other too deep".to_owned(),
            Some(Trap::MemoryOutOfBounds) => "it reached outside of its memory".to_owned(),
            Some(trap) => trap.to_string(),
            None => format!("{error:#}"),
        };
        // The engine has no types for these two.
        if reason.contains("fuel allocated for hostcalls has been exhausted") {
            return What::TooMuch(format!("more than {} MiB at once", self.limits.crossing >> 20));
        }
        if reason.contains("unknown handle index") || reason.contains("handle index") {
            return What::ForgedHandle;
        }
        What::Trapped { reason, said: call.said.take() }
    }
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime")
            .field("cache", &self.shared.cache)
            .field("limits", &self.shared.limits)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin")
            .field("name", &self.name)
            .field("description", &self.description)
            .finish_non_exhaustive()
    }
}
