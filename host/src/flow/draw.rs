//! Has every instance planned, each as soon as it can be, and puts the plan together.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use anyhow::Context;
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::{Drawn, Flow, LoadedPlugin, by_hand, denied, pin, ready, say};
use crate::{
    apply::gates_of,
    capability::{Gate, StepKind, grants::Filling},
    draft::Planned,
    exit::{Ended, Exit},
    model::{
        Denial, Denials, Diagnostic, Grants, InstanceView, Making, Presence, Thing, WriteMode,
        value::{Address, Target},
    },
    plan::{Assembled, Binding, Drafted, assemble, preview},
    plugin::{PluginFault, SLOTS, What},
    reference::{Schedule, Views, picked},
    spec::{Instance, Spec},
    state::{InstanceRecord, other_stacks},
    world::World,
};

impl Flow {
    /// A plan of the stack as the world is now.
    pub async fn plan(&self) -> Result<Drawn, Ended> {
        let recorded = self.world.state.instances()?;
        self.declare(&recorded)?;
        let secrets = self.presences()?;
        tracing::debug!("asking the plugins");
        let drafted = self.drafts(&recorded, &secrets).await;
        self.world.vault.clear_outdated();
        let (mut drafts, problems) = drafted?;
        tracing::debug!("the plugins have answered");
        self.refuse(problems)?;
        pin::images(&mut drafts, &self.spec.stack, &self.world).await.map_err(anyhow::Error::new)?;
        pin::adopted(&mut drafts, &self.spec.stack, &self.world).map_err(anyhow::Error::new)?;
        let others = other_stacks(&self.host_file.state, &self.spec.stack);
        let assembled = Assembled {
            stack: &self.spec.stack,
            instances: self.spec.instances.iter().map(|instance| &instance.address).collect(),
            drafts,
            edges: self.graph.edges().clone(),
            recorded: &recorded,
            others: &others,
            last_plugins: self.world.state.plugins()?,
            printed: self.printed(),
            binding: Binding { secrets, ..self.binding.clone() },
            plain: &|target| self.world.vault.plain_marker(target),
        };
        let mut plan = match assemble(assembled) {
            Ok(plan) => plan,
            Err(problems) => {
                say(&problems, &self.sources);
                return Err(Ended::said(Exit::Invalid));
            }
        };
        let gates = gates_of(&plan);
        by_hand::drop_satisfied(&mut plan, &self.world, &gates).await;
        self.refuse(ready::problems(&plan, &self.world, &gates))?;
        self.refuse(ready::overlapping(&plan, &self.world, &gates).await?)?;
        preview(&mut plan, &self.world, &gates).await;
        tracing::debug!("the plan is drawn");
        plan.note_carried(self.world.memo.carried());
        plan.binding.observations = self.world.memo.digests();
        if let Some(ahead) = &self.ahead {
            ahead.keep(&self.world.memo);
        }
        Ok(Drawn { urls: self.urls(), plan, gates })
    }

    /// Everything that instances make, or made when they were still in the spec, has to be known to the vault.
    fn declare(&self, recorded: &[InstanceRecord]) -> Result<(), Ended> {
        for record in recorded {
            self.world.vault.declare(&record.address, &self.world.state.makings(&record.address)?);
        }
        let mut denials = Vec::new();
        for (address, offered) in &self.offered {
            denials.extend(self.denials(address, &offered.makes)?);
            self.world.vault.declare(address, &offered.makes);
        }
        self.end_denied(denials)
    }

    /// Secrets are taken out of files by others only where that is granted.
    fn denials(&self, address: &Address, makings: &[Making]) -> Result<Vec<Denial>, Ended> {
        let (Some(instance), Some(loaded)) = (self.spec.instance(address), self.plugins.of(address.kind())) else {
            return Ok(Vec::new());
        };
        let grants = match self.grants(instance, loaded) {
            Ok(grants) => grants,
            Err(problems) => return self.refuse(problems).map(|()| Vec::new()),
        };
        Ok(Gate::new(&loaded.name, &self.spec.stack, address.clone(), grants).makings(makings))
    }

    /// What was refused ends a run, once all of it is known.
    fn end_denied(&self, denials: Vec<Denial>) -> Result<(), Ended> {
        match denials.is_empty() {
            true => Ok(()),
            false => Err(Ended::new(Exit::Plugin, denied::told(&denials, &self.plugins, &self.host_file))),
        }
    }

