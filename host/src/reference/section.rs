//! Resolves the section of one instance.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use super::{
    Node,
    outputs::{Missing, Outputs, Resolved, is_output},
    pick,
    substitute::{self, Problem},
    vantage::{Unreachable, Vantage},
};
use crate::{
    diagnostic::{closest, listed},
    model::{
        Diagnostic, HostFile, Place, Segment,
        value::{Address, Part, Target, Text, Tree},
    },
    schema::Catalog,
    spec::{Instance, Spec, folder_of, is_broken},
};

/// One instance, and what its section is resolved with.
pub(super) struct Resolving<'a> {
    pub(super) spec: &'a Spec,
    pub(super) catalog: &'a Catalog,
    pub(super) host_file: Option<&'a HostFile>,
    pub(super) instance: &'a Instance,
}

/// What comes together on the way through a section.
struct Found<'d> {
    path: Vec<Segment>,
    uses: BTreeSet<Address>,
    after: BTreeSet<(Address, String)>,
    vantage: Option<Vantage>,
    diagnostics: &'d mut Vec<Diagnostic>,
}

impl Found<'_> {
    fn error(&mut self, place: Place, message: String, help: String) {
        self.diagnostics.push(Diagnostic::error(place, message).help(help));
    }
}

impl Resolving<'_> {
    pub(super) fn resolve(&self, outputs: &mut Outputs<'_>, diagnostics: &mut Vec<Diagnostic>) -> Node {
        let mut found =
            Found { path: Vec::new(), uses: BTreeSet::new(), after: BTreeSet::new(), vantage: None, diagnostics };
        let section = self.walk(&self.instance.section, outputs, &mut found);
        let me = &self.instance.address;
        let mut waits: BTreeMap<Address, BTreeSet<String>> = BTreeMap::new();
        for (address, key) in found.after.into_iter().filter(|(address, _)| address != me) {
            waits.entry(address).or_default().insert(key);
        }
        let makers = section.targets().into_iter().filter_map(|target| match target.source() {
            Target::Made(maker, _) if maker != me => Some(maker.clone()),
            _ => None,
        });
        let makers = makers.collect();
        found.uses.remove(me);
        Node { section: Some(section), consumers: Vec::new(), uses: found.uses, waits, makers }
    }

    fn walk(&self, tree: &Tree, outputs: &mut Outputs<'_>, found: &mut Found<'_>) -> Tree {
        match tree {
            Tree::Table(entries) => {
                let mut filled = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    found.path.push(Segment::Key(key.clone()));
                    filled.push((key.clone(), self.walk(value, outputs, found)));
                    found.path.pop();
                }
                Tree::Table(filled)
            }
            Tree::Items(items) => {
                let mut filled = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    found.path.push(Segment::Index(index));
                    filled.push(self.walk(item, outputs, found));
                    found.path.pop();
                }
                Tree::Items(filled)
            }
            Tree::Reference(_) | Tree::Text(_) => self.leaf(tree, outputs, found),
            scalar => scalar.clone(),
        }
    }

    fn leaf(&self, leaf: &Tree, outputs: &mut Outputs<'_>, found: &mut Found<'_>) -> Tree {
        let mut values: BTreeMap<&Target, Rc<Resolved>> = BTreeMap::new();
        for target in leaf.targets().into_iter().filter(|target| is_output(target) && !is_broken(target)) {
            if let Target::Output(address, _) = target {
                found.uses.insert(address.clone());
            }
            match outputs.get(target) {
                Ok(resolved) => {
                    found.after.extend(resolved.after.iter().cloned());
                    values.insert(target, resolved);
                }
                Err(why) => self.missing(target, why, found),
            }
        }
        let substituted = substitute::tree(leaf, &mut |target| match folder_of(target) {
            Some(name) => Ok(self.folder(name, found)),
            None => Ok(values.get(target).map(|resolved| resolved.value.clone())),
        });
        match substituted {
            Ok(tree) => self.addressed(tree, found),
            Err(problem) => {
                self.unfit(problem, found);
                leaf.clone()
            }
        }
    }

    fn here(&self, target: &Target, found: &Found<'_>) -> Place {
        let mut path = found.path.clone();
        if let Some(within) = self.written(target) {
            path.push(Segment::Within { within });
        }
        Place::Instance(self.instance.address.clone(), path)
    }

    /// A target as it stands in the spec.
    fn written(&self, target: &Target) -> Option<String> {
        let Target::Output(address, field) = target else { return None };
        let forms = match folder_of(target) {
            Some(name) => [format!("${{host.{name}}}"), String::new()],
            None => [format!("${{{}.{field}}}", address.kind()), format!("${{{address}.{field}}}")],
        };
        forms.into_iter().find(|form| !form.is_empty() && self.spec.text.contains(form))
    }

    /// `${host.NAME}`; none offline, and when there is no such folder.
    fn folder(&self, name: &str, found: &mut Found<'_>) -> Option<Tree> {
        let host_file = self.host_file?;
        if let Some(folder) = host_file.folders.get(name) {
            return Some(Tree::literal(folder.path.display().to_string()));
        }
        let place = self.here(&Target::Output(Address::new("host", name), "path".to_owned()), found);
        let file = host_file.path.display();
        let help = match closest(name, host_file.folders.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `${{host.{near}}}`?"),
            None => format!("add to {file}\n  [folders]\n  {name} = \"/path/on/this/machine\""),
        };
        found.error(place, format!("{file} names no folder `{name}`"), help);
        None
    }

    fn missing(&self, target: &Target, why: Missing, found: &mut Found<'_>) {
        let Target::Output(address, field) = target else { return };
        match why {
            Missing::Reported => {}
            Missing::Unfit(problem) => self.unfit(problem, found),
            Missing::Ring(ring) => self.ring(&ring, found),
            Missing::NoSuchOutput(names) => {
                let help = if let Some(near) = closest(field, names.iter().map(String::as_str)) {
                    format!("did you mean `{near}`?")
                } else if let Some(name) = self.spec.index.names(address.kind()).iter().find(|name| *name == field) {
                    let kind = address.kind();
                    format!("`{name}` is an instance: to refer to one of its fields write `${{{kind}.{name}.FIELD}}`")
                } else {
                    format!("it offers {}", listed(names.iter().map(String::as_str)))
                };
                found.error(self.here(target, found), format!("`{address}` offers no `{field}`"), help);
            }
        }
    }

    /// The whole ring, once: it is told at the first field that leads into it.
    fn ring(&self, ring: &[Target], found: &mut Found<'_>) {
        let round: Vec<String> = ring.iter().chain(ring.first()).map(|target| format!("`{target}`")).collect();
        let fields: Vec<String> =
            ring.iter().zip(ring.iter().cycle().skip(1)).filter_map(|edge| self.edge(edge)).collect();
        let mut sorted = round.clone();
        sorted.sort();
        sorted.dedup();
        let message = format!("a ring of references: {}", round.join(" needs "));
        let told = |old: &Diagnostic| {
            old.message.starts_with("a ring of references") && sorted.iter().all(|member| old.message.contains(member))
        };
        if found.diagnostics.iter().any(told) {
            return;
        }
        let help = format!("give one of these fields a value of its own:\n{}", fields.join("\n"));
        let place = Place::Instance(self.instance.address.clone(), found.path.clone());
        found.error(place, message, help);
    }

    /// `  gateway.a.domain = ${container.b.address}`: the field by which an output needs the next one.
    fn edge(&self, (from, to): (&Target, &Target)) -> Option<String> {
        let Target::Output(address, _) = from else { return None };
        let section = &self.spec.instance(address)?.section;
        let path = path_to(section, to)?;
        Some(format!("  {address}.{path} = ${{{to}}}"))
    }

    fn unfit(&self, problem: Problem, found: &mut Found<'_>) {
        let (message, help, place) = match problem {
            Problem::NotScalar(target) => (
                format!("`{target}` is a list or a table, which can't be part of a string"),
                "let it stand alone as the whole value".to_owned(),
                self.here(&target, found),
            ),
            Problem::NothingToDerive(target) => (
                format!("`{target}` is no secret, and a digest of it is wanted"),
                "give a secret: `${secret.NAME}`".to_owned(),
                self.here(&target, found),
            ),
            Problem::TooLarge => (
                "the value would grow beyond 4 MB".to_owned(),
                "outputs that repeat each other grow without end".to_owned(),
                Place::Instance(self.instance.address.clone(), found.path.clone()),
            ),
        };
        found.error(place, message, help);
    }

    /// Address parts become text. Offline they stay.
    fn addressed(&self, tree: Tree, found: &mut Found<'_>) -> Tree {
        let Some(host_file) = self.host_file else { return tree };
        match tree {
            Tree::Text(text) if text.parts().iter().any(|part| matches!(part, Part::Address(_))) => {
                let parts = text.parts().iter().map(|part| match part {
                    Part::Address(connection) => Part::Literal(self.address(connection, host_file, found)),
                    other => other.clone(),
                });
                Tree::Text(Text::new(parts.collect::<Vec<_>>()))
            }
            Tree::Items(items) => Tree::Items(items.into_iter().map(|item| self.addressed(item, found)).collect()),
            Tree::Table(entries) => {
                let filled = entries.into_iter().map(|(key, value)| (key, self.addressed(value, found)));
                Tree::Table(filled.collect())
            }
            other => other,
        }
    }

    fn address(&self, connection: &str, host_file: &HostFile, found: &mut Found<'_>) -> String {
        if found.vantage.is_none() {
            // Connections that can't be picked are reported where views are made; here they count as this machine.
            let description = self.catalog.description(self.instance.address.kind());
            let picked = description.and_then(|description| pick::picked(self.instance, description, host_file).ok());
            found.vantage = Some(Vantage::of(&picked.unwrap_or_default(), &self.instance.section));
        }
        let answer = found.vantage.as_ref().map(|vantage| vantage.address(connection, host_file));
        match answer {
            Some(Ok(address)) => address,
            Some(Err(Unreachable::NoAddress { from, at })) => {
                let place = Place::HostFile(
                    ["connection", connection].map(|key| Segment::Key(key.to_owned())).into_iter().collect(),
                );
                let message = format!(
                    "`{}` is behind the connection `{from}` on `{at}`, and can't reach `{connection}` from there",
                    self.instance.address
                );
                let help = format!("say how: address = \"…\" under [connection.{connection}]");
                found.error(place, message, help);
                String::new()
            }
            Some(Err(Unreachable::Unknown)) | None => {
                let place = Place::Instance(self.instance.address.clone(), found.path.clone());
                let message = format!("an output names the connection `{connection}`, which the host file lacks");
                found.error(place, message, "this is a mistake of the plugin that offers it".to_owned());
                String::new()
            }
        }
    }
}

/// Where in a section a target stands: `config.database.host`.
fn path_to(tree: &Tree, target: &Target) -> Option<String> {
    let below = |key: String, value: &Tree| match value {
        leaf @ (Tree::Text(_) | Tree::Reference(_)) => {
            leaf.targets().into_iter().any(|held| held.source() == target).then_some(key)
        }
        value => path_to(value, target).map(|path| format!("{key}.{path}")),
    };
    match tree {
        Tree::Table(entries) => entries.iter().find_map(|(key, value)| below(key.clone(), value)),
        Tree::Items(items) => items.iter().enumerate().find_map(|(index, item)| below(index.to_string(), item)),
        _ => None,
    }
}
