//! Guests written by hand: a core module in WebAssembly's text format, made a component against the plugin world.

use std::{fs, path::Path};

use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve, WorldId};

/// A plugin, function by function. Each body ends with the address of its answer; address 0 is all zeros for the first
/// 100 kB, so it is an empty list of diagnostics, nothing offered, and an empty plan.
pub struct Guest<'a> {
    /// Imports of the core module.
    pub imports: &'a str,
    /// Further definitions: data, functions, globals.
    pub more: &'a str,
    pub check: &'a str,
    pub outputs: &'a str,
    pub plan: &'a str,
    pub capabilities: &'a [&'a str],
    pub kind: &'a str,
    pub schema: &'a str,
}

impl Default for Guest<'_> {
    fn default() -> Self {
        Self {
            imports: "",
            more: "",
            check: "i32.const 0",
            outputs: "i32.const 0",
            plan: "i32.const 0",
            capabilities: &[],
            kind: "hostile",
            schema: r#"{"type": "object"}"#,
        }
    }
}

/// Where the description lies; what the tests put in memory lies below, what the host hands over above.
const DESCRIPTION: usize = 200_000;
const HANDED_OVER: usize = 300_000;

impl Guest<'_> {
    /// The component.
    pub fn component(&self) -> Vec<u8> {
        let (resolve, world) = world();
        encode(wat::parse_str(self.module()).unwrap(), &resolve, world)
    }

    fn module(&self) -> String {
        let Self { imports, more, check, outputs, plan, .. } = self;
        let description = self.description();
        let export = |name: &str, body: &str| {
            format!(r#"(func (export "stackrun:plugin/guest@0.1.0#{name}") (param i32) (result i32) {body})"#)
        };
        format!(
            r#"(module
                {imports}
                (memory (export "memory") 16)
                (global $free (mut i32) (i32.const {HANDED_OVER}))
                (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                    (local $at i32)
                    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
                    (global.set $free (i32.add (local.get $at) (local.get 3)))
                    (local.get $at))
                (func (export "stackrun:plugin/guest@0.1.0#describe") (result i32) i32.const {DESCRIPTION})
                {}{}{}
                {description}
                {more}
            )"#,
            export("check", check),
            export("outputs", outputs),
            export("plan", plan),
        )
    }

    /// The record: kind, version, about, section-schema, connections, outputs, capabilities; each a pointer and a length.
    fn description(&self) -> String {
        let mut memory = vec![0_u8; 7 * 8 + self.capabilities.len() * 8];
        let capabilities = 7 * 8;
        set_pair(&mut memory, 6 * 8, DESCRIPTION + capabilities, self.capabilities.len());
        let strings = [self.kind, "1.2.3", "Does harm", self.schema].into_iter().zip([0, 8, 16, 24]);
        let asked = self.capabilities.iter().copied().zip((0..).map(|number| capabilities + number * 8));
        for (text, at) in strings.chain(asked).collect::<Vec<_>>() {
            let end = memory.len();
            set_pair(&mut memory, at, DESCRIPTION + end, text.len());
            memory.extend(text.bytes());
        }
        data(DESCRIPTION, &memory)
    }
}

/// A data segment.
pub fn data(at: usize, bytes: &[u8]) -> String {
    let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!("(data (i32.const {at}) \"{escaped}\")")
}

fn set_pair(memory: &mut [u8], at: usize, pointer: usize, length: usize) {
    for (offset, value) in [(at, pointer), (at + 4, length)] {
        memory[offset..offset + 4].copy_from_slice(&u32::try_from(value).unwrap().to_le_bytes());
    }
}

/// The plugin world as it is.
fn world() -> (Resolve, WorldId) {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit"))
}

fn read(directory: &Path) -> (Resolve, WorldId) {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(directory).unwrap();
    let world = resolve.select_world(&[package], Some("plugin")).unwrap();
    (resolve, world)
}

fn encode(mut module: Vec<u8>, resolve: &Resolve, world: WorldId) -> Vec<u8> {
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

/// A component that imports and exports all of a world, and panics in every function. `change` makes the world out of
/// each file of the real one.
pub fn of_another_world(change: impl Fn(&str, String) -> String) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")).unwrap() {
        let path = file.unwrap().path();
        if let (true, Some(name)) = (path.is_file(), path.file_name().and_then(|name| name.to_str())) {
            let text = change(name, fs::read_to_string(&path).unwrap());
            fs::write(directory.path().join(name), text).unwrap();
        }
    }
    let clock = directory.path().join("deps/clocks");
    fs::create_dir_all(&clock).unwrap();
    let wasi = "package wasi:clocks@0.2.0;\ninterface monotonic-clock { now: func() -> u64; }\n";
    fs::write(clock.join("clocks.wit"), wasi).unwrap();
    let other = directory.path().join("deps/other");
    fs::create_dir_all(&other).unwrap();
    fs::write(other.join("other.wit"), "package acme:shell@1.0.0;\ninterface run { run: func(what: string); }\n")
        .unwrap();
    let (resolve, world) = read(directory.path());
    encode(dummy_module(&resolve, world, ManglingAndAbi::Standard32), &resolve, world)
}

/// A core module that nobody made a component.
pub fn core_module() -> Vec<u8> {
    wat::parse_str("(module)").unwrap()
}
