//! Making a container. It is not started.

use anyhow::anyhow;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Moment, mounts, ours, permit, shown};
use crate::{
    capability::{
        Acting, Destroys, Facts, Gate, Preview, Repeat, Settles, StepFailure, StepKind, WrittenBy,
        containers::{
            ContainerQuestion, INSTANCE_LABEL, STACK_LABEL,
            client::{CreateBody, Inspect},
            env_place,
        },
    },
    model::{Denial, desired::Definition},
};

/// `containers.create`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ContainerCreate {
    pub connection: String,
    pub definition: Box<Definition>,
}

impl ContainerCreate {
    /// One line: what it does.
    pub fn headline(&self) -> String {
        let Definition { name, image, image_id, .. } = &*self.definition;
        match image_id {
            Some(id) => format!("create container {name} from {image} ({})", short(id)),
            None => format!("create container {name} from {image}"),
        }
    }

    fn question(&self) -> ContainerQuestion {
        ContainerQuestion { connection: self.connection.to_owned(), wanted: (*self.definition).clone() }
    }

    /// Whether the container that is there is the one that this step makes.
    async fn is(&self, found: &Inspect, acting: &Acting<'_>) -> Result<bool, StepFailure> {
        let permit = acting.gate.container_define(self.question())?;
        Ok(acting.world.container_differs(&permit, found).await?.is_empty())
    }

    fn remember_env(&self, env: &[(String, Zeroizing<String>)], acting: &Acting<'_>) -> Result<(), StepFailure> {
        for ((key, text), (_, value)) in self.definition.env.iter().zip(env) {
            if text.as_literal().is_some() {
                continue;
            }
            let place = env_place(&self.connection, self.definition.lasting_name(), key);
            let record = acting.world.place_record(text, value.as_bytes())?;
            acting.world.state.set_place(&place, record.as_ref())?;
        }
        Ok(())
    }
}

/// As people read identifiers: twelve digits.
fn short(id: &str) -> &str {
    let end = id.find(':').map_or(0, |colon| colon + 1) + 12;
    id.get(..end).unwrap_or(id)
}

impl StepKind for ContainerCreate {
    /// Whether a container of that name was there: then it is not this step's to take away.
    type Before = bool;

    fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        gate.container_define(self.question()).map(|_| ())
    }

    async fn preview(&self, acting: &Acting<'_>) -> Preview {
        Preview {
            headline: self.headline(),
            lines: shown::difference(&self.connection, &self.definition, acting).await,
        }
    }

    async fn before(&self, acting: &Acting<'_>) -> Result<bool, StepFailure> {
        self.permit(acting.gate)?;
        let engine = acting.world.connections.engine(&self.connection)?;
        Ok(engine.inspect(&self.definition.name).await?.is_some())
    }

    async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let defined = acting.gate.container_define(self.question())?;
        let missing = acting.gate.container_mounts(&defined)?;
        let definition = &defined.subject().wanted;
        let name = &definition.name;
        if definition.image_id.is_none() {
            return Err(anyhow!(
                "the plan does not say which image `{}` stands for, and a name alone may stand for another one by now\n  \
                 make a new plan",
                definition.image
            )
            .into());
        }
        let (engine, found) = ours(acting, &self.connection, name).await?;
        if let Some(found) = found {
            if self.is(&found, acting).await? {
                return Ok(());
            }
            return Err(anyhow!("there is another container `{name}` of this instance already").into());
        }
        mounts::refuse(acting, &self.connection, name, &definition.mounts, &missing, Moment::Making).await?;
        let env: Vec<(String, Zeroizing<String>)> = definition
            .env
            .iter()
            .map(|(key, value)| Ok((key.clone(), acting.world.vault.fill(value)?)))
            .collect::<Result<_, StepFailure>>()?;
        let instance = acting.gate.instance().to_string();
        let labels = [(STACK_LABEL, acting.gate.stack()), (INSTANCE_LABEL, instance.as_str())];
        let body = CreateBody::new(definition, &env, &labels, &engine);
        let subject = permit(acting.gate, &self.connection, name)?;
        match engine.create(&subject, &body).await {
            Err(error) if error.is_not_found() => Err(anyhow!(
                "connection `{}`: the image {} ({}) is not there any more\n  \
                 pull or build it and make a new plan: stackrun fetches no image",
                &self.connection,
                definition.image,
                short(definition.image_reference())
            )
            .into()),
            // Each engine says in words of its own that somebody was faster.
            Err(_) if engine.inspect(name).await?.is_some() => {
                Err(anyhow!("connection `{}`: there is a container named `{name}` already", &self.connection).into())
            }
            Err(error) => Err(error.into()),
            Ok(()) => self.remember_env(&env, acting),
        }
    }

    async fn revert(&self, existed: &bool, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let name = &self.definition.name;
        let (engine, found) = ours(acting, &self.connection, name).await?;
        if *existed || found.is_none() {
            return Ok(());
        }
        Ok(engine.remove(&permit(acting.gate, &self.connection, name)?).await?)
    }

    fn repeat(&self) -> Repeat {
        Repeat::Detectable
    }

    async fn is_done(&self, acting: &Acting<'_>) -> Result<bool, StepFailure> {
        match ours(acting, &self.connection, &self.definition.name).await? {
            (_, Some(found)) => self.is(&found, acting).await,
            _ => Ok(false),
        }
    }

    fn facts(&self) -> Facts<'_> {
        let place = format!("environment of container {}", self.definition.lasting_name());
        Facts {
            fills: self.definition.targets(),
            place: Some(place),
            makes: Vec::new(),
            path: None,
            written_by: WrittenBy::Stackrun,
            destroys: Destroys::Nothing,
            settles: Settles::No,
            takes: None,
        }
    }
}
