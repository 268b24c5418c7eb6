//! Environment variables: those that nothing reads, those that end up somewhere else, those that win against the file.

use super::Holding;
use crate::{
    contract::facts::{Key, KeyType, Precedence},
    diagnostic::{closest, listed},
    model::{Segment, diagnostic::keys as path_of, value::Tree},
};

/// The field of a section that holds variables.
const FIELD: &str = "environment";

impl Holding<'_> {
    pub(super) fn environment(&mut self) {
        let Some(Tree::Table(variables)) = self.instance.section.get(FIELD) else { return };
        for (name, value) in variables {
            let mut path = path_of([FIELD]);
            path.push(Segment::Name { name: name.clone() });
            self.variable(name, value, path);
        }
    }

    fn variable(&mut self, name: &str, value: &Tree, path: Vec<Segment>) {
        let environment = &self.contract.facts.environment;
        let is = |other: &String| match environment.case_sensitive {
            true => other == name,
            false => other.eq_ignore_ascii_case(name),
        };
        if environment.known.iter().any(is) {
            return;
        }
        let title = self.title().to_owned();
        if let Some((_, key)) = environment.inert.iter().find(|(inert, _)| is(inert)) {
            let help = self.instead(key);
            self.error(path, format!("{title} never reads the variable `{name}`"), Some(help));
            return;
        }
        if environment.leaks.iter().any(is) {
            let message = format!("the variable `{name}` ends up in every section of {title} that lacks the key");
            let help = self.meant_by(name);
            self.error(path, message, Some(help));
            return;
        }
        if let Some((key, facts)) = self.key_of(name) {
            self.sets_a_key(name, &key, &facts, value, path);
            return;
        }
        let prefixed = environment.prefix.as_ref().is_some_and(|prefix| name.starts_with(prefix.as_str()));
        if prefixed {
            let all: Vec<String> = self.variables().into_iter().map(|(variable, _)| variable).collect();
            let near = closest(name, all.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
            self.error(path, format!("{title} has no key that the variable `{name}` sets"), near);
        } else {
            let help = "take it out unless you know that something in the image reads it";
            self.warning(path, format!("the contract of {title} knows no variable `{name}`"), Some(help.to_owned()));
        }
    }

    /// A variable that sets a key is accepted by the application; but what it says does not stand in the file.
    fn sets_a_key(&mut self, name: &str, key: &str, facts: &Key, value: &Tree, path: Vec<Segment>) {
        let environment = &self.contract.facts.environment;
        let in_file = self.config_has(key);
        let title = self.title().to_owned();
        if in_file && environment.precedence == Precedence::OverFile {
            let message =
                format!("the variable `{name}` and the configuration both set `{key}`, and the variable wins");
            self.error(path, message, Some("take the variable out".to_owned()));
        } else if environment.lists.as_deref() == Some("json")
            && matches!(facts.value_type, KeyType::List | KeyType::Tables)
            && value.as_str().is_some_and(|text| serde_json::from_str::<Vec<serde_json::Value>>(text).is_err())
        {
            let message = format!("{title} reads a list from the variable `{name}`, and this is no JSON list");
            self.error(path, message, Some(self.instead(key)));
        } else if facts.secret && value.as_str().is_some() {
            let message = format!("the variable `{name}` holds a secret: whoever may inspect the container reads it");
            self.warning(path, message, Some(self.instead(key)));
        }
    }

    fn config_has(&self, key: &str) -> bool {
        let config = self.instance.section.get("config");
        key.split('.').try_fold(config, |table, part| Some(table?.get(part))).flatten().is_some()
    }

    /// The keys that a variable of a bare name may stand for.
    fn meant_by(&self, name: &str) -> String {
        let keys = self.contract.facts.config.keys.keys().map(String::as_str);
        let meant: Vec<&str> =
            keys.filter(|key| key.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case(name))).collect();
        match meant.as_slice() {
            [] => "take it out; what was meant is a key of the configuration".to_owned(),
            [only] => self.instead(only),
            several => format!("take it out, and write in config what was meant: {}", listed(several.iter().copied())),
        }
    }

    fn instead(&self, key: &str) -> String {
        match key.strip_prefix("run.") {
            Some(field) => format!("write {field} = … in the container's own table"),
            None if key.ends_with(".*") => {
                let table = key.trim_end_matches(".*");
                let kinds = self.contract.facts.outputs.iter();
                let kind = kinds.filter(|(_, mapping)| mapping.into == table).map(|(kind, _)| kind.as_str()).next();
                format!("write in config: {table} = \"${{{}.*}}\"", kind.unwrap_or("kind"))
            }
            None => format!("write in config: {key} = …"),
        }
    }

    /// Every variable that sets a key, and the key.
    fn variables(&self) -> Vec<(String, String)> {
        let environment = &self.contract.facts.environment;
        let (Some(prefix), Some(separator)) = (&environment.prefix, &environment.separator) else { return Vec::new() };
        let strip = |key: &str| {
            // Kinto's keys begin with its own name, and so does its prefix.
            let doubled = format!("{}.", prefix.trim_end_matches('_').to_ascii_lowercase());
            key.strip_prefix(&doubled).unwrap_or(key).replace('.', separator).to_ascii_uppercase()
        };
        let keys = self.contract.facts.config.keys.keys();
        keys.map(|key| (format!("{prefix}{}", strip(key)), key.clone())).collect()
    }

    fn key_of(&self, variable: &str) -> Option<(String, Key)> {
        let sensitive = self.contract.facts.environment.case_sensitive;
        let found = self.variables().into_iter().find(|(name, _)| match sensitive {
            true => name == variable,
            false => name.eq_ignore_ascii_case(variable),
        });
        let key = found?.1;
        let facts = self.contract.facts.config.keys.get(&key)?.clone();
        Some((key, facts))
    }
}
