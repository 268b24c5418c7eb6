//! `containers`: definitions, questions to an engine, steps and conditions.

use wasmtime::component::Resource;

use super::ask::Answer;
use crate::{
    capability::{
        Condition, ConditionKind, Gate, Step, Vantage,
        containers::{
            ContainerAnswers, ContainerComparison, ContainerCreate, ContainerQuestion, ContainerRemove,
            ContainerRename, ContainerStart, ContainerStaysUp, ContainerStop, EngineFacts, EngineQuestion, LogLine,
            LogMeaning, PortHolder,
        },
        step::ProveFromInside,
    },
    model::{
        Permit,
        desired::{Definition, ExtraHost, Mount, Port, RestartPolicy},
    },
    plugin::{
        bindings::stackrun::plugin::{containers as wit, types::Text},
        call::{Call, Outside},
        convert::words,
    },
    world::World,
};

impl wit::Host for Call {
    fn compare(
        &mut self,
        connection: String,
        wanted: Vec<Resource<Definition>>,
    ) -> wasmtime::Result<Vec<Answer<ContainerComparison>>> {
        let questions = wanted.iter().map(|wanted| {
            let wanted = self.get(wanted)?;
            Ok(ContainerQuestion { connection: connection.clone(), wanted })
        });
        let questions = questions.collect::<wasmtime::Result<_>>()?;
        self.ask_each("containers.compare", questions, Gate::container_define, World::container_compare)
    }

    fn ours(&mut self, connection: String) -> wasmtime::Result<Answer<Vec<String>>> {
        let Outside { gate, .. } = self.outside("containers.ours")?;
        let label = format!("{}/{}", gate.stack(), gate.instance());
        let ask = async |world: &World, permit: &Permit<EngineQuestion>| world.containers_ours(permit, &label).await;
        self.ask("containers.ours", EngineQuestion { connection }, Gate::engine, ask)
    }

    fn images(&mut self, connection: String, references: Vec<String>) -> wasmtime::Result<Vec<Answer<Option<String>>>> {
        let permit =
            |gate: &Gate, reference| Ok((gate.engine(EngineQuestion { connection: connection.clone() })?, reference));
        let ask = async |world: &World, (permit, reference): &(Permit<EngineQuestion>, String)| {
            world.image_digest(permit, reference).await
        };
        self.ask_each("containers.images", references, permit, ask)
    }

    fn ports(&mut self, connection: String, ports: Vec<u16>) -> wasmtime::Result<Vec<Answer<PortHolder>>> {
        let permit = |gate: &Gate, port| Ok((gate.engine(EngineQuestion { connection: connection.clone() })?, port));
        let ask = async |world: &World, (permit, port): &(Permit<EngineQuestion>, u16)| {
            world.port_holder(permit, *port).await
        };
        self.ask_each("containers.ports", ports, permit, ask)
    }

    fn about(&mut self, connection: String) -> wasmtime::Result<Answer<EngineFacts>> {
        self.ask("containers.about", EngineQuestion { connection }, Gate::engine, World::engine_facts)
    }

    fn create(&mut self, connection: String, definition: Resource<Definition>) -> wasmtime::Result<Resource<Step>> {
        let definition = Box::new(self.get(&definition)?);
        self.step(Step::ContainerCreate(ContainerCreate { connection, definition }))
    }

    fn start(&mut self, connection: String, name: String) -> wasmtime::Result<Resource<Step>> {
        self.step(Step::ContainerStart(ContainerStart { connection, name }))
    }

    fn stop(&mut self, connection: String, name: String) -> wasmtime::Result<Resource<Step>> {
        self.step(Step::ContainerStop(ContainerStop { connection, name }))
    }

    fn rename(&mut self, connection: String, name: String, to: String) -> wasmtime::Result<Resource<Step>> {
        self.step(Step::ContainerRename(ContainerRename { connection, name, to }))
    }

    fn remove(&mut self, connection: String, name: String) -> wasmtime::Result<Resource<Step>> {
        self.step(Step::ContainerRemove(ContainerRemove { connection, name }))
    }

    fn prove_from_inside(&mut self, connection: String, name: String) -> wasmtime::Result<Resource<Step>> {
        self.step(Step::ProveFromInside(ProveFromInside { connection, name, checks: Vec::new() }))
    }

    fn stays_up(&mut self, connection: String, name: String, for_ms: u32) -> wasmtime::Result<Resource<Condition>> {
        let kind = ConditionKind::ContainerStaysUp(ContainerStaysUp { connection, name, for_ms, log: Vec::new() });
        self.condition(Condition { kind, vantage: Vantage::Host })
    }

