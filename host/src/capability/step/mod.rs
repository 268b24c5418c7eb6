//! All kinds of steps: the one list of them, from which the [`Step`] and the way to each kind's own module are made.

#[cfg(test)]
mod denied_tests;
mod prove;
mod unless;
mod wait;

use anyhow::Context;
use serde::{Deserialize, Serialize};

pub use prove::ProveFromInside;
pub use unless::Unless;
pub use wait::Await;

use super::{
    Acting, Facts, Gate, Preview, Repeat, StepFailure, StepKind,
    containers::{ContainerCreate, ContainerRemove, ContainerRename, ContainerStart, ContainerStop},
    files::{DirectoryMake, DirectoryRemove, DirectoryRemoveIfEmpty, FileRemove, FileRemoveBlock},
    http::{HttpExchange, HttpSend, send::Requests},
    secrets::{SecretDiscard, SecretGenerate},
    services::ServiceRun,
    sql::{RevokeAdmission, SqlReload, SqlStep},
};
use crate::model::{
    Denial,
    desired::{Admission, Definition, WantedFile},
    value::Target,
};

/// Makes the enum of all kinds, and hands each call on to the kind's own type.
macro_rules! steps {
    ($($variant:ident($kind:ty),)*) => {
        /// One typed effect.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[allow(missing_docs)]
        pub enum Step {
            $($variant($kind),)*
        }

        impl Step {
            /// One line: what it does. The same for the plan, the progress and the errors.
            pub fn headline(&self) -> String {
                match self {
                    $(Step::$variant(kind) => kind.headline(),)*
                }
            }
        }

        impl StepKind for Step {
            type Before = serde_json::Value;

            fn permit(&self, gate: &Gate) -> Result<(), Denial> {
                match self {
                    $(Step::$variant(kind) => kind.permit(gate),)*
                }
            }

            async fn preview(&self, acting: &Acting<'_>) -> Preview {
                match self {
                    $(Step::$variant(kind) => kind.preview(acting).await,)*
                }
            }

            async fn before(&self, acting: &Acting<'_>) -> Result<Self::Before, StepFailure> {
                match self {
                    $(Step::$variant(kind) => to_json(&kind.before(acting).await?),)*
                }
            }

            async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
                match self {
                    $(Step::$variant(kind) => kind.carry_out(acting).await,)*
                }
            }

            async fn revert(&self, before: &Self::Before, acting: &Acting<'_>) -> Result<(), StepFailure> {
                match self {
                    $(Step::$variant(kind) => kind.revert(&from_json(before)?, acting).await,)*
                }
            }

            fn repeat(&self) -> Repeat {
                match self {
                    $(Step::$variant(kind) => kind.repeat(),)*
                }
            }

            async fn is_done(&self, acting: &Acting<'_>) -> Result<bool, StepFailure> {
                match self {
                    $(Step::$variant(kind) => kind.is_done(acting).await,)*
                }
            }

            fn facts(&self) -> Facts<'_> {
                match self {
                    $(Step::$variant(kind) => kind.facts(),)*
                }
            }
        }
    };
}

steps! {
    SecretGenerate(SecretGenerate),
    SecretDiscard(SecretDiscard),
    FileWrite(WantedFile),
    FileRemove(FileRemove),
    FileRemoveBlock(FileRemoveBlock),
    DirectoryMake(DirectoryMake),
    DirectoryRemoveIfEmpty(DirectoryRemoveIfEmpty),
    DirectoryRemove(DirectoryRemove),
    Sql(SqlStep),
    Admit(Admission),
    RevokeAdmission(RevokeAdmission),
    SqlReload(SqlReload),
    ContainerCreate(ContainerCreate),
    ContainerStart(ContainerStart),
    ContainerStop(ContainerStop),
    ContainerRename(ContainerRename),
    ContainerRemove(ContainerRemove),
    ProveFromInside(ProveFromInside),
    HttpSend(HttpSend),
    HttpExchange(HttpExchange),
    ServiceRun(ServiceRun),
    Await(Await),
    Unless(Unless),
}

impl Step {
    /// The same for a reviewer, with what is `plain` in place of the targets that are no secrets.
    pub fn shown(&self, plain: &dyn Fn(&Target) -> Option<String>) -> Step {
        match self {
            Step::HttpSend(step) => Step::HttpSend(step.shown(plain)),
            Step::HttpExchange(step) => Step::HttpExchange(step.shown(plain)),
            Step::Await(step) => Step::Await(step.shown(plain)),
            Step::Unless(step) => Step::Unless(step.shown(plain)),
            // The others show every target by its name.
            other => other.clone(),
        }
    }

    /// Where what it fills in goes, for the list of secrets: `file /srv/…/config.toml`.
    pub fn place(&self) -> String {
        self.facts().place.unwrap_or_else(|| self.headline())
    }

    /// The container that it makes, and the connection to its engine.
    pub fn container_made(&mut self) -> Option<(&str, &mut Definition)> {
        match self {
            Step::ContainerCreate(step) => Some((&step.connection, &mut step.definition)),
            Step::Unless(step) => step.step.container_made(),
            _ => None,
        }
    }
}

fn to_json<T: serde::Serialize>(before: &T) -> Result<serde_json::Value, StepFailure> {
    Ok(serde_json::to_value(before).context("what was there before a step can't be kept")?)
}

fn from_json<T: serde::de::DeserializeOwned>(before: &serde_json::Value) -> Result<T, StepFailure> {
    Ok(serde_json::from_value(before.clone()).context("what was there before a step can't be read")?)
}
