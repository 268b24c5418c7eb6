//! Reads a host file: everything that is wrong at once, each thing underlined.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::LazyLock,
};

use anyhow::Context;
use serde::Deserialize;
use toml::de::DeTable;

use super::{
    Unusable,
    connection_kinds::{self, COMMON},
    grants,
};
use crate::{
    cache::{Cache, KeyMaker, Slot},
    capability::connection::with_defaults,
    diagnostic::{Source, closest, listed},
    model::{
        ConnectionSettings, Diagnostic, Document, Folder, FolderAccess, GrantLines, HostFile, Place, PluginSettings,
        StoreSettings, Verb, WriteMode, diagnostic::keys, value::Tree,
    },
    schema::{Catalog, Checker},
    spec::{plain, syntax_error, syntax_errors},
    world::trusted,
};

/// Reads and checks a host file: what could be understood of it (nothing, where there is an error among the messages),
/// its text for underlining, and everything there is to say. Whether the connections' kinds are known,
/// [`HostFile::check_kinds`] says once the plugins are.
///
/// # Errors
/// It can't be read, or others can write it.
pub fn read(path: &Path) -> Result<(HostFile, Source, Vec<Diagnostic>), Unusable> {
    read_with(path, None)
}

/// The same, where a cache may know that this very text is as it should be.
///
/// # Errors
/// Those of [`read`].
pub fn read_with(path: &Path, cache: Option<&Cache>) -> Result<(HostFile, Source, Vec<Diagnostic>), Unusable> {
    let text = trusted::read(path, "host file")
        .and_then(|found| found.into_text().with_context(|| format!("the host file {} can't be read", path.display())));
    text.map(|text| parse_with(path, &text, cache)).map_err(|error| {
        let help = match path.exists() {
            true => "",
            false => {
                "\n  it says what this machine has: connections, folders, the secret store; name yours with --host FILE"
            }
        };
        Unusable(format!("{error:#}{help}"))
    })
}

/// The schema of the host file, but for the settings of connections.
pub fn schema() -> serde_json::Value {
    // Ours, and read by a test: it is TOML.
    toml::from_str(include_str!("schema.toml")).unwrap_or_default()
}

/// Parses a host file; `path` is where it would be.
pub fn parse(path: &Path, text: &str) -> (HostFile, Source, Vec<Diagnostic>) {
    parse_with(path, text, None)
}

fn parse_with(path: &Path, text: &str, cache: Option<&Cache>) -> (HostFile, Source, Vec<Diagnostic>) {
    static SCHEMA: LazyLock<Checker> = LazyLock::new(|| Checker::new(schema()));
    let source = Source::new(path.display().to_string(), text);
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut diagnostics: Vec<Diagnostic> = syntax_errors(&errors, &Document::HostFile, text).into_iter().collect();
    if !diagnostics.is_empty() {
        return (HostFile::empty(path), source, diagnostics);
    }
    let tree = plain(document.get_ref(), &|path| Place::HostFile(path.to_vec()), &mut diagnostics);
    let slot = Slot {
        place: KeyMaker::place("host file").and_path(path).finish(),
        made_of: KeyMaker::of("host file").and(text.as_bytes()).finish(),
    };
    // A text that was right once is right: schemas are compiled for those who changed theirs.
    if cache.and_then(|cache| cache.recall::<()>(&slot)).is_none() {
        check(&SCHEMA, &tree, &[], &mut diagnostics);
        check_connections(&tree, &mut diagnostics);
        if let (true, Some(cache)) = (diagnostics.is_empty(), cache) {
            cache.keep(&slot, &());
        }
    }
    if diagnostics.is_empty() {
        match Raw::deserialize(toml::de::Deserializer::from(document)) {
            Ok(raw) => {
                warn(&raw, &mut diagnostics);
                let host_file = raw.settled(path, &tree);
                diagnostics.extend(check_together(&host_file));
                diagnostics.extend(grants::problems(&host_file));
                return match diagnostics.iter().any(Diagnostic::is_error) {
                    true => (HostFile::empty(path), source, diagnostics),
                    false => (host_file, source, diagnostics),
                };
            }
            // What the schema leaves open: grants have types of their own.
            Err(error) => diagnostics.push(not_as_wanted(&error, text)),
        }
    }
    (HostFile::empty(path), source, diagnostics)
}

