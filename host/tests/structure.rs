//! The structure of `host/src`: arrows run one way. Every path that a file names leads to a layer below its own, or to its
//! own; so no two folders import one another, and a reader knows where to look for what a file needs.
#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::{ItemMod, ItemUse, LitStr, Macro, UseTree, visit::Visit};

/// From the bottom to the top. What stands in one line lies side by side and does not know each other.
const LAYERS: &[&[&str]] = &[
    &["hex", "model"],
    &["words", "document", "diagnostic"],
    &["world"],
    &["cache"],
    // What the capabilities share: the gate, what a step is, what a condition answers.
    &["capability"],
    &["capability::secrets", "capability::files"],
    &["capability::containers"],
    &["capability::sql"],
    &["capability::http"],
    &["capability::services"],
    // The lists of what all capabilities can do.
    &[
        "capability::inside",
        "capability::prefetch",
        "capability::condition",
        "capability::grants",
        "capability::connection_kinds",
    ],
    &["capability::step"],
    &["spec"],
    &["schema"],
    &["host_file"],
    &["draft"],
    &["plugin"],
    &["contract"],
    &["reference"],
    &["state"],
    &["plan"],
    &["apply"],
    &["render"],
    &["exit"],
    &["flow"],
    &["cli"],
];

/// Where a capability's room may be named: in the lists of what all of them can do, and where the plugin world is
/// joined to them.
const MAY_NAME_ROOMS: &[&str] = &[
    "capability::inside",
    "capability::prefetch",
    "capability::condition",
    "capability::grants",
    "capability::connection_kinds",
    "capability::step",
    "plugin",
];

/// What still names a room. No line is added here; one that no longer does is taken out.
const STILL_NAMES_ROOMS: &[&str] = &["reference::vantage"];

const ROOMS: [&str; 6] = ["secrets", "files", "sql", "containers", "http", "services"];

/// Words that are a plugin's kind and something else as well, and where they are that.
const NO_KIND_HERE: &[(&str, &str)] = &[
    // PostgreSQL's superuser, its maintenance database, and a scheme of URLs.
    ("capability::sql", "postgres"),
    // The question about a container, what an engine says in a program's environment, and a kind of things.
    ("capability::containers", "container"),
    ("plan::inside", "container"),
];

/// One module's file.
struct Module {
    path: Vec<String>,
    /// Every path that it names from `crate`.
    names: BTreeSet<Vec<String>>,
    /// Every string that stands in it, outside of tests; what macros hold, as it is written.
    strings: BTreeSet<String>,
    text: String,
}

fn modules() -> Vec<Module> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let mut found = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let path = module_of(file.strip_prefix(&root).unwrap());
        // Tests may look at everything, and `main` is another crate.
        let is_test = path.iter().any(|part| part.ends_with("tests") || part == "test_support") || path == ["main"];
        if is_test || path.is_empty() {
            continue;
        }
        let mut names = Names { module: path.clone(), depth: 0, found: BTreeSet::new(), strings: BTreeSet::new() };
        names.visit_file(&syn::parse_file(&text).unwrap());
        found.push(Module { path, names: names.found, strings: names.strings, text });
    }
    found
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// `capability/files/mod.rs` is `capability::files`.
fn module_of(file: &Path) -> Vec<String> {
    let mut parts: Vec<String> = file.with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
        parts.pop();
    }
    parts
}

/// Collects the paths that start with `crate` or `super`, made absolute.
struct Names {
    module: Vec<String>,
    depth: usize,
    found: BTreeSet<Vec<String>>,
    strings: BTreeSet<String>,
}

impl Names {
    fn note(&mut self, path: &[String]) {
        let Some(first) = path.first() else { return };
        let supers = path.iter().take_while(|part| *part == "super").count();
        let absolute = match first.as_str() {
            "crate" => path[1..].to_vec(),
            "super" if supers > self.depth => {
                let up = self.module.len() + self.depth - supers;
                self.module[..up].iter().chain(&path[supers..]).cloned().collect()
            }
            _ => return,
        };
        self.found.insert(absolute);
    }