    fn answers(
        &mut self,
        connection: String,
        name: String,
        container_port: u16,
        path: String,
        statuses: Vec<u16>,
        contains: Option<String>,
    ) -> wasmtime::Result<Resource<Condition>> {
        let log = Vec::new();
        let answers = ContainerAnswers { connection, name, container_port, path, statuses, contains, log };
        self.condition(Condition { kind: ConditionKind::ContainerAnswers(answers), vantage: Vantage::Host })
    }

    fn explained(
        &mut self,
        condition: Resource<Condition>,
        contains: String,
        means: String,
        line: wit::LogLine,
    ) -> wasmtime::Result<Resource<Condition>> {
        let line = match line {
            wit::LogLine::Show => LogLine::Show,
            wit::LogLine::Hide => LogLine::Hide,
        };
        let meaning = LogMeaning { contains, means: words::line(&means), line };
        let condition = self.get(&condition)?.explained(meaning);
        self.condition(condition)
    }
}

impl wit::HostDefinition for Call {
    fn new(&mut self, name: String, image: String) -> wasmtime::Result<Resource<Definition>> {
        self.push(Definition::new(name, image))
    }

    fn set_command(&mut self, definition: Resource<Definition>, command: Vec<String>) -> wasmtime::Result<()> {
        self.edit(&definition, |definition| definition.command = Some(command))
    }

    fn set_entrypoint(&mut self, definition: Resource<Definition>, entrypoint: Vec<String>) -> wasmtime::Result<()> {
        self.edit(&definition, |definition| definition.entrypoint = Some(entrypoint))
    }

    fn add_env(&mut self, definition: Resource<Definition>, key: String, value: Text) -> wasmtime::Result<()> {
        let value = self.text(value)?;
        self.edit(&definition, |definition| definition.env.push((key, value)))
    }

    fn add_label(&mut self, definition: Resource<Definition>, key: String, value: String) -> wasmtime::Result<()> {
        self.edit(&definition, |definition| definition.labels.push((key, value)))
    }

    fn add_port(
        &mut self,
        definition: Resource<Definition>,
        container: u16,
        host_address: Option<String>,
        host: u16,
    ) -> wasmtime::Result<()> {
        self.edit(&definition, |definition| definition.ports.push(Port { container, host_address, host }))
    }

    fn add_mount(
        &mut self,
        definition: Resource<Definition>,
        source: String,
        target: String,
        read_only: bool,
    ) -> wasmtime::Result<()> {
        self.edit(&definition, |definition| definition.mounts.push(Mount { source, target, read_only }))
    }

    fn set_network(&mut self, definition: Resource<Definition>, network: String) -> wasmtime::Result<()> {
        self.edit(&definition, |definition| definition.network = Some(network))
    }

    fn add_extra_host(
        &mut self,
        definition: Resource<Definition>,
        name: String,
        address: String,
    ) -> wasmtime::Result<()> {
        self.edit(&definition, |definition| definition.extra_hosts.push(ExtraHost { name, address }))
    }

    fn set_restart(&mut self, definition: Resource<Definition>, policy: wit::RestartPolicy) -> wasmtime::Result<()> {
        let policy = match policy {
            wit::RestartPolicy::No => RestartPolicy::No,
            wit::RestartPolicy::OnFailure => RestartPolicy::OnFailure,
            wit::RestartPolicy::UnlessStopped => RestartPolicy::UnlessStopped,
            wit::RestartPolicy::Always => RestartPolicy::Always,
        };
        self.edit(&definition, |definition| definition.restart = policy)
    }

    fn set_user(&mut self, definition: Resource<Definition>, user: String) -> wasmtime::Result<()> {
        self.edit(&definition, |definition| definition.user = Some(user))
    }

    fn set_read_only_root(&mut self, definition: Resource<Definition>, read_only: bool) -> wasmtime::Result<()> {
        self.edit(&definition, |definition| definition.read_only_root = read_only)
    }

    fn add_capability(&mut self, definition: Resource<Definition>, name: String) -> wasmtime::Result<()> {
        self.edit(&definition, |definition| definition.add_capabilities.push(name))
    }

    fn drop_capability(&mut self, definition: Resource<Definition>, name: String) -> wasmtime::Result<()> {
        self.edit(&definition, |definition| definition.drop_capabilities.push(name))
    }

    fn set_memory(&mut self, definition: Resource<Definition>, bytes: u64) -> wasmtime::Result<()> {
        self.edit(&definition, |definition| definition.memory = Some(bytes))
    }

    fn renamed(&mut self, definition: Resource<Definition>, name: String) -> wasmtime::Result<Resource<Definition>> {
        let mut definition = self.get(&definition)?;
        let lasting = std::mem::replace(&mut definition.name, name);
        definition.lasting_name.get_or_insert(lasting);
        self.push(definition)
    }

    fn drop(&mut self, definition: Resource<Definition>) -> wasmtime::Result<()> {
        self.dropped(definition)
    }
}
