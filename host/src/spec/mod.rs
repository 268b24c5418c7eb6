//! The spec: the user's file, `mediamanager.toml`, parsed into instances whose strings know what they refer to.
//!
//! Nothing stops at the first mistake. What could not be understood is left out, or stands in its section as a broken
//! reference ([`is_broken`]) about which nothing more is said.

mod args;
mod index;
mod names;
mod reference;
mod set;
mod text;
mod tree;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use toml::de::{DeTable, DeValue};

pub use args::{SpecArgs, StackArgs};
pub use index::Index;
pub use reference::{broken, folder_of, is_broken, name_of};
pub use text::{Piece, escape, pieces};
pub use tree::{from_json, plain};

use crate::{
    diagnostic::Source,
    model::{
        Diagnostic, Document, Place, Segment,
        diagnostic::keys,
        value::{Address, Tree},
    },
    world::disk,
};

/// Whether a stack may be called so: its name becomes that of files.
pub fn is_stack(name: &str) -> bool {
    names::stack(name).is_ok()
}

/// The user's file, parsed.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Where it was read from; contracts by path are relative to it.
    pub path: PathBuf,
    /// All of it.
    pub text: Arc<str>,
    /// `[stack] name`
    pub stack: String,
    /// In the order of the file.
    pub instances: Vec<Instance>,
    /// Finds instances by address and by kind.
    pub index: Index,
}

/// One `[kind.name]` table.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// `postgres.mediamanager`
    pub address: Address,
    /// Its table; references are `Target::Output`.
    pub section: Tree,
}

impl Spec {
    /// The instance of this address.
    pub fn instance(&self, address: &Address) -> Option<&Instance> {
        self.instances.get(self.index.position(address)?)
    }

    /// For underlining.
    pub fn source(&self) -> Source {
        Source::new(self.path.display().to_string(), self.text.clone())
    }
}

/// Reads and parses a spec, and puts the values of `--set` in it. The error is that of reading; what is wrong with the
/// content is in the messages, and then the spec holds what could be understood.
pub fn read_with(path: &Path, settings: &[String]) -> anyhow::Result<(Spec, Vec<Diagnostic>)> {
    let text = disk::read_named_text(path)?;
    let (mut spec, mut diagnostics) = parse(path, text.into());
    if diagnostics.is_empty() {
        settings.iter().for_each(|setting| set::apply(&mut spec, setting, &mut diagnostics));
    }
    Ok((spec, diagnostics))
}

/// Parses a spec; `path` is where it would be.
pub fn parse(path: &Path, text: Arc<str>) -> (Spec, Vec<Diagnostic>) {
    let (document, errors) = DeTable::parse_recoverable(&text);
    let mut diagnostics: Vec<Diagnostic> = syntax_errors(&errors, &Document::Spec, &text).into_iter().collect();
    let mut spec = Spec {
        path: path.to_owned(),
        text: text.clone(),
        stack: String::new(),
        instances: Vec::new(),
        index: Index::default(),
    };
    // After a syntax error nothing is where it seems: whatever else could be said would mislead.
    if diagnostics.is_empty() {
        let reader = Reader { root: document.get_ref(), diagnostics: &mut diagnostics };
        reader.read(&mut spec);
    }
    (spec, diagnostics)
}

/// The first thing that the TOML parser says of a whole file. Once it is lost, in a list that nobody closed, it takes
/// every line that follows for a mistake.
pub fn syntax_errors(errors: &[toml::de::Error], document: &Document, text: &str) -> Option<Diagnostic> {
    let first = errors.iter().min_by_key(|error| error.span().map_or(0, |span| span.start))?;
    Some(
        syntax_error(first, document.clone(), text)
            .help("nothing after that was looked at: put it right, and check again"),
    )
}

/// What the TOML parser says, at the byte where it says it.
pub fn syntax_error(error: &toml::de::Error, document: Document, text: &str) -> Diagnostic {
    let span = error.span().unwrap_or(0..0);
    // An underline needs something to stand under: at the end of the text, the last character.
    let start = if span.start >= text.len() { text.trim_end().len().saturating_sub(1) } else { span.start };
    let start = (0..=start).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let place = Place::Bytes(document, start, span.end.max(start + 1));
    Diagnostic::error(place, format!("this is no TOML: {}", error.message()))
}

