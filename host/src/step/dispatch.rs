//! From the [`Step`] enum to the module of each kind.

use anyhow::Context;

use super::{
    ContainerCreate, ContainerRemove, ContainerRename, ContainerStart, ContainerStop, DirectoryRemove,
    DirectoryRemoveIfEmpty, FileRemove, FileRemoveBlock, Preview, ProveFromInside, Repeat, RevokeAdmission, SqlReload,
    Step, StepFailure, StepKind, http::HttpExchange, service::ServiceRun, wait::Await,
};
use crate::{
    apply::Acting,
    condition::Held,
    gate::{Denial, Gate},
    value::Target,
    wanted::Request,
};

/// Runs `$body` with `$kind` bound to the step as its own type; `Unless` has no type of its own and is said apart.
macro_rules! with_kind {
    ($step:expr, $kind:ident => $body:expr, unless ($condition:ident, $inner:ident) => $unless:expr) => {
        match $step {
            Step::SecretGenerate($kind) => $body,
            Step::SecretDiscard($kind) => $body,
            Step::FileWrite($kind) => $body,
            Step::FileRemove { path } => with_kind!(@ $kind = FileRemove { path } => $body),
            Step::FileRemoveBlock { path, comment } => with_kind!(@ $kind = FileRemoveBlock { path, comment } => $body),
            Step::DirectoryMake($kind) => $body,
            Step::DirectoryRemoveIfEmpty { path } => with_kind!(@ $kind = DirectoryRemoveIfEmpty { path } => $body),
            Step::DirectoryRemove { path } => with_kind!(@ $kind = DirectoryRemove { path } => $body),
            Step::Sql($kind) => $body,
            Step::Admit($kind) => $body,
            Step::RevokeAdmission { connection } => with_kind!(@ $kind = RevokeAdmission { connection } => $body),
            Step::SqlReload { connection } => with_kind!(@ $kind = SqlReload { connection } => $body),
            Step::ContainerCreate { connection, definition } => {
                with_kind!(@ $kind = ContainerCreate { connection, definition } => $body)
            }
            Step::ContainerStart { connection, name } => with_kind!(@ $kind = ContainerStart { connection, name } => $body),
            Step::ContainerStop { connection, name } => with_kind!(@ $kind = ContainerStop { connection, name } => $body),
            Step::ContainerRename { connection, name, to } => {
                with_kind!(@ $kind = ContainerRename { connection, name, to } => $body)
            }
            Step::ContainerRemove { connection, name } => with_kind!(@ $kind = ContainerRemove { connection, name } => $body),
            Step::ProveFromInside { connection, name, checks } => {
                with_kind!(@ $kind = ProveFromInside { connection, name, checks } => $body)
            }
            Step::HttpSend(request) => with_kind!(@ $kind = HttpExchange::of(request) => $body),
            Step::HttpExchange(requests) => with_kind!(@ $kind = HttpExchange { requests } => $body),
            Step::ServiceRun { connection, verb } => with_kind!(@ $kind = ServiceRun { connection, verb } => $body),
            Step::Await { condition, timeout_ms } => {
                with_kind!(@ $kind = Await { condition, timeout_ms: *timeout_ms } => $body)
            }
            Step::Unless { condition: $condition, step: $inner } => $unless,
        }
    };
    (@ $kind:ident = $value:expr => $body:expr) => {{
        let $kind = &$value;
        $body
    }};
}

impl Step {
    /// One line: what it does. The same for the plan, the progress and the errors.
    pub fn headline(&self) -> String {
        with_kind!(self, kind => kind.headline(), unless (condition, step) =>
            format!("unless {}: {}", condition.says(), step.headline()))
    }

    /// The same for a reviewer, with what is `plain` in place of the targets that are no secrets.
    pub fn shown(&self, plain: &dyn Fn(&Target) -> Option<String>) -> Step {
        match self {
            Step::HttpSend(request) => Step::HttpSend(Box::new(request.with_known(plain))),
            Step::HttpExchange(requests) => {
                Step::HttpExchange(requests.iter().map(|request| request.with_known(plain)).collect())
            }
            Step::Unless { condition, step } => {
                Step::Unless { condition: condition.clone(), step: Box::new(step.shown(plain)) }
            }
            other => other.clone(),
        }
    }