/// What only a typed reading finds.
fn not_as_wanted(error: &toml::de::Error, text: &str) -> Diagnostic {
    let mut diagnostic = syntax_error(error, Document::HostFile, text);
    diagnostic.message = error.message().to_owned();
    diagnostic
}

fn check(checker: &Checker, tree: &Tree, at: &[&str], diagnostics: &mut Vec<Diagnostic>) {
    for problem in checker.check(tree, &|_| None) {
        let path = keys(at.iter().copied()).into_iter().chain(problem.path).collect();
        let diagnostic = Diagnostic::error(Place::HostFile(path), problem.message);
        diagnostics.push(Diagnostic { help: problem.help, ..diagnostic });
    }
}

/// Each connection by the schema of its kind; of other kinds only what all kinds have.
fn check_connections(tree: &Tree, diagnostics: &mut Vec<Diagnostic>) {
    let Some(Tree::Table(connections)) = tree.get("connection") else { return };
    for (name, connection) in connections {
        let Some(kind) = connection.get("kind").and_then(Tree::as_str) else { continue };
        let checker = connection_kinds::checker(kind).unwrap_or_else(|| connection_kinds::open());
        check(checker, connection, &["connection", name], diagnostics);
    }
}

/// What a schema does not see: settings that don't go together, addresses that are none.
fn check_together(host_file: &HostFile) -> impl Iterator<Item = Diagnostic> {
    host_file.connections.values().filter_map(|connection| {
        let kind = connection_kinds::of(&connection.kind)?;
        let why = (kind.check)(connection).err()?;
        // Lines are shown with those around them, and no line with a password is.
        let place = match holds_password(&connection.settings) {
            true => Place::Nowhere,
            false => Place::HostFile(keys(["connection", connection.name.as_str(), "kind"])),
        };
        Some(Diagnostic::error(place, why.to_string()))
    })
}

/// Whether a setting is an URL with a password in it.
fn holds_password(settings: &Tree) -> bool {
    let Tree::Table(entries) = settings else { return false };
    let urls = entries.iter().filter_map(|(_, value)| url::Url::parse(value.as_str()?).ok());
    urls.into_iter().any(|url| url.password().is_some())
}

fn warn(raw: &Raw, diagnostics: &mut Vec<Diagnostic>) {
    if raw.store.recipients.len() == 1 {
        let place = Place::HostFile(keys(["store", "recipients"]));
        let message = "the secret store has one recipient: with its key all secrets are lost";
        let help = "add a second one whose key lies elsewhere, such as your own age or SSH key";
        diagnostics.push(Diagnostic::warning(place, message).help(help));
    }
}

impl HostFile {
    /// Connections of kinds that neither the host nor any plugin knows, and settings that a plugin by others can't use.
    pub fn check_kinds(&self, catalog: &Catalog) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        for connection in self.connections.values() {
            if connection_kinds::checker(&connection.kind).is_some() {
                continue;
            }
            let wants = || catalog.descriptions().flat_map(|description| &description.connections);
            let mut wanting = wants().filter(|want| want.kinds.contains(&connection.kind)).peekable();
            // A plugin that this spec does not need has not been asked what it knows.
            let all_asked = self.plugins.keys().all(|kind| catalog.description(kind).is_some());
            if wanting.peek().is_none() && all_asked {
                let schemas = connection_kinds::schemas();
                let known: BTreeSet<&str> =
                    schemas.keys().chain(wants().flat_map(|want| &want.kinds)).map(String::as_str).collect();
                let help = match closest(&connection.kind, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there is {}", listed(known)),
                };
                let place = Place::HostFile(keys(["connection", connection.name.as_str(), "kind"]));
                let message = format!("no plugin knows the connection kind `{}`", connection.kind);
                diagnostics.push(Diagnostic::error(place, message).help(help));
            }
            for want in wanting {
                let checker = Checker::new(want.settings_schema.clone());
                check(&checker, &connection.settings, &["connection", &connection.name], &mut diagnostics);
            }
        }
        diagnostics.extend(grants::of_others(self, catalog));
        diagnostics
    }

    /// One that says nothing.
    pub(crate) fn empty(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            store: StoreSettings { path: PathBuf::new(), identities: Vec::new(), recipients: Vec::new() },
            state: PathBuf::new(),
            folders: BTreeMap::new(),
            connections: BTreeMap::new(),
            plugins: BTreeMap::new(),
        }
    }
}

