//! The password that an application is born with. The contract names it, and the requests that replace it.

use stackrun_plugin::{
    Section, Value,
    guest::{Action, Change, CheckOf, Move, Owned, Revert},
    http::{self, Method, Origin, Request},
    literal,
    types::{self, Condition, Diagnostic, Instance, Part, Text, Thing},
};

use crate::app::{App, at_key};

/// Default credentials that are replaced.
pub struct Login<'a> {
    facts: Section<'a>,
    username: Text,
    new: Text,
    connection: String,
    container: String,
    port: u16,
}

/// Key of the thing.
pub const KEY: &str = "first-login";
const TIMEOUT_MS: u32 = 30_000;

/// Whether section and contract agree on a first login; a sentence each where they don't.
pub fn check(section: &Section<'_>, app: &App<'_>) -> Option<Diagnostic> {
    let wanted = section.at("first_login");
    let known = app.contract().map(|contract| contract.at("first_login")).filter(Section::is_present);
    match (wanted.is_present(), known) {
        (true, None) => {
            let said = wanted.error("no contract says how the first password of this application is replaced");
            Some(said.help("take the field out, and replace the password yourself"))
        }
        (false, Some(_)) => {
            let said = section.warning(format!(
                "{} comes with a password that everybody knows, and nothing here replaces it",
                app.title()
            ));
            Some(said.help("add: first_login = \"${secret.admin_password}\""))
        }
        _ => None,
    }
}

impl<'a> Login<'a> {
    /// None where nothing is to be replaced.
    pub fn of(
        instance: &Instance,
        app: &App<'a>,
        connection: &str,
        container: &str,
        port: Option<u16>,
    ) -> Option<Self> {
        let section = Section::of(instance);
        let facts = app.contract()?.at("first_login");
        let key = facts.string("username")?;
        Some(Self {
            new: section.text("first_login")?,
            username: at_key(&section.at("config"), &key).as_text().unwrap_or_else(|| literal(key)),
            facts,
            connection: connection.to_owned(),
            container: container.to_owned(),
            port: port?,
        })
    }

    pub fn owned(&self) -> Owned {
        Owned {
            thing: Thing {
                key: KEY.to_owned(),
                connection: self.connection.clone(),
                kind: "first login".to_owned(),
                name: self.container.clone(),
            },
            holds_data: false,
            adopted: false,
            undo: Vec::new(),
            undo_settle: Vec::new(),
        }
    }

    /// Replaces the default password, unless the new one works already.
    pub fn action(&self) -> Action {
        let replace: Vec<Request> = self
            .facts
            .items("replace")
            .iter()
            .map(|place| self.request(place, self.default_password(), "statuses"))
            .collect();
        let step = types::unless(&self.new_works(), &http::exchange(&replace.iter().collect::<Vec<_>>()));
        Action {
            thing: KEY.to_owned(),
            change: Change::Update,
            reason: "the application comes with a password that everybody knows".to_owned(),
            differences: Vec::new(),
            moves: vec![Move { step, revert: Revert::None("the application keeps its new password".to_owned()) }],
            no_return: None,
            settle: Vec::new(),
            proof: self.checks(),
            after: vec!["container".to_owned()],
        }
    }

    pub fn checks(&self) -> Vec<CheckOf> {
        let check = |id: &str, says: &str, condition| CheckOf {
            id: id.to_owned(),
            says: format!("{} {says}", self.container),
            condition,
            timeout_ms: TIMEOUT_MS,
        };
        vec![
            check("default-login", "refuses the password that it came with", self.default_is_refused()),
            check("first-login", "lets its administrator in with the password of the spec", self.new_works()),
        ]
    }

    fn new_works(&self) -> Condition {
        http::answers(&self.request(&self.facts.at("test"), self.new.clone(), "works"), None, None)
    }

    fn default_is_refused(&self) -> Condition {
        let test = self.facts.at("test");
        if test.at("refused").is_present() {
            return http::answers(&self.request(&test, self.default_password(), "refused"), None, None);
        }
        http::refuses(&self.request(&test, self.default_password(), "works"))
    }

    fn default_password(&self) -> Text {
        literal(self.facts.string_or("default_password", ""))
    }

    /// A request of the contract, with its holes filled.
    fn request(&self, place: &Section<'_>, password: Text, statuses: &str) -> Request {
        let origin = Origin::container(&self.connection, &self.container, self.port);
        let fill = |template: &str| {
            filled(
                template,
                &[
                    ("username", &self.username),
                    ("password", &password),
                    ("default_password", &self.default_password()),
                    ("new_password", &self.new),
                ],
            )
        };
        let request =
            Request::new(&origin, method(&place.string_or("method", "GET")), &literal(place.string_or("path", "/")));
        let form = place.at("form");
        if form.is_present() {
            let fields: Vec<(String, Text)> = form
                .entries()
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), fill(&value.as_string()?))))
                .collect();
            request.form(&fields);
        }
        if let Some(json) = place.at("json").to_value() {
            request.json(&filled_value(json, &fill).into());
        }
        if let (Some(from), Some(pointer)) = (place.at("bearer").integer("from"), place.at("bearer").string("pointer"))
        {
            request.bearer_from(u32::try_from(from).unwrap_or_default(), &pointer);
        }
        let accepted: Vec<u16> = place
            .items(statuses)
            .iter()
            .filter_map(Section::as_integer)
            .filter_map(|status| u16::try_from(status).ok())
            .collect();
        if !accepted.is_empty() {
            request.accept(&accepted);
        }
        request
    }
}

fn method(name: &str) -> Method {
    match name {
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        _ => Method::Get,
    }
}

/// `{username}` and its like, wherever they stand in a template.
fn filled(template: &str, values: &[(&str, &Text)]) -> Text {
    let mut text = Text::new();
    let mut rest = template;
    while let Some((before, name, after)) = hole(rest) {
        let Some((_, value)) = values.iter().find(|(known, _)| *known == name) else {
            // A brace that is no hole.
            let end = rest.len() - after.len();
            text.push(Part::Literal(rest[..end].to_owned()));
            rest = after;
            continue;
        };
        text.push(Part::Literal(before.to_owned()));
        text.extend((*value).clone());
        rest = after;
    }
    text.push(Part::Literal(rest.to_owned()));
    text
}

fn hole(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

fn filled_value(value: Value, fill: &impl Fn(&str) -> Text) -> Value {
    match value {
        Value::Text(text) => match text.as_slice() {
            [Part::Literal(template)] => Value::Text(fill(template)),
            _ => Value::Text(text),
        },
        Value::Items(items) => Value::Items(items.into_iter().map(|item| filled_value(item, fill)).collect()),
        Value::Table(entries) => {
            Value::Table(entries.into_iter().map(|(key, value)| (key, filled_value(value, fill))).collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &Text) -> String {
        let part = |part: &Part| match part {
            Part::Literal(text) => text.clone(),
            Part::Reference(reference) => format!("<{reference}>"),
            Part::Address(connection) => format!("<{connection}>"),
        };
        text.iter().map(part).collect()
    }

    #[test]
    fn holes_are_filled_where_they_stand() {
        let (name, password) = (literal("me@example.org"), vec![Part::Reference(3)]);
        let values = [("username", &name), ("password", &password)];
        for (template, wanted) in [
            ("{username}", "me@example.org"),
            ("{password}", "<3>"),
            ("user={username}&pass={password}!", "user=me@example.org&pass=<3>!"),
            ("plain", "plain"),
            ("{other} {username}", "{other} me@example.org"),
            ("{", "{"),
        ] {
            assert_eq!(shown(&filled(template, &values)), wanted);
        }
    }
}