    /// Fingerprints of what is there.
    fn presences(&self) -> Result<BTreeMap<String, Option<String>>, Ended> {
        let mut presences = BTreeMap::new();
        for (address, offered) in &self.offered {
            for making in &offered.makes {
                let target = Target::Made(address.clone(), making.name().to_owned());
                let presence = self.world.vault.presence(&target).map_err(anyhow::Error::new)?;
                let fingerprint = match presence {
                    Presence::Present(fingerprint) => Some(fingerprint),
                    Presence::Absent => None,
                    Presence::Lost(message) => return Err(Ended::new(Exit::Error, message)),
                };
                presences.insert(target.to_string(), fingerprint);
            }
        }
        Ok(presences)
    }

    /// Side by side, and whoever uses a value that has to be made is planned after its maker, and told so.
    async fn drafts(
        &self,
        recorded: &[InstanceRecord],
        secrets: &BTreeMap<String, Option<String>>,
    ) -> Result<(Vec<Drafted>, Vec<Diagnostic>), Ended> {
        let owned: HashMap<&Address, &InstanceRecord> =
            recorded.iter().map(|record| (&record.address, record)).collect();
        let (mut schedule, mut drafting) = (Schedule::new(&self.graph), Drafting::default());
        // A call more than there are slots would only hold a thread.
        let (mut waiting, mut asked) = (VecDeque::new(), FuturesUnordered::new());
        loop {
            let idle = asked.is_empty() && waiting.is_empty();
            let ready = schedule.next(idle);
            if ready.is_empty() && idle {
                self.end_denied(drafting.denials(&self.spec))?;
                return Ok(drafting.in_file_order(&self.spec));
            }
            waiting.extend(self.asks(ready, &owned, secrets, &mut drafting, &mut schedule));
            while asked.len() < SLOTS as usize
                && let Some(ask) = waiting.pop_front()
            {
                asked.push(ask.answer(&self.world));
            }
            if let Some((address, answer)) = asked.next().await {
                tracing::debug!("{address} is planned");
                schedule.done(&address);
                match answer? {
                    Answer::Planned(planned) => {
                        self.world.vault.mark_outdated(made_by(&planned));
                        drafting.take(self.draft(&address, planned)?);
                    }
                    Answer::Mistaken(mistakes) => drop(drafting.problems.insert(address, mistakes)),
                    Answer::Denied(denials) => drop(drafting.denied.insert(address, denials)),
                }
            }
        }
    }

    /// What the plugins of these instances are asked. Nobody is asked about one of which a mistake is known.
    fn asks(
        &self,
        ready: BTreeSet<Address>,
        owned: &HashMap<&Address, &InstanceRecord>,
        secrets: &BTreeMap<String, Option<String>>,
        drafting: &mut Drafting,
        schedule: &mut Schedule,
    ) -> Vec<Ask> {
        let mut asks = Vec::new();
        for address in ready {
            let available = |target: &Target| {
                !drafting.remade.contains(target) && secrets.get(&target.to_string()).is_some_and(Option::is_some)
            };
            match self.ask(&address, owned, &available) {
                Ok(Some(ask)) => asks.push(ask),
                Ok(None) => schedule.done(&address),
                Err(mistakes) => {
                    schedule.done(&address);
                    drafting.problems.insert(address, mistakes);
                }
            }
        }
        asks
    }

    /// What a plugin is handed for one instance; none when nobody handles its kind.
    fn ask(
        &self,
        address: &Address,
        owned: &HashMap<&Address, &InstanceRecord>,
        available: &dyn Fn(&Target) -> bool,
    ) -> Result<Option<Ask>, Vec<Diagnostic>> {
        let (Some(instance), Some(loaded)) = (self.spec.instance(address), self.plugins.of(address.kind())) else {
            return Ok(None);
        };
        let owned: Vec<(Thing, bool)> = owned.get(address).map_or_else(Vec::new, |record| {
            record.owns.iter().map(|one| (one.owned.thing.clone(), one.proven)).collect()
        });
        let view = self.views().resolved(instance, &self.graph, &self.offered, available, owned)?;
        let gate = Gate::new(&loaded.name, &self.spec.stack, address.clone(), self.grants(instance, loaded)?);
        Ok(Some(Ask { view, gate: Arc::new(gate), loaded: Arc::clone(loaded) }))
    }

    fn draft(&self, address: &Address, planned: Planned) -> Result<Drafted, Ended> {
        let instance = self.spec.instance(address).context("a planned instance left the spec")?;
        let loaded = self.plugins.of(address.kind()).context("a planned instance lost its plugin")?;
        Ok(Drafted {
            address: address.clone(),
            plugin: loaded.name.clone(),
            grants: self.grants(instance, loaded).map_err(|_| anyhow::anyhow!("the grants of {address} changed"))?,
            makings: self.offered.get(address).map(|offered| offered.makes.clone()).unwrap_or_default(),
            uses: self.graph.uses(address).cloned().collect(),
            planned,
        })
    }

