//! The value of a key: its type, and values that are accepted and then hurt.

use super::Holding;
use crate::{
    contract::facts::{Key, KeyType},
    diagnostic::listed,
    model::{
        Segment,
        value::{Target, Text, Tree, ValueType},
    },
    spec::{is_broken, name_of},
};

impl Holding<'_> {
    pub(super) fn value(&mut self, name: &str, key: &Key, path: &[Segment], value: &Tree) {
        match value {
            Tree::Reference(target) => self.promise(name, key, path, target),
            Tree::Items(items) if matches!(key.value_type, KeyType::List | KeyType::Tables) => {
                self.items(name, key, path, items);
            }
            Tree::Text(text) if text.as_literal().is_none() => self.text_with_holes(name, key, path, text),
            value => match mismatch(key.value_type, value) {
                Some(wanted) => {
                    let message = format!("{} wants {wanted} for `{name}`", self.title());
                    self.error(path.to_vec(), message, key.help.clone());
                }
                None => self.literal(name, key, path, value),
            },
        }
    }

    /// A reference has a type, and is a secret or none.
    fn promise(&mut self, name: &str, key: &Key, path: &[Segment], target: &Target) {
        let declared = match target {
            Target::Output(address, field) => self.known.catalog.output(address.kind(), field).is_some(),
            _ => true,
        };
        if is_broken(target) || !declared {
            return;
        }
        let (given, secret) = self.known.kind_of(target);
        let wanted = match key.value_type {
            KeyType::Integer => ValueType::Integer,
            KeyType::Boolean => ValueType::Boolean,
            KeyType::List | KeyType::Tables => ValueType::Items,
            _ => ValueType::Text,
        };
        if given != wanted {
            let (title, wanted) = (self.title(), described(key.value_type));
            let message = format!("{title} wants {wanted} for `{name}`, and `{}` is none", name_of(target));
            self.error(path.to_vec(), message, key.help.clone());
        }
        if secret && !key.secret {
            let message = format!("`{name}` is no secret for {}, and `{}` is one", self.title(), name_of(target));
            self.warning(path.to_vec(), message, Some("the application may show it".to_owned()));
        }
    }

    /// What is around the holes can be looked at: an origin has no path.
    fn text_with_holes(&mut self, name: &str, key: &Key, path: &[Segment], text: &Text) {
        let filled: String = text
            .parts()
            .iter()
            .map(|part| match part {
                crate::model::value::Part::Literal(literal) => literal.as_str(),
                _ => "",
            })
            .collect();
        let complaint = match key.value_type {
            KeyType::Integer | KeyType::Boolean | KeyType::List | KeyType::Tables => {
                Some(format!("{} wants {} for `{name}`, and this is a text", self.title(), described(key.value_type)))
            }
            KeyType::Origin if filled.trim_start_matches("https://").trim_start_matches("http://").contains('/') => {
                Some(format!("{} wants scheme and host for `{name}`, without a path", self.title()))
            }
            _ => None,
        };
        if let Some(message) = complaint {
            self.error(path.to_vec(), message, key.help.clone());
        }
    }

    fn items(&mut self, name: &str, key: &Key, path: &[Segment], items: &[Tree]) {
        if let Some(least) = key.min_items.filter(|least| items.len() < *least) {
            let message = format!("`{name}` has too few items: at least {least}");
            self.error(path.to_vec(), message, key.help.clone());
        }
        for (index, item) in items.iter().enumerate() {
            let mut path = path.to_vec();
            path.push(Segment::Index(index));
            match (key.value_type, item) {
                (KeyType::List, Tree::Reference(_)) => {}
                (KeyType::List, item) => {
                    let item_key = Key { value_type: key.items.unwrap_or(KeyType::String), items: None, ..key.clone() };
                    self.value(name, &item_key, &path, item);
                }
                (_, Tree::Table(entries)) => self.table(name, key, &path, entries),
                _ => {
                    let message = format!("{} wants a list of tables for `{name}`", self.title());
                    self.error(path, message, key.help.clone());
                }
            }
        }
    }

    fn table(&mut self, name: &str, key: &Key, path: &[Segment], entries: &[(String, Tree)]) {
        for (field, value) in entries {
            let mut path = path.to_vec();
            let Some(value_type) = key.fields.get(field) else {
                path.push(Segment::Name { name: field.clone() });
                let help = format!("there is {}", listed(key.fields.keys().map(String::as_str)));
                self.error(path, format!("the tables of `{name}` have no field `{field}`"), Some(help));
                continue;
            };
            path.push(Segment::Key(field.clone()));
            if let Some(wanted) = mismatch(*value_type, value) {
                self.error(path, format!("{} wants {wanted} for `{field}`", self.title()), None);
            }
        }
        for field in key.fields.keys().filter(|field| !entries.iter().any(|(there, _)| there == *field)) {
            self.error(path.to_vec(), format!("a table of `{name}` has no `{field}`"), None);
        }
    }

    /// A value that stands in the spec as it is.
    fn literal(&mut self, name: &str, key: &Key, path: &[Segment], value: &Tree) {
        let Some(text) = value.as_str() else { return };
        let title = self.title().to_owned();
        let mut complaints = Vec::new();
        if key.forbidden.iter().any(|forbidden| forbidden == text) {
            complaints.push(format!("{title} accepts `{text}` for `{name}`, and it hurts"));
        }
        if !key.choices.is_empty() && !key.choices.iter().any(|choice| choice == text) {
            complaints.push(format!("`{name}` is one of {}", listed(key.choices.iter().map(String::as_str))));
        }
        if let Some(least) = key.min_length.filter(|least| text.chars().count() < *least) {
            complaints.push(format!("`{name}` is too short: at least {least} characters"));
        }
        if key.trailing_slash == Some(false) && text.ends_with('/') {
            complaints.push(format!("`{name}` has no slash at its end for {title}"));
        }
        if let Some(domain) = forbidden_domain(key, text) {
            complaints.push(format!("{title} refuses addresses in `{domain}` for `{name}`"));
        }
        let in_general = self.contract.facts.config.forbidden.iter().find(|bad| text.contains(bad.as_str()));
        if let Some(bad) = in_general {
            complaints.push(format!("no value of {title}'s configuration can have a `{bad}`"));
        }
        for alphabet in self.alphabets(name, key) {
            if let Some(bad) = text.chars().find(|c| !within(&alphabet, *c)) {
                complaints.push(format!("`{name}` may have the characters `{alphabet}` alone, and this has a `{bad}`"));
            }
        }
        if complaints.is_empty() && key.secret && !text.is_empty() {
            let message = format!("`{name}` is a secret, and stands in the spec for everybody to read");
            let help = format!(
                "let it come from the store: {} = \"${{secret.{}}}\"",
                name,
                name.rsplit('.').next().unwrap_or(name)
            );
            self.warning(path.to_vec(), message, Some(help));
        }
        for message in complaints {
            self.error(path.to_vec(), message, key.help.clone());
        }
    }

    fn alphabets(&self, name: &str, key: &Key) -> Vec<String> {
        let database = self.contract.facts.database.as_ref();
        // In a URL the password is one part of the value: there the alphabet says nothing of the whole.
        let password = database
            .filter(|database| database.password_key.as_deref() == Some(name) && key.value_type == KeyType::String)
            .and_then(|database| database.password_alphabet.clone());
        key.alphabet.clone().into_iter().chain(password).collect()
    }
}

