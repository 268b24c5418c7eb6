//! What plugins were denied, as a person reads it: each refusal, then all that would grant them as one piece of TOML.

use std::{collections::BTreeMap, path::Path};

use toml::{Table, Value};

use super::Plugins;
use crate::{
    capability::grants::{Line, Source, lines},
    model::{Denial, HostFile},
    words::{quoted, toml_key},
};

/// All of it. What the host file grants already is repeated, since TOML takes no table twice.
pub(super) fn told(denials: &[Denial], plugins: &Plugins, host_file: &HostFile) -> String {
    let mut told = String::new();
    for denial in denials {
        told += &format!("{}{}\n", denial.explained(), folder_around(denial, plugins).unwrap_or_default());
    }
    let mut wanted: BTreeMap<&str, Table> = BTreeMap::new();
    for denial in denials {
        if let Ok(line) = toml::from_str::<Table>(&denial.line)
            && !line.is_empty()
        {
            let grants = wanted.entry(&denial.plugin).or_insert_with(|| standing(&denial.plugin, host_file));
            add(grants, line);
        }
    }
    if wanted.is_empty() {
        return told.trim_end().to_owned();
    }
    told += &format!("\nto grant all of that, add to {}:\n", host_file.path.display());
    for (plugin, grants) in wanted {
        let instead = match standing(plugin, host_file).is_empty() {
            true => "",
            false => "    # in place of what stands there now",
        };
        told += &format!("\n[plugin.{plugin}.grants]{instead}\n");
        write(&Value::Table(grants), "", &mut told);
    }
    told.trim_end().to_owned()
}

/// Where a plugin's grants follow from the host file's folders, one more folder is the better answer.
fn folder_around(denial: &Denial, plugins: &Plugins) -> Option<String> {
    let grants = &plugins.of(denial.instance.kind())?.grants;
    let by_folders = |line: Line| {
        let folders = |source| matches!(source, Source::Folders | Source::WritableFolders);
        line.field == denial.capability && line.sources().any(folders)
    };
    if !grants.iter().flat_map(lines).any(by_folders) {
        return None;
    }
    let line: Table = toml::from_str(&denial.line).ok()?;
    let (capability, field) = denial.capability.split_once('.')?;
    let path = Path::new(line.get(capability)?.get(field)?.get(0)?.as_str()?);
    let (folder, access) = match capability {
        "files" => (path.parent()?, "write"),
        _ => (path, "mount"),
    };
    let folder = quoted(&folder.display().to_string());
    Some(format!(
        "\n  a folder around it grants that too, in [folders]:  NAME = {{ path = {folder}, access = \"{access}\" }}"
    ))
}

/// What the host file grants a plugin, without what grants nothing.
fn standing(plugin: &str, host_file: &HostFile) -> Table {
    let grants = host_file.plugins.get(plugin).and_then(|settings| Table::try_from(&settings.grants).ok());
    let mut grants = grants.unwrap_or_default();
    if let Some(Value::Table(by_kind)) = grants.get_mut("connection") {
        by_kind.iter_mut().filter_map(|(_, grants)| grants.as_table_mut()).for_each(prune);
    }
    prune(&mut grants);
    grants
}

fn prune(grants: &mut Table) {
    let empty = |value: &Value| match value {
        Value::Boolean(flag) => !flag,
        Value::Array(items) => items.is_empty(),
        Value::Table(members) => members.is_empty(),
        _ => false,
    };
    grants
        .iter_mut()
        .filter_map(|(_, value)| value.as_table_mut())
        .for_each(|fields| fields.retain(|_, it| !empty(it)));
    grants.retain(|_, value| !empty(value));
}

fn add(grants: &mut Table, more: Table) {
    for (key, value) in more {
        match (grants.get_mut(&key), value) {
            (Some(Value::Table(there)), Value::Table(value)) => add(there, value),
            (Some(Value::Array(there)), Value::Array(items)) => {
                let new: Vec<Value> = items.into_iter().filter(|item| !there.contains(item)).collect();
                there.extend(new);
            }
            (_, value) => drop(grants.insert(key, value)),
        }
    }
}

/// A line for each field, under its whole name.
fn write(value: &Value, name: &str, written: &mut String) {
    match value {
        Value::Table(members) => {
            for (member, value) in members {
                let member = toml_key(member);
                let name = if name.is_empty() { member } else { format!("{name}.{member}") };
                write(value, &name, written);
            }
        }
        value => *written += &format!("{name} = {}\n", inline(value)),
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Table(members) => {
            let members = members.iter().map(|(name, value)| format!("{} = {}", toml_key(name), inline(value)));
            format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
        }
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{plugin::Runtime, test_support::front::host};

    fn denial(capability: &str, line: &str) -> Denial {
        let instance = "secret.app".parse().unwrap();
        let (capability, line) = (capability.to_owned(), line.to_owned());
        Denial { plugin: "secret".into(), instance, capability, asked: "something".into(), line }
    }

    #[test]
    fn what_follows_from_folders_is_told_with_the_folder() {
        let store = "[store]\nidentity = \"/i\"\nrecipients = [\"age1a\", \"age1b\"]\n";
        let host_file = host(&format!("{store}[plugin.secret.grants]\nfiles.read = [\"/srv/x\"]\n"));
        let cache = tempfile::tempdir().unwrap();
        let runtime = Runtime::new(&cache.path().join("cache")).unwrap();
        let plugins = Plugins::load(&runtime, &["secret"], Some(&host_file)).unwrap();
        let told = told(
            &[
                denial("files.write", "files.write = [\"/opt/app/env\"]"),
                denial("files.read", "files.read = [\"/opt/key\"]"),
                denial("services.verbs", "services.verbs.\"a b\" = []"),
                denial("http", "http.connections = [{ connection = \"a\", methods = [\"GET\"], paths = [\"/\"] }]"),
                denial("secrets", ""),
            ],
            &plugins,
            &host_file,
        );
        insta::assert_snapshot!(told);
    }
}
