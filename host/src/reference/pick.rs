//! Which connections an instance uses.

use crate::{
    diagnostic::{closest, listed},
    model::{
        ConnectionSettings, ConnectionWant, Description, Diagnostic, HostFile, Place, diagnostic::keys, value::Tree,
    },
    spec::Instance,
};

/// The connections that an instance's description asks for, in its order: the one that the section names, else the
/// only one of these kinds in the host file. An optional one that is not there is left out.
///
/// # Errors
/// All of: a name that the host file lacks, one of another kind, none where one is needed, several to choose from.
pub fn picked<'h>(
    instance: &Instance,
    description: &Description,
    host_file: &'h HostFile,
) -> Result<Vec<&'h ConnectionSettings>, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let mut problems = Vec::new();
    for want in &description.connections {
        match pick(instance, want, host_file) {
            Ok(connection) => found.extend(connection),
            Err(problem) => problems.push(*problem),
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

fn pick<'h>(
    instance: &Instance,
    want: &ConnectionWant,
    host_file: &'h HostFile,
) -> Result<Option<&'h ConnectionSettings>, Box<Diagnostic>> {
    if let Some(name) = instance.section.get(&want.field).and_then(Tree::as_str) {
        return named(instance, want, name, host_file).map(Some);
    }
    let place = || Place::Instance(instance.address.clone(), Vec::new());
    let fitting: Vec<_> = host_file.connections.values().filter(|one| want.kinds.contains(&one.kind)).collect();
    let kinds = listed(want.kinds.iter().map(String::as_str));
    match fitting.as_slice() {
        [only] => Ok(Some(only)),
        [] if !want.required => Ok(None),
        [] => {
            let message =
                format!("`{}` needs a connection of the kind {kinds}, and the host file has none", instance.address);
            let kind = want.kinds.first().map(String::as_str).unwrap_or_default();
            let help = format!("add to {}\n  [connection.NAME]\n  kind = \"{kind}\"", host_file.path.display());
            Err(Box::new(Diagnostic::error(place(), message).help(help)))
        }
        several => {
            let names = listed(several.iter().map(|one| one.name.as_str()));
            let message = format!("`{}` could use several connections: {names}", instance.address);
            let help = format!("say which: {} = \"{}\"", want.field, several[0].name);
            Err(Box::new(Diagnostic::error(place(), message).help(help)))
        }
    }
}

fn named<'h>(
    instance: &Instance,
    want: &ConnectionWant,
    name: &str,
    host_file: &'h HostFile,
) -> Result<&'h ConnectionSettings, Box<Diagnostic>> {
    let place = || Place::Instance(instance.address.clone(), keys([want.field.as_str()]));
    let kinds = listed(want.kinds.iter().map(String::as_str));
    match host_file.connections.get(name) {
        Some(connection) if want.kinds.contains(&connection.kind) => Ok(connection),
        Some(other) => {
            let message = format!("the connection `{name}` is of the kind `{}`, not {kinds}", other.kind);
            Err(Box::new(Diagnostic::error(place(), message).help("name another, or leave the field out")))
        }
        None => {
            let names: Vec<&str> = host_file
                .connections
                .values()
                .filter(|one| want.kinds.contains(&one.kind))
                .map(|one| one.name.as_str())
                .collect();
            let message = format!("the host file has no connection `{name}`");
            let help = match closest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("of the kind {kinds} it has {}", listed(names)),
            };
            Err(Box::new(Diagnostic::error(place(), message).help(help)))
        }
    }
}