fn forbidden_domain<'k>(key: &'k Key, address: &str) -> Option<&'k str> {
    let domain = address.rsplit_once('@')?.1.to_ascii_lowercase();
    let forbidden = key.forbidden_domains.iter().map(String::as_str);
    forbidden.into_iter().find(|bad| domain == *bad || domain.ends_with(&format!(".{bad}")))
}

/// Whether a character is in a class such as `A-Za-z0-9_-`.
fn within(alphabet: &str, c: char) -> bool {
    let class: Vec<char> = alphabet.chars().collect();
    let mut at = 0;
    while at < class.len() {
        match class.get(at + 1..at + 3) {
            Some(['-', last]) if (class[at]..=*last).contains(&c) => return true,
            Some(['-', _]) => at += 3,
            _ if class[at] == c => return true,
            _ => at += 1,
        }
    }
    false
}

/// What is wanted, when the value is something else.
fn mismatch(wanted: KeyType, value: &Tree) -> Option<&'static str> {
    let fits = match (wanted, value) {
        (KeyType::Integer, Tree::Integer(_))
        | (KeyType::Boolean, Tree::Boolean(_))
        | (KeyType::List | KeyType::Tables, Tree::Items(_)) => true,
        (KeyType::Integer | KeyType::Boolean | KeyType::List | KeyType::Tables, _) => false,
        // Holes have been looked at before.
        (_, Tree::Reference(_)) => true,
        (wanted, Tree::Text(text)) => text.as_literal().is_none_or(|text| text_fits(wanted, text)),
        _ => false,
    };
    (!fits).then(|| described(wanted))
}

fn text_fits(wanted: KeyType, text: &str) -> bool {
    match wanted {
        // Whether it may be empty is not a matter of its type.
        KeyType::Path => text.starts_with('/'),
        KeyType::Url => text.is_empty() || !text.contains("://") || url::Url::parse(text).is_ok(),
        KeyType::Origin => url::Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.path() == "/"
                && url.query().is_none()
                && url.fragment().is_none()
        }),
        KeyType::Host => !text.contains("://") && !text.contains('/'),
        KeyType::Email => text.split_once('@').is_some_and(|(name, domain)| !name.is_empty() && domain.contains('.')),
        _ => true,
    }
}

fn described(wanted: KeyType) -> &'static str {
    match wanted {
        KeyType::String => "a text",
        KeyType::Integer => "a whole number",
        KeyType::Boolean => "`true` or `false`",
        KeyType::Path => "an absolute path in the container",
        KeyType::Url => "a URL",
        KeyType::Origin => "scheme and host, without a path",
        KeyType::Host => "a host name, without a scheme",
        KeyType::Email => "an e-mail address",
        KeyType::List => "a list",
        KeyType::Tables => "a list of tables",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_ranges_and_a_dash_at_the_end() {
        for good in ['a', 'Z', '5', '_', '-'] {
            assert!(within("A-Za-z0-9_-", good), "{good}");
        }
        for bad in ['%', ' ', '.', 'ä'] {
            assert!(!within("A-Za-z0-9_-", bad), "{bad}");
        }
    }

    #[test]
    fn an_origin_has_no_path() {
        assert!(text_fits(KeyType::Origin, "https://media.example.org"));
        assert!(text_fits(KeyType::Origin, "http://media.example.org:8080"));
        assert!(!text_fits(KeyType::Origin, "https://media.example.org/web"));
        assert!(!text_fits(KeyType::Origin, "media.example.org"));
        assert!(!text_fits(KeyType::Host, "http://media"));
    }
}
