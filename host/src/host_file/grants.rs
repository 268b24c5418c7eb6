//! Grants of the host file that could never match: whoever wrote one believes that something is granted.

use serde_json::Value;

use super::connection_kinds;
use crate::{
    capability::grants::{Line, Source, lines},
    diagnostic::{closest, listed},
    model::{Description, Diagnostic, HostFile, Place, PluginSettings, Segment, diagnostic::keys},
    schema::Catalog,
};

/// Fields that hold names of connections.
const CONNECTIONS: [&str; 6] = [
    "sql.connections",
    "containers.connections",
    "http.sites",
    "http.pages",
    "http.connections.connection",
    "services.verbs",
];

/// What can be told without the plugins.
pub(super) fn problems(host_file: &HostFile) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for (name, settings) in &host_file.plugins {
        for line in lines(&settings.grants) {
            if let Some(why) = line.problem() {
                problems.push(error(name, &line.place, why));
            } else if CONNECTIONS.contains(&line.field.as_str())
                && line.is_literal()
                && !host_file.connections.contains_key(&line.text)
            {
                let names = host_file.connections.keys().map(String::as_str);
                let message = format!("the host file has no connection `{}`, so this grants nothing", line.text);
                problems.push(suggest(error(name, &line.place, message), &line.text, names.collect()));
            }
            problems.extend(settings_of(&line).map(|(message, key, known)| {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                suggest(error(name, &line.place, message), &key, known)
            }));
        }
    }
    problems
}

/// A setting that no connection of the kind has: what is said, the setting, and those that there are.
fn settings_of(line: &Line) -> Option<(String, String, Vec<String>)> {
    let kind = line.kind.as_deref()?;
    let checker = connection_kinds::checker(kind)?;
    line.sources().find_map(|source| match source {
        Source::Connection(Some(path)) => {
            let (key, known) = unknown(checker.schema(), path)?;
            Some((format!("a connection of the kind `{kind}` has no setting `{key}`"), key, known))
        }
        _ => None,
    })
}

/// What only the plugins' own words tell: fields of their sections, and the kinds of connections that they use.
pub(super) fn of_others(host_file: &HostFile, catalog: &Catalog) -> Vec<Diagnostic> {
    let of_one = |(name, settings): (&String, _)| Some(of_one(name, settings, catalog.description(name)?));
    host_file.plugins.iter().filter_map(of_one).flatten().collect()
}

fn of_one(name: &str, settings: &PluginSettings, description: &Description) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    let kinds: Vec<&str> = description.connections.iter().flat_map(|want| &want.kinds).map(String::as_str).collect();
    for kind in settings.grants.connection.keys().filter(|kind| !kinds.contains(&kind.as_str())) {
        let place = [Segment::Key("connection".to_owned()), Segment::Name { name: kind.clone() }];
        let message = format!("the plugin `{name}` uses no connection of the kind `{kind}`, so this grants nothing");
        problems.push(suggest(error(name, &place, message), kind, kinds.clone()));
    }
    for line in lines(&settings.grants) {
        let found = line.sources().find_map(|source| match source {
            Source::Section(path) => unknown(&description.section_schema, path),
            _ => None,
        });
        if let Some((key, known)) = found {
            let message = format!("a section [{name}.…] has no field `{key}`, so this grants nothing");
            let known = known.iter().map(String::as_str).collect();
            problems.push(suggest(error(name, &line.place, message), &key, known));
        }
    }
    problems
}

/// The first key of the path, where the schema knows its members and this is none of them; and those that it knows.
fn unknown(schema: &Value, path: &str) -> Option<(String, Vec<String>)> {
    let key = path.split('.').next().unwrap_or_default();
    let open = schema.get("additionalProperties").is_none_or(|more| more != false);
    let properties = schema.get("properties")?.as_object()?;
    (!open && key != "*" && !properties.contains_key(key))
        .then(|| (key.to_owned(), properties.keys().cloned().collect()))
}

fn error(plugin: &str, place: &[Segment], message: String) -> Diagnostic {
    let at = keys(["plugin", plugin, "grants"]).into_iter().chain(place.iter().cloned()).collect();
    Diagnostic::error(Place::HostFile(at), message)
}

fn suggest(diagnostic: Diagnostic, written: &str, known: Vec<&str>) -> Diagnostic {
    let help = match closest(written, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => return diagnostic,
        None => format!("there is {}", listed(known)),
    };
    diagnostic.help(help)
}
