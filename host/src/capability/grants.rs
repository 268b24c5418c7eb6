#![doc = include_str!("grants.md")]

use std::path::Path;

use serde_json::{Map, Value};

use super::{containers, files, http, sql};
use crate::model::{
    ConnectionSettings, FolderAccess, GrantLines, Grants, HostFile, Segment,
    value::{Address, Tree},
};

/// One string of some grants.
#[derive(Clone, Debug)]
pub struct Line {
    /// `files.write`, `http.connections.paths`, `services.verbs` for the name of a connection there.
    pub field: String,
    /// The string.
    pub text: String,
    /// Where it stands, from the root of the grants.
    pub place: Vec<Segment>,
    /// The kind of connection that it is granted for; none where it goes for every instance.
    pub kind: Option<String>,
}

/// What a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source<'l> {
    /// `{name}`
    Name,
    /// `{stack}`
    Stack,
    /// `{section.PATH}`
    Section(&'l str),
    /// `{connection}`, `{connection.PATH}`
    Connection(Option<&'l str>),
    /// `{connections.KIND}`
    Connections(&'l str),
    /// `{folders.all}`
    Folders,
    /// `{folders.write}`
    WritableFolders,
}

/// What is made of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filter {
    OrName,
    Parent,
    UrlPath,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece<'l> {
    Literal(&'l str),
    Value(Source<'l>, Vec<Filter>),
}

/// What a field holds, which decides how values are put into its lines.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Word,
    Path,
    UrlPath,
}

impl Line {
    /// What its placeholders stand for; none where it can't be read, which [`Line::problem`] says.
    pub fn sources(&self) -> impl Iterator<Item = Source<'_>> {
        let sources = |piece| match piece {
            Piece::Value(source, _) => Some(source),
            Piece::Literal(_) => None,
        };
        pieces(&self.text).unwrap_or_default().into_iter().filter_map(sources)
    }

    /// Whether there is nothing to fill in.
    pub fn is_literal(&self) -> bool {
        !self.text.contains(['{', '}'])
    }

    /// Why it could never grant anything, as far as the line itself tells; none when it can.
    pub fn problem(&self) -> Option<String> {
        let pieces = match pieces(&self.text) {
            Ok(pieces) => pieces,
            Err(why) => return Some(why),
        };
        let shape = shape(&self.field);
        if self.kind.is_none() && self.sources().any(|source| matches!(source, Source::Connection(_))) {
            let why = "stands for a connection only in a table `connection.KIND` of the grants, such as \
                       [plugin.NAME.grants.connection.postgresql]";
            return Some(format!("the placeholder of `{}` {why}", self.text));
        }
        // What is filled in can be anything that fits; the rest is as it stands.
        let example = |(index, piece): (usize, &Piece<'_>)| match piece {
            Piece::Literal(literal) => (*literal).to_owned(),
            Piece::Value(..) if index == 0 && shape != Shape::Word => "/x".to_owned(),
            Piece::Value(..) => "x".to_owned(),
        };
        let filled: String = pieces.iter().enumerate().map(example).collect();
        let without_end = filled.strip_suffix('*').filter(|_| shape == Shape::UrlPath).unwrap_or(&filled);
        if without_end.contains('*') {
            return Some(format!("`{}` would match nothing: there is no wildcard here, so name each", self.text));
        }
        if shape == Shape::Word && !self.is_literal() {
            return None;
        }
        match self.field.split_once('.') {
            Some(("sql", field)) => sql::grant::unfit(field, &filled),
            Some(("files", _)) => files::grant::unfit(&filled),
            Some(("containers", field)) => containers::grant::unfit(field, &filled),
            Some(("http", field)) => http::grant::unfit(field, &filled),
            _ => None,
        }
    }
}

/// Every string of these grants.
pub fn lines(grants: &GrantLines) -> Vec<Line> {
    let mut lines = Vec::new();
    let (everywhere, by_kind) = split(grants);
    gather(&everywhere, "", &[], None, &mut lines);
    for (kind, value) in &by_kind {
        let place = ["connection", kind].map(|key| Segment::Key(key.to_owned()));
        gather(value, "", &place, Some(kind), &mut lines);
    }
    lines
}

fn gather(value: &Value, field: &str, place: &[Segment], kind: Option<&str>, lines: &mut Vec<Line>) {
    let mut line = |text: &str, place: Vec<Segment>| {
        lines.push(Line { field: field.to_owned(), text: text.to_owned(), place, kind: kind.map(str::to_owned) });
    };
    match value {
        Value::String(text) => line(text, place.to_vec()),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                gather(item, field, &[place, &[Segment::Index(index)]].concat(), kind, lines);
            }
        }
        Value::Object(members) => {
            if field == VERBS {
                members.keys().for_each(|key| line(key, [place, &[Segment::Name { name: key.clone() }]].concat()));
            }
            for (key, value) in members {
                gather(value, &joined(field, key), &[place, &[Segment::Key(key.clone())]].concat(), kind, lines);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The table whose keys are names of connections.
const VERBS: &str = "services.verbs";

fn joined(field: &str, key: &str) -> String {
    match field {
        "" => key.to_owned(),
        // Whatever the connection is called, its verbs are verbs.
        VERBS => format!("{VERBS}.of"),
        _ => format!("{field}.{key}"),
    }
}

/// What is granted to every instance, and what for each connection of a kind.
fn split(grants: &GrantLines) -> (Value, Map<String, Value>) {
    // Lists of strings under fixed names: there is nothing in them that JSON has not.
    let mut everywhere = serde_json::to_value(grants).unwrap_or_default();
    let by_kind = everywhere.as_object_mut().and_then(|members| members.remove("connection"));
    match by_kind {
        Some(Value::Object(by_kind)) => (everywhere, by_kind),
        _ => (everywhere, Map::new()),
    }
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    for (index, part) in text.split('{').enumerate() {
        let literal = match (index, part.split_once('}')) {
            (0, _) => part,
            (_, Some((inside, literal))) => {
                pieces.push(value(inside)?);
                literal
            }
            (_, None) => return Err(format!("`{text}` holds a `{{` without its `}}`")),
        };
        if literal.contains('}') {
            return Err(format!("`{text}` holds a `}}` without its `{{`"));
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
    }
    Ok(pieces)
}

fn value(inside: &str) -> Result<Piece<'_>, String> {
    let mut words = inside.split('|');
    let source = words.next().unwrap_or_default();
    let (head, path) = source.split_once('.').map_or((source, None), |(head, path)| (head, Some(path)));
    let source = match (head, path) {
        ("name", None) => Source::Name,
        ("stack", None) => Source::Stack,
        ("section", Some(path)) => Source::Section(path),
        ("connection", path) => Source::Connection(path),
        ("connections", Some(kind)) => Source::Connections(kind),
        ("folders", Some("all")) => Source::Folders,
        ("folders", Some("write")) => Source::WritableFolders,
        _ => {
            return Err(format!(
                "there is no placeholder `{{{source}}}`: there are {{name}}, {{stack}}, {{section.FIELD}}, {{connection}}, \
                 {{connection.SETTING}}, {{connections.KIND}}, {{folders.all}} and {{folders.write}}"
            ));
        }
    };
    let filter = |word| match word {
        "name" => Ok(Filter::OrName),
        "parent" => Ok(Filter::Parent),
        "path" => Ok(Filter::UrlPath),
        _ => Err(format!("there is no filter `|{word}`: there are |name, |parent and |path")),
    };
    Ok(Piece::Value(source, words.map(filter).collect::<Result<_, _>>()?))
}

fn shape(field: &str) -> Shape {
    match field {
        "containers.mounts" => Shape::Path,
        "http.connections.paths" => Shape::UrlPath,
        field if field.starts_with("files.") => Shape::Path,
        _ => Shape::Word,
    }
}

/// What placeholders are filled from.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct Filling<'a> {
    pub stack: &'a str,
    pub instance: &'a Address,
    pub section: &'a Tree,
    /// Those that the instance uses.
    pub connections: &'a [&'a ConnectionSettings],
    pub host_file: &'a HostFile,
}

impl Filling<'_> {
    /// The grants of one instance: plans and state keep them so.
    pub fn fill<'g>(&self, grants: impl IntoIterator<Item = &'g GrantLines>) -> Grants {
        let mut filled = Value::Null;
        for grants in grants {
            let (everywhere, by_kind) = split(grants);
            self.filled(&everywhere, "", None).into_iter().for_each(|value| merge(&mut filled, value));
            for connection in self.connections {
                let of_kind = by_kind.get(&connection.kind).into_iter();
                of_kind
                    .flat_map(|value| self.filled(value, "", Some(connection)))
                    .for_each(|value| merge(&mut filled, value));
            }
        }
        // Filling keeps the shape, so there is nothing to go wrong; and if it did, nothing would be granted.
        serde_json::from_value(filled).unwrap_or_default()
    }

    /// Everything that a value becomes: a line none, one or several, everything else one.
    fn filled(&self, value: &Value, field: &str, connection: Option<&ConnectionSettings>) -> Vec<Value> {
        match value {
            Value::String(text) => self.line(text, field, connection).into_iter().map(Value::String).collect(),
            Value::Array(items) => {
                let filled = items.iter().flat_map(|item| self.filled(item, field, connection));
                vec![Value::Array(filled.filter(|item| !lacks_lines(item)).collect())]
            }
            Value::Object(members) => {
                let mut tables = vec![Map::new()];
                for (key, value) in members {
                    let keys = match field {
                        VERBS => self.line(key, field, connection),
                        _ => vec![key.clone()],
                    };
                    let values = self.filled(value, &joined(field, key), connection);
                    let with = |table: &Map<String, Value>, value: &Value| {
                        let added = keys.iter().map(|key| (key.clone(), value.clone()));
                        table.clone().into_iter().chain(added).collect()
                    };
                    tables =
                        tables.iter().flat_map(|table| values.iter().map(move |value| with(table, value))).collect();
                }
                tables.into_iter().map(Value::Object).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => vec![value.clone()],
        }
    }

    fn line(&self, text: &str, field: &str, connection: Option<&ConnectionSettings>) -> Vec<String> {
        let Ok(pieces) = pieces(text) else { return Vec::new() };
        let shape = shape(field);
        let mut lines = vec![String::new()];
        for (index, piece) in pieces.iter().enumerate() {
            let values = match piece {
                Piece::Literal(literal) => vec![(*literal).to_owned()],
                Piece::Value(source, filters) => {
                    let values = self.values(*source, filters, connection).into_iter();
                    values.filter_map(|value| fitted(value, shape, index == 0)).collect()
                }
            };
            lines = lines.iter().flat_map(|line| values.iter().map(move |value| format!("{line}{value}"))).collect();
        }
        let sound = |line: &String| match shape {
            Shape::Path => {
                let plain = line.strip_suffix('/').unwrap_or(line);
                files::grant::normal(plain).as_deref() == Some(plain)
            }
            Shape::Word => true,
            Shape::UrlPath => http::grant::sound_path(line.strip_suffix('*').unwrap_or(line)).is_ok(),
        };
        // What the operator wrote out is as it stands.
        lines.into_iter().filter(|line| line == text || sound(line)).collect()
    }

    fn values(&self, source: Source<'_>, filters: &[Filter], connection: Option<&ConnectionSettings>) -> Vec<String> {
        let folders = |kept: fn(FolderAccess) -> bool| {
            let kept = self.host_file.folders.values().filter(move |folder| kept(folder.access));
            Some(kept.map(|folder| folder.path.display().to_string()).collect())
        };
        let found = match source {
            Source::Name => Some(vec![self.instance.name().to_owned()]),
            Source::Stack => Some(vec![self.stack.to_owned()]),
            Source::Section(path) => strings(self.section, path),
            Source::Connection(None) => connection.map(|connection| vec![connection.name.clone()]),
            Source::Connection(Some(path)) => connection.and_then(|connection| strings(&connection.settings, path)),
            Source::Connections(kind) => {
                let of_kind = self.host_file.connections.values().filter(|connection| connection.kind == kind);
                Some(of_kind.map(|connection| connection.name.clone()).collect())
            }
            Source::Folders => folders(|_| true),
            Source::WritableFolders => folders(|access| access == FolderAccess::Write),
        };
        let or_name = filters.contains(&Filter::OrName).then(|| vec![self.instance.name().to_owned()]);
        let values: Vec<String> = found.or(or_name).unwrap_or_default();
        let filtered = |value: String| filters.iter().try_fold(value, |value, filter| filter.of(value));
        values.into_iter().filter_map(filtered).collect()
    }
}