struct Reader<'t, 'i> {
    root: &'t DeTable<'i>,
    diagnostics: &'t mut Vec<Diagnostic>,
}

impl Reader<'_, '_> {
    fn read(mut self, spec: &mut Spec) {
        spec.stack = self.stack();
        let mut tables = Vec::new();
        for (kind, value) in self.root.iter().filter(|(key, _)| key.get_ref() != "stack") {
            self.kind(kind.get_ref(), value.get_ref(), &mut tables);
        }
        // Tables of one kind may stand apart in the file.
        tables.sort_by_key(|(_, _, start)| *start);
        spec.index = Index::new(tables.iter().map(|(address, _, _)| address));
        for (address, table, _) in tables {
            let section = tree::compile(table, &address, &spec.index, self.diagnostics);
            spec.instances.push(Instance { address, section });
        }
    }

    fn stack(&mut self) -> String {
        let Some(stack) = self.root.get("stack") else {
            let missing = Diagnostic::error(Place::Spec(Vec::new()), "the spec does not say what the stack is called");
            self.diagnostics.push(missing.help("begin it with\n  [stack]\n  name = \"mediamanager\""));
            return String::new();
        };
        let Some(table) = stack.get_ref().as_table() else {
            self.error(keys(["stack"]), "`stack` is a table: `[stack]` with a `name`");
            return String::new();
        };
        for (key, _) in table.iter().filter(|(key, _)| key.get_ref() != "name") {
            let path = vec![Segment::Key("stack".into()), Segment::Name { name: key.get_ref().to_string() }];
            self.error(path, format!("`[stack]` has no field `{}`; it has `name`", key.get_ref()));
        }
        match table.get("name").map(|name| name.get_ref()) {
            Some(DeValue::String(name)) => {
                if let Err(problem) = names::stack(name) {
                    self.push(Place::Spec(keys(["stack", "name"])), problem);
                }
                name.to_string()
            }
            Some(_) => {
                self.error(keys(["stack", "name"]), "the name of the stack is a text, in quotes");
                String::new()
            }
            None => {
                self.error(keys(["stack"]), "`[stack]` has no `name`");
                String::new()
            }
        }
    }

    /// `[kind.name]` tables of one kind.
    fn kind<'t, 'i>(
        &mut self,
        kind: &str,
        value: &'t DeValue<'i>,
        tables: &mut Vec<(Address, &'t DeTable<'i>, usize)>,
    ) {
        let name_of_kind = || Place::Spec(vec![Segment::Name { name: kind.to_owned() }]);
        let Some(members) = value.as_table() else {
            let help = "an instance is a table with a kind and a name: `[postgres.mediamanager]`";
            let problem = Diagnostic::error(name_of_kind(), format!("`{kind}` stands outside of any instance"));
            self.diagnostics.push(problem.help(help));
            return;
        };
        if let Err(problem) = names::kind(kind) {
            self.push(name_of_kind(), problem);
            return;
        }
        for (name, member) in members.iter() {
            let written = name.get_ref();
            let path = || vec![Segment::Key(kind.to_owned()), Segment::Name { name: written.to_string() }];
            match (member.get_ref().as_table(), names::instance(written)) {
                (None, _) => {
                    let message = format!("`{written}` stands in `[{kind}]`, which has no name of its own");
                    let help = format!("give the instance a name: `[{kind}.NAME]`");
                    self.diagnostics.push(Diagnostic::error(Place::Spec(path()), message).help(help));
                }
                (Some(_), Err(problem)) => self.push(Place::Spec(path()), problem),
                (Some(table), Ok(())) => {
                    tables.push((Address::new(kind, written.as_ref()), table, member.span().start));
                }
            }
        }
    }

    fn error(&mut self, path: Vec<Segment>, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(Place::Spec(path), message));
    }

    fn push(&mut self, place: Place, (message, help): (String, String)) {
        self.diagnostics.push(Diagnostic::error(place, message).help(help));
    }
}