    /// What an instance may do: the grants of its plugin, filled in for it.
    fn grants(&self, instance: &Instance, loaded: &LoadedPlugin) -> Result<Grants, Vec<Diagnostic>> {
        let filling = Filling {
            stack: &self.spec.stack,
            instance: &instance.address,
            section: self.graph.section(&instance.address).unwrap_or(&instance.section),
            connections: &picked(instance, loaded.plugin.description(), &self.host_file)?,
            host_file: &self.host_file,
        };
        Ok(filling.fill(&loaded.grants))
    }

    fn views(&self) -> Views<'_> {
        Views { spec: &self.spec, catalog: &self.catalog, contracts: &self.contracts, host_file: Some(&self.host_file) }
    }

    fn printed(&self) -> BTreeSet<String> {
        let printed = self.host_file.connections.values().filter(|one| one.write == WriteMode::Print);
        printed.map(|connection| connection.name.clone()).collect()
    }

    /// Outputs called `url`, as a person would open them.
    fn urls(&self) -> BTreeMap<String, String> {
        let url = |(address, offered): (&Address, &crate::model::Offered)| {
            let output = offered.outputs.iter().find(|output| output.name == "url")?;
            Some((address.to_string(), output.value.as_str()?.to_owned()))
        };
        self.offered.iter().filter_map(url).collect()
    }

    fn refuse(&self, problems: Vec<Diagnostic>) -> Result<(), Ended> {
        if problems.iter().any(Diagnostic::is_error) {
            say(&problems, &self.sources);
            let exit = if self.world.memo.unanswered() { Exit::Error } else { Exit::Invalid };
            return Err(Ended::said(exit));
        }
        Ok(())
    }
}

/// What plugins have answered so far.
#[derive(Default)]
struct Drafting {
    drafts: HashMap<Address, Drafted>,
    problems: HashMap<Address, Vec<Diagnostic>>,
    denied: HashMap<Address, Denials>,
    /// Values that steps make, or make anew: not known to whoever is planned from now on.
    remade: HashSet<Target>,
}

impl Drafting {
    fn take(&mut self, draft: Drafted) {
        let errors = draft.planned.diagnostics.iter().filter(|one| one.is_error()).cloned();
        self.problems.insert(draft.address.clone(), errors.collect());
        self.remade.extend(made_by(&draft.planned));
        self.drafts.insert(draft.address.clone(), draft);
    }

    fn denials(&self, spec: &Spec) -> Vec<Denial> {
        let denied = spec.instances.iter().filter_map(|instance| self.denied.get(&instance.address));
        denied.flat_map(|denials| &denials.0).cloned().collect()
    }

    /// Whoever was faster: the same world gives the same plan, and the same messages.
    fn in_file_order(mut self, spec: &Spec) -> (Vec<Drafted>, Vec<Diagnostic>) {
        let addresses = || spec.instances.iter().map(|instance| &instance.address);
        let problems = addresses().filter_map(|address| self.problems.remove(address)).flatten().collect();
        (addresses().filter_map(|address| self.drafts.remove(address)).collect(), problems)
    }
}

/// One instance about to be planned.
struct Ask {
    view: InstanceView,
    gate: Arc<Gate>,
    loaded: Arc<LoadedPlugin>,
}

/// What a plugin has answered. One that was denied something has not; the others are asked all the same, so that all
/// that has to be granted is said at once.
enum Answer {
    Planned(Planned),
    Mistaken(Vec<Diagnostic>),
    Denied(Denials),
}

impl Ask {
    /// The guest runs on a thread of its own, so that all of them observe side by side.
    async fn answer(self, world: &Arc<World>) -> (Address, Result<Answer, Ended>) {
        let Ask { view, gate, loaded } = self;
        let address = view.address.clone();
        let world = Arc::clone(world);
        let called = tokio::task::spawn_blocking(move || loaded.plugin.plan(&view, world, gate)).await;
        let answer = match called {
            Ok(Ok(Ok(planned))) => Ok(Answer::Planned(planned)),
            Ok(Ok(Err(mistakes))) => Ok(Answer::Mistaken(mistakes)),
            Ok(Err(PluginFault { what: What::Denied(denials), .. })) => Ok(Answer::Denied(denials)),
            Ok(Err(fault)) => Err(Ended::new(Exit::Plugin, fault.to_string())),
            Err(panic) => Err(Ended::new(Exit::Error, format!("{address}: planning panicked: {panic}"))),
        };
        (address, answer)
    }
}

/// What the steps of a plan make, or make anew.
fn made_by(planned: &Planned) -> Vec<Target> {
    let steps = planned.actions.iter().flat_map(|action| &action.moves).map(|one| &one.step);
    steps.flat_map(|step| step.facts().makes).cloned().collect()
}