impl Filter {
    fn of(self, value: String) -> Option<String> {
        match self {
            Filter::OrName => Some(value),
            Filter::Parent => Some(Path::new(&value).parent()?.to_str()?.to_owned()),
            Filter::UrlPath => Some(url::Url::parse(&value).ok()?.path().trim_end_matches('/').to_owned()),
        }
    }
}

/// A value as it goes into a line; none where it would make another line than it looks like.
fn fitted(value: String, shape: Shape, first: bool) -> Option<String> {
    match (shape, first) {
        (Shape::Word, _) => Some(value),
        (Shape::Path, true) => files::grant::normal(&value),
        (Shape::Path, false) => (!value.is_empty() && !value.contains('/')).then_some(value),
        (Shape::UrlPath, true) => {
            let sound = http::grant::sound_path(&value).is_ok() && !value.contains(['*', '?']);
            (value.is_empty() || sound).then_some(value)
        }
        (Shape::UrlPath, false) => {
            // RFC 3986, 2.3: what means nothing but itself.
            let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
            let segment = !value.is_empty() && value != "." && value != ".." && value.chars().all(plain);
            segment.then_some(value)
        }
    }
}

/// The strings at a path, lists taken apart; none where nothing is.
fn strings<'t>(tree: &'t Tree, path: &str) -> Option<Vec<String>> {
    let mut found = vec![tree];
    for key in path.split('.') {
        let members = |tree: &'t Tree| match tree {
            Tree::Table(entries) if key == "*" => entries.iter().map(|(_, value)| value).collect(),
            Tree::Items(items) if key == "*" => items.iter().collect(),
            tree => Vec::from_iter(tree.get(key)),
        };
        found = found.into_iter().flat_map(members).collect();
    }
    let text = |tree: &Tree| tree.as_str().map(str::to_owned);
    let texts = |tree: &&Tree| match tree {
        Tree::Items(items) => items.iter().filter_map(text).collect(),
        tree => Vec::from_iter(text(tree)),
    };
    (!found.is_empty()).then(|| found.iter().flat_map(texts).collect())
}

/// A table in which a list is empty grants nothing.
fn lacks_lines(value: &Value) -> bool {
    let empty = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
    value.as_object().is_some_and(|members| members.values().any(empty))
}

fn merge(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            more.into_iter().for_each(|(key, value)| merge(into.entry(key).or_insert(Value::Null), value));
        }
        (Value::Array(into), Value::Array(more)) => into.extend(more),
        (Value::Bool(into), Value::Bool(more)) => *into |= more,
        (into, more) => *into = more,
    }
}

#[cfg(test)]
#[path = "grants_tests.rs"]
mod tests;
