//! All kinds of steps: the one list of them, from which the [`Step`] and the way to each kind's own module are made.

mod claim;
#[cfg(test)]
mod conformance_tests;
#[cfg(test)]
mod converging_tests;
#[cfg(test)]
mod denied_tests;
mod prove;
mod together;
mod unless;
mod wait;

use anyhow::Context;
use serde::{Deserialize, Serialize};

pub use claim::may_own;
pub use prove::ProveFromInside;
pub use together::{SharedPort, overlapping_mounts, shared_ports};
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
use crate::{
    capability::Condition,
    model::{
        Denial,
        desired::{Admission, WantedFile},
        value::Target,
    },
};

/// A part of a step.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// It, or a step that it carries out.
    Step(&'a Step),
    /// What it asks.
    Condition(&'a Condition),
}

impl<'a> Part<'a> {
    /// The step, if it is one.
    pub fn step(self) -> Option<&'a Step> {
        match self {
            Part::Step(step) => Some(step),
            Part::Condition(_) => None,
        }
    }
}

/// Makes the enum of all kinds, and hands each call on to the kind's own type.
macro_rules! steps {
    (of_rooms { $($variant:ident($kind:ty),)* } around_others { $($around:ident($outer:ty),)* }) => {
        /// One typed effect.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[allow(missing_docs)]
        pub enum Step {
            $($variant($kind),)*
            $($around($outer),)*
        }

        impl Step {
            /// One line: what it does. The same for the plan, the progress and the errors.
            pub fn headline(&self) -> String {
                match self {
                    $(Step::$variant(kind) => kind.headline(),)*
                    $(Step::$around(kind) => kind.headline(),)*
                }
            }
        }

        impl Step {
            /// The step itself and all that is in it: what it asks, what it carries out. No list of steps that is looked
            /// through looks past it.
            pub fn parts(&self) -> Vec<Part<'_>> {
                let mut parts = vec![Part::Step(self)];
                match self {
                    $(Step::$variant(_) => {})*
                    $(Step::$around(kind) => parts.extend(kind.inner()),)*
                }
                parts
            }

            /// The same steps, to be changed.
            pub fn each_mut(&mut self, change: &mut dyn FnMut(&mut Step)) {
                match self {
                    $(Step::$variant(_) => {})*
                    $(Step::$around(kind) => kind.each_inner_mut(change),)*
                }
                change(self);
            }
        }

        impl StepKind for Step {
            type Before = serde_json::Value;

            fn permit(&self, gate: &Gate) -> Result<(), Denial> {
                match self {
                    $(Step::$variant(kind) => kind.permit(gate),)*
                    $(Step::$around(kind) => kind.permit(gate),)*
                }
            }

            async fn preview(&self, acting: &Acting<'_>) -> Preview {
                match self {
                    $(Step::$variant(kind) => kind.preview(acting).await.limited(),)*
                    $(Step::$around(kind) => kind.preview(acting).await.limited(),)*
                }
            }

            async fn before(&self, acting: &Acting<'_>) -> Result<Self::Before, StepFailure> {
                match self {
                    $(Step::$variant(kind) => to_json(&kind.before(acting).await?),)*
                    $(Step::$around(kind) => to_json(&kind.before(acting).await?),)*
                }
            }

            async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
                match self {
                    $(Step::$variant(kind) => kind.carry_out(acting).await,)*
                    $(Step::$around(kind) => kind.carry_out(acting).await,)*
                }
            }

            async fn revert(&self, before: &Self::Before, acting: &Acting<'_>) -> Result<(), StepFailure> {
                match self {
                    $(Step::$variant(kind) => kind.revert(&from_json(before)?, acting).await,)*
                    $(Step::$around(kind) => kind.revert(&from_json(before)?, acting).await,)*
                }
            }

            fn repeat(&self) -> Repeat {
                match self {
                    $(Step::$variant(kind) => kind.repeat(),)*
                    $(Step::$around(kind) => kind.repeat(),)*
                }
            }

            async fn is_done(&self, acting: &Acting<'_>) -> Result<bool, StepFailure> {
                match self {
                    $(Step::$variant(kind) => kind.is_done(acting).await,)*
                    $(Step::$around(kind) => kind.is_done(acting).await,)*
                }
            }

            fn facts(&self) -> Facts<'_> {
                match self {
                    $(Step::$variant(kind) => kind.facts(),)*
                    $(Step::$around(kind) => kind.facts(),)*
                }
            }
        }
    };
}

steps! {
    of_rooms {
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
    HttpSend(HttpSend),
    HttpExchange(HttpExchange),
    ServiceRun(ServiceRun),
    }
    around_others {
    ProveFromInside(ProveFromInside),
    Await(Await),
    Unless(Unless),
    }
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

    /// Whether it takes away a folder.
    pub fn removes_a_folder(&self) -> bool {
        matches!(self, Step::DirectoryRemoveIfEmpty(_) | Step::DirectoryRemove(_))
    }
}

fn to_json<T: serde::Serialize>(before: &T) -> Result<serde_json::Value, StepFailure> {
    Ok(serde_json::to_value(before).context("what was there before a step can't be kept")?)
}

fn from_json<T: serde::de::DeserializeOwned>(before: &serde_json::Value) -> Result<T, StepFailure> {
    Ok(serde_json::from_value(before.clone()).context("what was there before a step can't be read")?)
}