#[derive(Deserialize)]
struct Raw {
    store: RawStore,
    #[serde(default)]
    state: RawState,
    #[serde(default)]
    folders: BTreeMap<String, RawFolder>,
    #[serde(default)]
    connection: BTreeMap<String, RawConnection>,
    #[serde(default)]
    plugin: BTreeMap<String, RawPlugin>,
}

#[derive(Deserialize)]
struct RawStore {
    #[serde(default = "RawStore::default_path")]
    path: PathBuf,
    identity: OneOrMany,
    recipients: Vec<String>,
}

impl RawStore {
    fn default_path() -> PathBuf {
        PathBuf::from("/var/lib/stackrun/store")
    }
}

#[derive(Deserialize)]
struct RawState {
    path: PathBuf,
}

impl Default for RawState {
    fn default() -> Self {
        Self { path: PathBuf::from("/var/lib/stackrun/state") }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(PathBuf),
    Many(Vec<PathBuf>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawFolder {
    Path(PathBuf),
    Table {
        path: PathBuf,
        #[serde(default = "RawFolder::default_access")]
        access: FolderAccess,
    },
}

impl RawFolder {
    fn default_access() -> FolderAccess {
        FolderAccess::Write
    }
}

#[derive(Deserialize)]
struct RawConnection {
    kind: String,
    address: Option<String>,
    #[serde(default)]
    write: WriteMode,
    #[serde(default)]
    verbs: BTreeMap<String, RawVerb>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawVerb {
    Words(Vec<String>),
    Table(Verb),
}

#[derive(Deserialize)]
struct RawPlugin {
    path: Option<PathBuf>,
    #[serde(default)]
    grants: GrantLines,
}

impl Raw {
    fn settled(self, path: &Path, tree: &Tree) -> HostFile {
        let identities = match self.store.identity {
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many,
        };
        let folder = |folder: RawFolder| match folder {
            RawFolder::Path(path) => Folder { path, access: RawFolder::default_access() },
            RawFolder::Table { path, access } => Folder { path, access },
        };
        let connection = |(name, raw): (String, RawConnection)| {
            let settings = settings(tree, &name);
            (name.clone(), raw.settled(name, settings))
        };
        let plugin = |raw: RawPlugin| PluginSettings { path: raw.path, grants: raw.grants };
        HostFile {
            path: path.to_owned(),
            store: StoreSettings { path: self.store.path, identities, recipients: self.store.recipients },
            state: self.state.path,
            folders: self.folders.into_iter().map(|(name, raw)| (name, folder(raw))).collect(),
            connections: self.connection.into_iter().map(connection).collect(),
            plugins: self.plugin.into_iter().map(|(name, raw)| (name, plugin(raw))).collect(),
        }
    }
}

impl RawConnection {
    fn settled(self, name: String, settings: Tree) -> ConnectionSettings {
        let verb = |raw: RawVerb| match raw {
            RawVerb::Table(verb) => verb,
            RawVerb::Words(command) => Verb::plain(command),
        };
        let verbs = self.verbs.into_iter().map(|(name, raw)| (name, verb(raw))).collect();
        ConnectionSettings { name, kind: self.kind, address: self.address, write: self.write, verbs, settings }
    }
}

/// What stands in the table of a connection beside the fields that all kinds have, defaults of its kind filled in.
fn settings(tree: &Tree, name: &str) -> Tree {
    let written = tree.get("connection").and_then(|connections| connections.get(name));
    let Some(table @ Tree::Table(entries)) = written else { return Tree::Table(Vec::new()) };
    let own = Tree::Table(entries.iter().filter(|(key, _)| !COMMON.contains(&key.as_str())).cloned().collect());
    let kind = table.get("kind").and_then(Tree::as_str).unwrap_or_default();
    connection_kinds::of(kind).map_or(own.clone(), |kind| with_defaults(&own, (kind.schema)()))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
