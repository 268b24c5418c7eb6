//! Asking from inside a container, before its program starts, whether what it needs is there: the database lets it in,
//! the identity provider answers. A program that finds nothing of that would crash, and say less about it.

use anyhow::anyhow;
use serde::{Deserialize, Serialize};

use super::{Part, Step};
use crate::{
    capability::{
        Acting, Check, Facts, Gate, Preview, PreviewLine, Repeat, Sign, StepFailure, StepKind,
        condition::{Proof, prove},
        containers::step::{ours_there, permit},
    },
    model::{Denial, value::Address},
    words::printable,
};

/// `containers.prove-from-inside`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProveFromInside {
    /// `docker-api` connection.
    pub connection: String,
    /// Name of the container.
    pub name: String,
    /// What is asked, and in whose name.
    pub checks: Vec<(Address, Check)>,
}

impl ProveFromInside {
    /// One line: what it does.
    pub fn headline(&self) -> String {
        match self.checks.len() {
            0 => format!("set up the network of container {} on {}", self.name, self.connection),
            1 => format!("ask from inside container {} on {}, before its program starts", self.name, self.connection),
            count => {
                let Self { connection, name, .. } = self;
                format!("ask {count} things from inside container {name} on {connection}, before its program starts")
            }
        }
    }
}

impl ProveFromInside {
    pub(super) fn inner(&self) -> Vec<Part<'_>> {
        self.checks.iter().map(|(_, check)| Part::Condition(&check.condition)).collect()
    }

    pub(super) fn each_inner_mut(&mut self, _: &mut dyn FnMut(&mut Step)) {}
}

impl StepKind for ProveFromInside {
    type Before = ();

    fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        permit(gate, &self.connection, &self.name).map(|_| ())
    }

    async fn preview(&self, acting: &Acting<'_>) -> Preview {
        let line = |text: String| PreviewLine { sign: Sign::Same, text };
        let mut lines: Vec<PreviewLine> =
            self.checks.iter().map(|(owner, check)| line(format!("{owner}: {}", printable(&check.says)))).collect();
        let can = match acting.world.connections.engine(&self.connection) {
            Ok(engine) => engine.is_podman().await.unwrap_or(true),
            Err(_) => true,
        };
        if !can {
            lines
                .push(line("Docker can't set up a network without starting the program: asked after the start".into()));
        }
        Preview { headline: self.headline(), lines }
    }

    async fn before(&self, _: &Acting<'_>) -> Result<(), StepFailure> {
        Ok(())
    }

    async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let (engine, container) = ours_there(acting, &self.connection, &self.name).await?;
        if !engine.is_podman().await? {
            return Ok(());
        }
        // One that was set up before has a process already, that waits to become the program.
        if container.state.pid == 0 {
            engine.init(&permit(acting.gate, &self.connection, &self.name)?).await?;
        }
        for (owner, check) in &self.checks {
            let acting = acting
                .in_the_name_of(owner)
                .ok_or_else(|| anyhow!("{owner} wants something proved, and has no grant in this run"))?;
            if let Proof::Failed(because) = prove(check, &acting).await? {
                return Err(StepFailure::Unproven { says: format!("{owner}: {}", check.says), because });
            }
        }
        Ok(())
    }

    /// A network that was set up holds the published ports, and the old container could not start again.
    async fn revert(&self, _: &(), acting: &Acting<'_>) -> Result<(), StepFailure> {
        let (engine, found) = crate::capability::containers::step::ours(acting, &self.connection, &self.name).await?;
        match found {
            Some(container) if container.state.pid != 0 && !container.state.running => {
                Ok(engine.stop(&permit(acting.gate, &self.connection, &self.name)?).await?)
            }
            _ => Ok(()),
        }
    }

    fn repeat(&self) -> Repeat {
        Repeat::Repeatable
    }

    async fn is_done(&self, _: &Acting<'_>) -> Result<bool, StepFailure> {
        Ok(false)
    }

    /// It asks, and does nothing; what it sends is asked of its conditions ([`Step::parts`](super::Step::parts)).
    fn facts(&self) -> Facts<'_> {
        Facts::NONE
    }
}
