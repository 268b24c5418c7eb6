//! What a file is, and what a component imports: looked at before any of it is compiled or linked.

use semver::Version;
use wasmparser::{ComponentExternName, Encoding, Parser, Payload};

/// The package of the world.
const PACKAGE: &str = "stackrun:plugin";

/// The version of the world that this host speaks.
const WORLD: Version = Version::new(0, 1, 0);

/// The interface that every plugin exports.
const GUEST: &str = "guest";

/// Interfaces that any plugin may import without asking for them.
const VOCABULARY: [&str; 3] = ["types", "log", "secrets"];

/// Interfaces that a plugin asks for in its description.
pub const CAPABILITIES: [&str; 5] = ["sql", "files", "containers", "http", "services"];

/// Why a file is no plugin for this host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// No bytes.
    #[error("the file is empty")]
    Empty,
    /// WebAssembly's text format, a script, a page of a download that failed.
    #[error("the file is text, and a plugin is a compiled WebAssembly component")]
    Text,
    /// An ELF file, a Mach-O file, a Windows executable, or what wasmtime compiles to.
    #[error("the file is native code, which is never run; a plugin is a WebAssembly component")]
    NativeCode,
    /// Some other bytes.
    #[error("the file is not WebAssembly; a plugin is a WebAssembly component")]
    Foreign,
    /// A module that nobody made a component.
    #[error(
        "the file is a core WebAssembly module, and a plugin is a component: make it one with `wasm-tools component new`"
    )]
    CoreModule,
    /// Cut off, or changed on the way.
    #[error("the file is cut off or damaged ({reason}, at byte {offset}): copy it again")]
    Damaged {
        /// Where.
        offset: usize,
        /// What the parser says.
        reason: String,
    },
    /// Changed on the way, or uses a proposal that is not switched on.
    #[error(
        "the component is not valid: {reason}. Copy it again; if that does not help, it was built for another machine"
    )]
    Invalid {
        /// What the compiler says.
        reason: String,
    },
    /// WASI.
    #[error(
        "it imports `{import}`: a plugin has no files, sockets, clock or environment. Build it for \
         wasm32-unknown-unknown, or without the library that asks for it"
    )]
    Wasi {
        /// The import.
        import: String,
    },
    /// An import that is not in the world.
    #[error("it imports `{import}`, which is not part of the plugin world {PACKAGE}@{WORLD}")]
    ForeignImport {
        /// The import.
        import: String,
    },
    /// Built for a later world.
    #[error("it was built for {PACKAGE}@{theirs}, and this stackrun speaks {WORLD}: upgrade stackrun")]
    TooNew {
        /// Version of the plugin's world.
        theirs: Version,
    },
    /// Built for an earlier world.
    #[error("it was built for {PACKAGE}@{theirs}, and this stackrun speaks {WORLD}: the plugin has to be upgraded")]
    TooOld {
        /// Version of the plugin's world.
        theirs: Version,
    },
    /// A function that this host's world does not have: a pre-release of a later one.
    #[error("it imports a function that {PACKAGE}@{WORLD} does not have ({reason}): upgrade stackrun")]
    UnknownFunction {
        /// What the linker says.
        reason: String,
    },
    /// No plugin, but some other component.
    #[error("it does not export `{PACKAGE}/{GUEST}@{WORLD}`, so it is a component, but no plugin of stackrun's")]
    NoGuest,
    /// A plugin's interface of the right name and other functions.
    #[error("its `{GUEST}` is not that of {PACKAGE}@{WORLD} ({reason})")]
    WrongGuest {
        /// What the linker says.
        reason: String,
    },
    /// More imports than its description says.
    #[error(
        "it imports `{interface}`, and its description does not ask for that capability: its author has to add \
         \"{interface}\" to `capabilities`"
    )]
    NotAskedFor {
        /// The interface.
        interface: String,
    },
    /// Asks for something that no host offers.
    #[error("its description asks for the capability `{capability}`, and there are {}", CAPABILITIES.join(", "))]
    UnknownCapability {
        /// What it asks for.
        capability: String,
    },
    /// Needs more than a plugin gets before it even runs.
    #[error("it needs more than a plugin gets: {reason}")]
    TooLarge {
        /// What the allocator says.
        reason: String,
    },
}

