//! Answers of the world as the plugin gets them.

use crate::{
    capability::{
        containers::{ContainerComparison, EngineFacts, Ownership, PortHolder, RunState},
        files::{FileComparison, FileFacts, FileKind, Writable},
        http::HttpAnswer,
        sql::{HbaRules, SqlAnswer},
    },
    model::{Failure, Sameness},
    plugin::bindings::stackrun::plugin::{containers, files, http, sql, types},
};

/// What the plugin gets to see of a value.
pub trait Crosses {
    /// The WIT's type for it.
    type Wit;

    /// The value in it.
    fn cross(self) -> Self::Wit;
}

/// Why a question has no answer; foreign words in it have been through the redactor.
pub fn failure(failure: Failure) -> types::Failure {
    match failure {
        Failure::Denied(denial) => types::Failure::Denied(denial.to_string()),
        Failure::Unreachable(why) => types::Failure::Unreachable(why),
        Failure::TimedOut => types::Failure::TimedOut,
        Failure::TooLarge => types::Failure::TooLarge,
        Failure::NotYet => types::Failure::NotYet,
        Failure::Other(why) => types::Failure::Other(why),
    }
}

macro_rules! crosses_as_it_is {
    ($($type:ty),*) => {$(
        impl Crosses for $type {
            type Wit = $type;

            fn cross(self) -> $type {
                self
            }
        }
    )*};
}
crosses_as_it_is!(bool, Vec<String>, Option<String>, Option<Vec<String>>, Option<Vec<u8>>);

impl Crosses for Sameness {
    type Wit = types::Sameness;

    fn cross(self) -> Self::Wit {
        match self {
            Sameness::Same => types::Sameness::Same,
            Sameness::Absent => types::Sameness::Absent,
            Sameness::Different => types::Sameness::Different,
            Sameness::NotYetKnown => types::Sameness::NotYetKnown,
        }
    }
}

impl Crosses for SqlAnswer {
    type Wit = sql::Answer;

    fn cross(self) -> Self::Wit {
        match self {
            SqlAnswer::Rows(rows) => sql::Answer::Rows(rows),
            SqlAnswer::NoSuchDatabase => sql::Answer::NoSuchDatabase,
        }
    }
}

impl Crosses for HbaRules {
    type Wit = sql::Rules;

    fn cross(self) -> Self::Wit {
        let rules = self.rules.into_iter().map(|rule| sql::Rule {
            line: rule.line,
            kind: rule.kind,
            databases: rule.databases,
            users: rule.users,
            address: rule.address,
            method: rule.method,
            options: rule.options,
            ours: rule.ours,
        });
        let broken = self.broken.into_iter();
        let broken = broken.map(|line| sql::BrokenLine { file: line.file, line: line.line, error: line.error });
        sql::Rules { file: self.file, rules: rules.collect(), broken: broken.collect() }
    }
}

impl Crosses for Option<FileFacts> {
    type Wit = Option<files::Facts>;

    fn cross(self) -> Self::Wit {
        let FileFacts { kind, mode, uid, gid, writable } = self?;
        let kind = match kind {
            FileKind::Regular => files::FileKind::Regular,
            FileKind::Directory => files::FileKind::Directory,
            FileKind::Symlink => files::FileKind::Symlink,
            FileKind::Other => files::FileKind::Other,
        };
        let writable = match writable {
            Writable::Yes => files::Writable::Yes,
            Writable::NoPermission => files::Writable::NoPermission,
            Writable::ReadOnlyFilesystem => files::Writable::ReadOnlyFilesystem,
            Writable::OutsideGrant => files::Writable::OutsideGrant,
        };
        Some(files::Facts { kind, mode, uid, gid, writable })
    }
}

impl Crosses for FileComparison {
    type Wit = files::Comparison;

    fn cross(self) -> Self::Wit {
        let Self { content, mode, owner, foreign } = self;
        files::Comparison { content: content.cross(), mode: mode.cross(), owner: owner.cross(), foreign }
    }
}

impl Crosses for ContainerComparison {
    type Wit = containers::Comparison;

    fn cross(self) -> Self::Wit {
        let state = match self.state {
            RunState::Running => containers::RunState::Running,
            RunState::Restarting => containers::RunState::Restarting,
            RunState::Stopped => containers::RunState::Stopped,
            RunState::Absent => containers::RunState::Absent,
        };
        let owner = match self.owner {
            Ownership::Ours => containers::Ownership::Ours,
            Ownership::Other(label) => containers::Ownership::Other(label),
            Ownership::Foreign => containers::Ownership::Foreign,
        };
        containers::Comparison { state, owner, differs: self.differs }
    }
}

impl Crosses for PortHolder {
    type Wit = containers::Holder;

    fn cross(self) -> Self::Wit {
        match self {
            PortHolder::Free => containers::Holder::Free,
            PortHolder::Container(name) => containers::Holder::Container(name),
            PortHolder::Other(who) => containers::Holder::Other(who),
        }
    }
}

impl Crosses for EngineFacts {
    type Wit = containers::Engine;

    fn cross(self) -> Self::Wit {
        let Self { flavour, version, rootless } = self;
        containers::Engine { flavour, version, rootless }
    }
}

impl Crosses for HttpAnswer {
    type Wit = http::Answer;

    fn cross(self) -> Self::Wit {
        let Self { status, fields, same } = self;
        http::Answer { status, fields, same }
    }
}
