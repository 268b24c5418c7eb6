//! What is asked of an engine, and what it is told to do. Whatever changes something takes the gate's permit.

use std::time::Duration;

use hyper::Method;

use super::{
    CreateBody, Engine, EngineError, ImageFacts, Inspect, Summary,
    answers::{Info, NetworkFacts, Version},
    call::{CHANGE, part},
    logs,
};
use crate::{
    capability::containers::{ContainerSubject, EngineFacts},
    model::Permit,
};

/// Seconds that a program gets to end by itself.
const GRACE: u64 = 10;

/// How often a list is asked for when the engine refuses.
const LISTINGS: u32 = 5;

impl Engine {
    // ---- questions ---------------------------------------------------------------------------------------

    pub(crate) async fn ask_facts(&self) -> Result<EngineFacts, EngineError> {
        let version: Version = self.get("/version").await?;
        let is_podman = version.components.iter().any(|component| component.name.starts_with("Podman"));
        let info: Info = self.get("/info").await?;
        Ok(EngineFacts {
            flavour: if is_podman { "podman" } else { "docker" }.to_owned(),
            version: version.version,
            rootless: info.rootless || info.security_options.iter().any(|option| option == "name=rootless"),
        })
    }

    /// All containers, running or not. Podman looks at one after the other, and refuses when one is gone meanwhile.
    pub(crate) async fn list(&self) -> Result<Vec<Summary>, EngineError> {
        let mut listed = Err(EngineError::Nonsense(String::new()));
        for _ in 0..LISTINGS {
            listed = self.get("/containers/json?all=true").await;
            if !matches!(listed, Err(EngineError::Refused { .. })) {
                break;
            }
        }
        listed
    }

    /// One container; none when there is no such.
    pub(crate) async fn inspect(&self, name: &str) -> Result<Option<Inspect>, EngineError> {
        found(self.get(&format!("/containers/{}/json", part(name))).await)
    }

    /// One image; none when it is not there.
    pub(crate) async fn image(&self, reference: &str) -> Result<Option<ImageFacts>, EngineError> {
        found(self.get(&format!("/images/{}/json", part(reference))).await)
    }

    /// Whether a network is the one that containers get when they name none. Podman answers with that one for `bridge`
    /// too, whatever its name is.
    pub(crate) async fn is_default_network(&self, network: &str) -> Result<bool, EngineError> {
        if network == "bridge" {
            return Ok(true);
        }
        let (one, default) = tokio::join!(self.network(network), self.default_network());
        let one = one?;
        Ok(one.is_some() && one == *default?)
    }

    /// The identifier of that network; asked once.
    async fn default_network(&self) -> Result<&Option<String>, EngineError> {
        self.default_network.get_or_try_init(|| self.network("bridge")).await
    }

    async fn network(&self, name: &str) -> Result<Option<String>, EngineError> {
        let facts: Option<NetworkFacts> = found(self.get(&format!("/networks/{}", part(name))).await)?;
        Ok(facts.map(|network| network.id))
    }

    /// The last lines that a container wrote, oldest first, with control characters escaped. Foreign text: redact it.
    pub(crate) async fn last_lines(&self, name: &str, count: u32) -> Result<Vec<String>, EngineError> {
        let path = format!("/containers/{}/logs?stdout=true&stderr=true&tail={count}", part(name));
        let bytes = self.get_bytes(&path).await?;
        let mut lines = logs::lines(&bytes);
        let superfluous = lines.len().saturating_sub(usize::try_from(count).unwrap_or(usize::MAX));
        lines.drain(..superfluous);
        Ok(lines)
    }

    // ---- changes -----------------------------------------------------------------------------------------

    pub(crate) async fn create(&self, permit: &Permit<ContainerSubject>, body: &CreateBody) -> Result<(), EngineError> {
        let path = format!("/containers/create?name={}", part(&permit.subject().name));
        self.change(Method::POST, &path, Some(body.to_json()), CHANGE).await
    }

    pub(crate) async fn start(&self, permit: &Permit<ContainerSubject>) -> Result<(), EngineError> {
        self.change(Method::POST, &format!("{}/start", at(permit)), None, CHANGE).await
    }

    /// Asks the program to end, and ends it after ten seconds.
    pub(crate) async fn stop(&self, permit: &Permit<ContainerSubject>) -> Result<(), EngineError> {
        let limit = CHANGE + Duration::from_secs(GRACE);
        self.change(Method::POST, &format!("{}/stop?t={GRACE}", at(permit)), None, limit).await
    }

    /// Both names are the instance's.
    pub(crate) async fn rename(
        &self,
        permit: &Permit<ContainerSubject>,
        to: &Permit<ContainerSubject>,
    ) -> Result<(), EngineError> {
        let path = format!("{}/rename?name={}", at(permit), part(&to.subject().name));
        self.change(Method::POST, &path, None, CHANGE).await
    }

    /// Running or not. Volumes that have a name stay.
    pub(crate) async fn remove(&self, permit: &Permit<ContainerSubject>) -> Result<(), EngineError> {
        self.change(Method::DELETE, &format!("{}?force=true", at(permit)), None, CHANGE).await
    }

    /// Sets up a created container's network and file systems without starting its program. Podman only.
    pub(crate) async fn init(&self, permit: &Permit<ContainerSubject>) -> Result<(), EngineError> {
        let path = format!("/v4.0.0/libpod{}/init", at(permit));
        self.change(Method::POST, &path, None, CHANGE).await
    }
}

fn at(permit: &Permit<ContainerSubject>) -> String {
    format!("/containers/{}", part(&permit.subject().name))
}

fn found<T>(answer: Result<T, EngineError>) -> Result<Option<T>, EngineError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}