    /// Where what it fills in goes, for the list of secrets: `file /srv/…/config.toml`.
    pub fn place(&self) -> String {
        match self {
            Step::FileWrite(wanted) => format!("file {}", wanted.path),
            Step::Sql(step) => format!("server {}", step.connection),
            Step::ContainerCreate { definition, .. } => {
                format!("environment of container {}", definition.lasting_name())
            }
            Step::HttpSend(request) => HttpExchange::of(request).place(),
            Step::HttpExchange(requests) => HttpExchange { requests }.place(),
            Step::SecretGenerate(_) => "the store".to_owned(),
            Step::Unless { step, .. } => step.place(),
            other => other.headline(),
        }
    }
}

impl StepKind for Step {
    type Before = serde_json::Value;

    fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        with_kind!(self, kind => kind.permit(gate), unless (condition, step) => {
            condition.permit(gate)?;
            step.permit(gate)
        })
    }

    async fn preview(&self, acting: &Acting<'_>) -> Preview {
        with_kind!(self, kind => kind.preview(acting).await, unless (condition, step) => {
            let preview = Box::pin(step.preview(acting)).await;
            Preview { headline: format!("unless {}: {}", condition.says(), preview.headline), ..preview }
        })
    }

    async fn before(&self, acting: &Acting<'_>) -> Result<Self::Before, StepFailure> {
        with_kind!(self, kind => to_json(&kind.before(acting).await?), unless (_condition, step) =>
            Box::pin(step.before(acting)).await)
    }

    async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
        with_kind!(self, kind => kind.carry_out(acting).await, unless (condition, step) => {
            if matches!(condition.ask(acting).await, Ok(Held::Yes)) {
                return Ok(());
            }
            Box::pin(step.carry_out(acting)).await
        })
    }

    async fn revert(&self, before: &Self::Before, acting: &Acting<'_>) -> Result<(), StepFailure> {
        with_kind!(self, kind => kind.revert(&from_json(before)?, acting).await, unless (_condition, step) =>
            Box::pin(step.revert(before, acting)).await)
    }

    fn repeat(&self) -> Repeat {
        with_kind!(self, kind => kind.repeat(), unless (_condition, step) => step.repeat())
    }

    async fn is_done(&self, acting: &Acting<'_>) -> Result<bool, StepFailure> {
        with_kind!(self, kind => kind.is_done(acting).await, unless (_condition, step) =>
            Box::pin(step.is_done(acting)).await)
    }

    fn targets(&self) -> Vec<&Target> {
        match self {
            Step::SecretGenerate(step) => step.targets(),
            Step::SecretDiscard(step) => step.targets(),
            Step::FileWrite(wanted) => wanted.content.targets(),
            Step::Sql(step) => step.targets(),
            Step::ContainerCreate { definition, .. } => {
                definition.env.iter().flat_map(|(_, value)| value.targets()).collect()
            }
            Step::HttpSend(request) => request.targets(),
            Step::HttpExchange(requests) => requests.iter().flat_map(Request::targets).collect(),
            Step::Await { condition, .. } => condition.targets(),
            Step::ProveFromInside { checks, .. } => {
                checks.iter().flat_map(|(_, check)| check.condition.targets()).collect()
            }
            Step::Unless { condition, step } => condition.targets().into_iter().chain(step.targets()).collect(),
            Step::FileRemove { .. }
            | Step::FileRemoveBlock { .. }
            | Step::DirectoryMake(_)
            | Step::DirectoryRemoveIfEmpty { .. }
            | Step::DirectoryRemove { .. }
            | Step::Admit(_)
            | Step::RevokeAdmission { .. }
            | Step::SqlReload { .. }
            | Step::ContainerStart { .. }
            | Step::ContainerStop { .. }
            | Step::ContainerRename { .. }
            | Step::ContainerRemove { .. }
            | Step::ServiceRun { .. } => Vec::new(),
        }
    }
}

fn to_json<T: serde::Serialize>(before: &T) -> Result<serde_json::Value, StepFailure> {
    Ok(serde_json::to_value(before).context("what was there before a step can't be kept")?)
}

fn from_json<T: serde::de::DeserializeOwned>(before: &serde_json::Value) -> Result<T, StepFailure> {
    Ok(serde_json::from_value(before.clone()).context("what was there before a step can't be read")?)
}