/// The capabilities that a component imports.
pub fn inspect(bytes: &[u8]) -> Result<Vec<&'static str>, Unfit> {
    recognise(bytes)?;
    let outside = outside(bytes)?;
    for import in &outside.imports {
        if import.starts_with("wasi:") {
            // An inert WASI for guests in other languages would be linked here: empty environment, no directories, no
            // sockets, a frozen clock, a seeded random source.
            return Err(Unfit::Wasi { import: import.clone() });
        }
    }
    let known = outside.imports.iter().map(|import| known_import(import)).collect::<Result<Vec<_>, _>>()?;
    exports_guest(&outside.exports)?;
    Ok(known.into_iter().flatten().collect())
}

/// Holds what a component imports against what its description asks for.
pub fn asked_for(imported: &[&str], asked: &[String]) -> Result<(), Unfit> {
    if let Some(capability) = asked.iter().find(|asked| !CAPABILITIES.contains(&asked.as_str())) {
        return Err(Unfit::UnknownCapability { capability: capability.clone() });
    }
    match imported.iter().find(|interface| !asked.iter().any(|asked| asked == *interface)) {
        Some(interface) => Err(Unfit::NotAskedFor { interface: (*interface).to_owned() }),
        None => Ok(()),
    }
}

/// Tells a component from everything else.
fn recognise(bytes: &[u8]) -> Result<(), Unfit> {
    const NATIVE: [&[u8]; 5] = [b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa\xcf", b"\xca\xfe\xba\xbe"];
    match bytes {
        [] => Err(Unfit::Empty),
        _ if Parser::is_component(bytes) => Ok(()),
        _ if Parser::is_core_wasm(bytes) => Err(Unfit::CoreModule),
        _ if NATIVE.iter().any(|magic| bytes.starts_with(magic)) => Err(Unfit::NativeCode),
        _ if bytes.starts_with(b"\0asm") && bytes.len() < 8 => {
            Err(Unfit::Damaged { offset: bytes.len(), reason: "unexpected end".into() })
        }
        _ if std::str::from_utf8(bytes).is_ok() => Err(Unfit::Text),
        _ => Err(Unfit::Foreign),
    }
}

/// Names of a component's own imports and exports, not those of what is inside it.
#[derive(Default)]
struct Outside {
    imports: Vec<String>,
    exports: Vec<String>,
}

fn outside(bytes: &[u8]) -> Result<Outside, Unfit> {
    let damaged = |error: wasmparser::BinaryReaderError| Unfit::Damaged {
        offset: error.offset(),
        reason: error.message().to_owned(),
    };
    let name = |name: ComponentExternName<'_>| name.name.to_owned();
    let mut outside = Outside::default();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(damaged)? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => return Err(Unfit::CoreModule),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    outside.imports.push(name(import.map_err(damaged)?.name));
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    outside.exports.push(name(export.map_err(damaged)?.name));
                }
            }
            _ => {}
        }
    }
    Ok(outside)
}

/// An import of the world's; the capability it stands for, if it is one.
fn known_import(import: &str) -> Result<Option<&'static str>, Unfit> {
    let foreign = || Unfit::ForeignImport { import: import.to_owned() };
    let (interface, version) = ours(import).ok_or_else(foreign)?;
    speaks(version)?;
    if VOCABULARY.contains(&interface) {
        return Ok(None);
    }
    CAPABILITIES.into_iter().find(|capability| *capability == interface).map(Some).ok_or_else(foreign)
}

fn exports_guest(exports: &[String]) -> Result<(), Unfit> {
    match exports.iter().filter_map(|export| ours(export)).find(|(interface, _)| *interface == GUEST) {
        Some((_, version)) => speaks(version),
        None => Err(Unfit::NoGuest),
    }
}

/// The interface and version of a name of the world's package.
fn ours(name: &str) -> Option<(&str, Version)> {
    let (interface, version) = name.strip_prefix(PACKAGE)?.strip_prefix('/')?.split_once('@')?;
    Some((interface, Version::parse(version).ok()?))
}

/// Functions may be added to interfaces in a patch of the world, so an older patch is no other world.
fn speaks(theirs: Version) -> Result<(), Unfit> {
    match (theirs.major, theirs.minor).cmp(&(WORLD.major, WORLD.minor)) {
        std::cmp::Ordering::Less => Err(Unfit::TooOld { theirs }),
        std::cmp::Ordering::Equal if theirs <= WORLD => Ok(()),
        _ => Err(Unfit::TooNew { theirs }),
    }
}