    fn tree(&mut self, above: &[String], tree: &UseTree) {
        let with = |name: String| above.iter().cloned().chain([name]).collect::<Vec<_>>();
        match tree {
            UseTree::Path(path) => self.tree(&with(path.ident.to_string()), &path.tree),
            UseTree::Name(name) => self.note(&with(name.ident.to_string())),
            UseTree::Rename(name) => self.note(&with(name.ident.to_string())),
            UseTree::Glob(_) => self.note(above),
            UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(above, item)),
        }
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if item.attrs.iter().any(|attribute| attribute.path().is_ident("cfg")) {
            return;
        }
        self.depth += 1;
        syn::visit::visit_item_mod(self, item);
        self.depth -= 1;
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.tree(&[], &item.tree);
    }

    fn visit_lit_str(&mut self, string: &'ast LitStr) {
        self.strings.insert(format!("{:?}", string.value()));
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        self.strings.insert(item.tokens.to_string());
        syn::visit::visit_macro(self, item);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.note(&parts);
        syn::visit::visit_path(self, path);
    }
}

/// The layer of a path, and its name: of two that fit, the longer one.
fn layer_of(path: &[String]) -> Option<(usize, &'static str)> {
    let fits = |name: &str| {
        let parts: Vec<&str> = name.split("::").collect();
        path.len() >= parts.len() && path.iter().zip(&parts).all(|(one, other)| one == other)
    };
    let all = LAYERS.iter().enumerate().flat_map(|(layer, names)| names.iter().map(move |name| (layer, *name)));
    all.filter(|(_, name)| fits(name)).max_by_key(|(_, name)| name.len())
}

#[test]
fn every_module_has_its_layer() {
    let without: Vec<String> = modules()
        .iter()
        .filter(|module| layer_of(&module.path).is_none())
        .map(|module| module.path.join("::"))
        .collect();
    assert!(without.is_empty(), "LAYERS does not say where these lie: {without:?}");
}

#[test]
fn arrows_run_one_way() {
    let mut upward = BTreeSet::new();
    let mut arrows = 0;
    for module in modules() {
        let Some((own, own_name)) = layer_of(&module.path) else { continue };
        for name in &module.names {
            let Some((layer, layer_name)) = layer_of(name) else { continue };
            arrows += 1;
            if layer_name != own_name && layer >= own {
                upward.insert(format!("{} -> {}", module.path.join("::"), name.join("::")));
            }
        }
    }
    assert!(arrows > 1000, "only {arrows} paths were seen: the reader of imports sees nothing");
    assert!(upward.is_empty(), "these lead upward or sideways:\n{}", upward.into_iter().collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_engine_names_no_capability() {
    let mut naming: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for module in modules() {
        let Some((_, own)) = layer_of(&module.path) else { continue };
        if MAY_NAME_ROOMS.contains(&own) || own.starts_with("capability::") {
            continue;
        }
        for name in &module.names {
            if name.first().is_some_and(|first| first == "capability")
                && name.get(1).is_some_and(|room| ROOMS.contains(&room.as_str()))
            {
                naming.entry(module.path.join("::")).or_default().insert(name.join("::"));
            }
        }
    }
    let found: Vec<&str> = naming.keys().map(String::as_str).collect();
    assert_eq!(found, STILL_NAMES_ROOMS, "{naming:#?}");
}

#[test]
fn a_permit_is_made_by_the_gate_alone() {
    let made: Vec<String> = modules()
        .iter()
        .filter(|module| module.text.contains("Permit::new("))
        .map(|module| module.path.join("::"))
        .filter(|path| !(path.starts_with("capability::") && path.ends_with("::grant")))
        .collect();
    assert!(made.is_empty(), "permits are made in {made:?}");
}

/// The folders of `plugins` that bring grants are the built-in plugins, and each is called like its kind.
#[test]
fn no_plugin_is_known_by_its_kind() {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins");
    let folders = fs::read_dir(plugins).unwrap().map(|entry| entry.unwrap().path());
    let kinds: Vec<String> = folders
        .filter(|folder| folder.join("grants.toml").is_file())
        .map(|folder| format!("{:?}", folder.file_name().unwrap().to_str().unwrap()))
        .collect();
    assert!(kinds.len() >= 5, "{kinds:?}");
    let mut named = BTreeSet::new();
    let mut excused = BTreeSet::new();
    for module in modules() {
        let path = module.path.join("::");
        for kind in kinds.iter().filter(|kind| module.strings.iter().any(|string| string.contains(*kind))) {
            let excuse =
                NO_KIND_HERE.iter().find(|(place, word)| path.starts_with(place) && *kind == format!("{word:?}"));
            match excuse {
                Some(excuse) => drop(excused.insert(*excuse)),
                None => drop(named.insert(format!("{path} names {kind}"))),
            }
        }
    }
    assert!(named.is_empty(), "{named:#?}");
    assert_eq!(excused, BTreeSet::from_iter(NO_KIND_HERE.iter().copied()), "an excuse that nobody needs");
}
