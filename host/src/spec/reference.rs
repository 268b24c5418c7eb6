//! From a reference as written to the target that it means.

use super::{Index, text::Reference};
use crate::{
    diagnostic::{closest, listed},
    model::value::{Address, Target},
};

/// Kind of the targets that stand for folders of the host file.
const HOST: &str = "host";

/// What stands in for a reference that could not be understood and has been reported.
pub fn broken() -> Target {
    Target::Output(Address::new("", ""), String::new())
}

/// Whether a target stands for a reference that has been reported.
pub fn is_broken(target: &Target) -> bool {
    matches!(target, Target::Output(address, _) if address.kind().is_empty())
}

/// The NAME of `${host.NAME}`.
pub fn folder_of(target: &Target) -> Option<&str> {
    match target {
        Target::Output(address, _) if address.kind() == HOST => Some(address.name()),
        _ => None,
    }
}

/// A target as the user's file calls it.
pub fn name_of(target: &Target) -> String {
    folder_of(target).map_or_else(|| target.to_string(), |name| format!("{HOST}.{name}"))
}

/// What is wrong, and what to do.
pub(super) struct Problem {
    pub(super) message: String,
    pub(super) help: String,
}

/// Looks up what stands between `${` and `}` in a string of the instance `from`.
pub(super) fn target(inside: &str, from: &Address, index: &Index) -> Result<Target, Problem> {
    let Some(reference) = Reference::parse(inside) else {
        return Err(Problem {
            message: format!("`${{{inside}}}` is no reference"),
            help:
                "a reference is `${kind.field}`, `${kind.name.field}` or `${host.NAME}`; for the characters themselves \
                   write `$${`"
                    .to_owned(),
        });
    };
    if reference.kind == HOST {
        return folder(&reference);
    }
    let names = index.names(reference.kind);
    let name = match reference.name {
        Some(name) if names.iter().any(|known| known == name) => name,
        Some(name) => return Err(unknown_instance(&reference, name, names)),
        None => match names {
            [] => return Err(unknown_kind(&reference, index)),
            [only] => only,
            several => match several.iter().find(|name| *name == from.name()) {
                Some(same) => same,
                None => return Err(ambiguous(&reference, several)),
            },
        },
    };
    Ok(Target::Output(Address::new(reference.kind, name), reference.field.to_owned()))
}

fn folder(reference: &Reference<'_>) -> Result<Target, Problem> {
    match reference.name {
        None if reference.field != "*" => Ok(Target::Output(Address::new(HOST, reference.field), "path".to_owned())),
        _ => Err(Problem {
            message: "a folder of the host file is `${host.NAME}`".to_owned(),
            help: "its name has no dots".to_owned(),
        }),
    }
}

fn unknown_instance(reference: &Reference<'_>, name: &str, names: &[String]) -> Problem {
    let (kind, field) = (reference.kind, reference.field);
    let help = match (closest(name, names.iter().map(String::as_str)), names) {
        (Some(near), _) => format!("did you mean `${{{kind}.{near}.{field}}}`?"),
        (None, []) => format!("add `[{kind}.{name}]` to the spec"),
        (None, names) => format!("of that kind there is {}", listed(names.iter().map(String::as_str))),
    };
    Problem { message: format!("there is no instance `{kind}.{name}`"), help }
}

fn unknown_kind(reference: &Reference<'_>, index: &Index) -> Problem {
    let (kind, field) = (reference.kind, reference.field);
    let help = match closest(kind, index.kinds().chain([HOST])) {
        Some(near) => format!("did you mean `${{{near}.{field}}}`?"),
        None => format!("add a `[{kind}.NAME]` to the spec"),
    };
    Problem { message: format!("the spec has no instance of the kind `{kind}`"), help }
}

fn ambiguous(reference: &Reference<'_>, names: &[String]) -> Problem {
    let (kind, field) = (reference.kind, reference.field);
    let all: Vec<String> = names.iter().map(|name| format!("${{{kind}.{name}.{field}}}")).collect();
    Problem {
        message: format!("`${{{kind}.{field}}}` could be {} instances", names.len()),
        help: format!("write one of {}", listed(all.iter().map(String::as_str))),
    }
}
