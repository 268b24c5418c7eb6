//! Plugins that mean harm, or are broken: each is stopped, with a message that says what it did.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "hostile/desk.rs"]
mod desk;
#[path = "hostile/guest.rs"]
mod guest;
#[path = "hostile/in_a_stack.rs"]
mod in_a_stack;
#[path = "hostile/leaving.rs"]
mod leaving;
#[path = "hostile/ungranted.rs"]
mod ungranted;

use desk::Desk;
use guest::{Guest, core_module, data, of_another_world};
use stackrun::plugin::{PluginFault, What};

const MISTAKE: &str = "\n  nothing was changed; this is a mistake in the plugin, for its author to mend";

fn message<T: std::fmt::Debug>(answer: Result<T, PluginFault>) -> String {
    answer.unwrap_err().to_string()
}

/// The message of a plugin whose `check` is this.
fn checking(check: &str) -> String {
    message(Desk::new().check(&Guest { check, ..Guest::default() }.component()))
}

fn loading(component: &[u8]) -> String {
    message(Desk::new().load(component))
}

// ---- files that are no plugin ----------------------------------------------------------------------------------

#[test]
fn what_is_no_component_is_called_by_its_name() {
    let whole = Guest::default().component();
    let cases: [(&[u8], &str); 6] = [
        (b"", "the file is empty"),
        (b"(component)", "the file is text, and a plugin is a compiled WebAssembly component"),
        (b"\x7fELF\x02\x01\x01\0", "the file is native code, which is never run; a plugin is a WebAssembly component"),
        (b"\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8", "the file is not WebAssembly; a plugin is a WebAssembly component"),
        (
            &core_module(),
            "the file is a core WebAssembly module, and a plugin is a component: make it one with `wasm-tools component new`",
        ),
        (&whole[..6], "the file is cut off or damaged (unexpected end, at byte 6): copy it again"),
    ];
    for (bytes, why) in cases {
        assert_eq!(loading(bytes), format!("plugin `hostile` can't be loaded: {why}"));
    }
}

#[test]
fn a_component_that_was_cut_off_is_told_from_one_that_is_something_else() {
    let whole = Guest::default().component();
    let message = loading(&whole[..whole.len() / 2]);
    assert!(message.starts_with("plugin `hostile` can't be loaded: the file is cut off or damaged ("), "{message}");
    assert!(message.ends_with("copy it again"), "{message}");
}

#[test]
fn compiled_code_is_no_plugin_even_when_it_is_our_own() {
    let desk = Desk::new();
    desk.load(&Guest::default().component()).unwrap();
    let native = std::fs::read_dir(desk.directory.path().join("cache")).unwrap();
    let native = native.map(|file| file.unwrap().path()).find(|path| path.extension().unwrap() == "native").unwrap();
    let message = message(desk.load(&std::fs::read(native).unwrap()));
    assert!(message.contains("native code, which is never run"), "{message}");
}

#[test]
fn a_component_of_another_kind_is_no_plugin() {
    let world = of_another_world(|name, text| match name {
        "plugin.wit" => text.replace("    export guest;\n", ""),
        _ => text,
    });
    assert_eq!(
        loading(&world),
        "plugin `hostile` can't be loaded: it does not export `stackrun:plugin/guest@0.1.0`, so it is a component, but \
         no plugin of stackrun's"
    );
}

// ---- imports -----------------------------------------------------------------------------------------------------

#[test]
fn a_world_of_another_version_says_who_should_upgrade() {
    let of = |version: &str| of_another_world(|_, text| text.replace("plugin@0.1.0", &format!("plugin@{version}")));
    let message = |version: &str, who: &str| {
        format!(
            "plugin `hostile` can't be loaded: it was built for stackrun:plugin@{version}, and this stackrun speaks \
             0.1.0: {who}"
        )
    };
    for version in ["0.1.1", "0.2.0", "1.0.0"] {
        assert_eq!(loading(&of(version)), message(version, "upgrade stackrun"));
    }
    assert_eq!(loading(&of("0.0.9")), message("0.0.9", "the plugin has to be upgraded"));
}

#[test]
fn an_import_from_elsewhere_is_refused_before_anything_is_linked() {
    let importing = |import: &str| {
        let line = format!("    import {import};\n    export guest;\n");
        of_another_world(|_, text| text.replace("    export guest;\n", &line))
    };
    assert_eq!(
        loading(&importing("acme:shell/run@1.0.0")),
        "plugin `hostile` can't be loaded: it imports `acme:shell/run@1.0.0`, which is not part of the plugin world \
         stackrun:plugin@0.1.0"
    );
    assert_eq!(
        loading(&importing("wasi:clocks/monotonic-clock@0.2.0")),
        "plugin `hostile` can't be loaded: it imports `wasi:clocks/monotonic-clock@0.2.0`: a plugin has no files, \
         sockets, clock or environment. Build it for wasm32-unknown-unknown, or without the library that asks for it"
    );
}

#[test]
fn a_function_that_this_world_does_not_have_yet_is_named() {
    let world = of_another_world(|name, text| match name {
        "log.wit" => text.replace("    log: func", "    shout: func(message: string);\n    log: func"),
        _ => text,
    });
    let message = loading(&world);
    assert!(message.starts_with("plugin `hostile` can't be loaded: it imports a function that"), "{message}");
    assert!(message.contains("`shout`") && message.ends_with("upgrade stackrun"), "{message}");
}

const VERBS: &str = r#"(import "stackrun:plugin/services@0.1.0" "verbs" (func $verbs (param i32 i32 i32)))"#;

#[test]
fn more_imports_than_the_description_says_are_a_load_error() {
    let plugin = Guest { imports: VERBS, ..Guest::default() };
    assert_eq!(
        loading(&plugin.component()),
        "plugin `hostile` can't be loaded: it imports `services`, and its description does not ask for that \
         capability: its author has to add \"services\" to `capabilities`"
    );
}

#[test]
fn a_capability_that_nobody_has_is_a_load_error() {
    let plugin = Guest { capabilities: &["root"], ..Guest::default() };
    assert_eq!(
        loading(&plugin.component()),
        "plugin `hostile` can't be loaded: its description asks for the capability `root`, and there are sql, files, \
         containers, http, services"
    );
}

#[test]
fn a_description_that_makes_no_sense_is_refused() {
    let describing = |kind: &str, schema: &str| loading(&Guest { kind, schema, ..Guest::default() }.component());
    let failed = |why: &str| {
        format!("plugin `hostile` failed to describe itself: its answer does not hold together: {why}{MISTAKE}")
    };
    assert_eq!(
        describing("a\u{1b}b", r#"{"type": "object"}"#),
        failed("its kind is called `a\\u{1b}b`, and a name has 1 to 64 of A-Z, a-z, 0-9, `_` and `-`")
    );
    assert_eq!(
        describing("hostile", r#"{"type": "string"}"#),
        failed("the schema of its section is none of a table: it has to say `\"type\": \"object\"`")
    );
}

// ---- limits --------------------------------------------------------------------------------------------------------

#[test]
fn a_loop_ends_when_the_fuel_does() {
    assert_eq!(
        checking("(loop $for_ever (br $for_ever)) i32.const 0"),
        format!(
            "plugin `hostile` failed to check hostile.app: it used up its fuel of 20 million instructions, as one that \
             loops for ever does{MISTAKE}"
        )
    );
}

#[test]
fn memory_ends_at_its_limit() {
    let grow = "(loop $more (drop (memory.grow (i32.const 16))) (br $more)) i32.const 0";
    assert_eq!(
        checking(grow),
        format!("plugin `hostile` failed to check hostile.app: it asked for more than 64 MiB of memory{MISTAKE}")
    );
}

#[test]
fn a_panic_ends_the_call_and_its_words_are_told() {
    let text = "index out of bounds\u{1b}[2J";
    let plugin = Guest {
        imports: r#"(import "stackrun:plugin/log@0.1.0" "log" (func $log (param i32 i32 i32)))"#,
        more: &data(100_000, text.as_bytes()),
        check: &format!("(call $log (i32.const 2) (i32.const 100000) (i32.const {})) unreachable", text.len()),
        ..Guest::default()
    };
    assert_eq!(
        message(Desk::new().check(&plugin.component())),
        format!(
            "plugin `hostile` failed to check hostile.app: it stopped: it panicked; its last message was: index out of \
             bounds\\u{{1b}}[2J{MISTAKE}"
        )
    );
    assert_eq!(
        checking("unreachable"),
        format!("plugin `hostile` failed to check hostile.app: it stopped: it panicked{MISTAKE}")
    );
}

#[test]
fn recursion_and_reaching_out_of_memory_end_the_call() {
    let plugin =
        Guest { more: "(func $deep (call $deep) (call $deep))", check: "(call $deep) i32.const 0", ..Guest::default() };
    assert_eq!(
        message(Desk::new().check(&plugin.component())),
        format!(
            "plugin `hostile` failed to check hostile.app: it stopped: its functions call each other too deep{MISTAKE}"
        )
    );
    assert_eq!(
        checking("(i32.load (i32.const -8))"),
        format!("plugin `hostile` failed to check hostile.app: it stopped: it reached outside of its memory{MISTAKE}")
    );
}

#[test]
fn a_flood_of_messages_is_stopped() {
    let plugin = Guest {
        imports: r#"(import "stackrun:plugin/log@0.1.0" "log" (func $log (param i32 i32 i32)))"#,
        check: "(loop $more (call $log (i32.const 0) (i32.const 100000) (i32.const 1000)) (br $more)) i32.const 0",
        ..Guest::default()
    };
    assert_eq!(
        message(Desk::new().check(&plugin.component())),
        format!(
            "plugin `hostile` failed to check hostile.app: it hands over more than is taken: more than 65 kB of log \
             messages{MISTAKE}"
        )
    );
}

#[test]
fn an_answer_larger_than_is_taken_is_refused_before_it_is_copied() {
    // A list of half a million diagnostics, in memory that would hold them.
    let plugin = Guest {
        more: &data(100_000, &[0, 0, 0, 0, 0, 0, 8, 0]),
        check: "(drop (memory.grow (i32.const 500))) i32.const 100000",
        ..Guest::default()
    };
    assert_eq!(
        message(Desk::new().check(&plugin.component())),
        format!(
            "plugin `hostile` failed to check hostile.app: it hands over more than is taken: more than 8 MiB at \
             once{MISTAKE}"
        )
    );
}

// ---- answers ------------------------------------------------------------------------------------------------------

/// `result<planned, ...>` with this many actions, all of them zeros.
fn planning(actions: u32) -> Vec<u8> {
    let mut answer = vec![0_u8; 36];
    answer[16..20].copy_from_slice(&actions.to_le_bytes());
    Guest { more: &data(100_000, &answer), plan: "i32.const 100000", ..Guest::default() }.component()
}

#[test]
fn a_plan_has_so_many_actions_and_no_more() {
    assert_eq!(
        message(Desk::new().plan(&planning(1_001))),
        format!(
            "plugin `hostile` failed to plan hostile.app: it hands over more than is taken: more than 1000 actions{MISTAKE}"
        )
    );
}

/// `Err([])`: neither an answer nor an error.
pub const NO_ANSWER: &[u8] = &[1];

#[test]
fn an_answer_without_a_plan_and_without_an_error_is_the_plugins_fault() {
    let more = data(100_000, NO_ANSWER);
    let silent = Guest { more: &more, plan: "i32.const 100000", ..Guest::default() }.component();
    let told = "it gave no answer and no error that says why: nothing is planned, and nothing it owns is taken away";
    assert_eq!(
        message(Desk::new().plan(&silent)),
        format!("plugin `hostile` failed to plan hostile.app: {told}{MISTAKE}")
    );
}

#[test]
fn a_plan_changes_only_what_it_owns() {
    assert_eq!(
        message(Desk::new().plan(&planning(1))),
        format!(
            "plugin `hostile` failed to plan hostile.app: its answer does not hold together: an action names the thing \
             ``, which it does not own{MISTAKE}"
        )
    );
    assert_eq!(Desk::new().plan(&planning(0)).unwrap().unwrap(), stackrun::draft::Planned::default());
}

#[test]
fn a_reference_that_was_not_handed_out_ends_the_call() {
    let plugin = Guest {
        imports: r#"(import "stackrun:plugin/secrets@0.1.0" "scram-sha256" (func $scram (param i32) (result i32)))"#,
        check: "(drop (call $scram (i32.const 0))) (drop (call $scram (i32.const 1))) i32.const 0",
        ..Guest::default()
    };
    assert_eq!(
        message(Desk::new().check(&plugin.component())),
        format!(
            "plugin `hostile` failed to check hostile.app: it used reference 1, which was not handed out in this call{MISTAKE}"
        )
    );
}

#[test]
fn a_tree_with_a_ring_in_it_ends_the_call() {
    // Node 0 has node 1 as its child, and node 1 has node 0: discriminant 5 is `items`, a list of indices.
    let node = |pointer: u32| {
        let mut node = [0_u8; 16];
        node[0] = 5;
        node[8..12].copy_from_slice(&pointer.to_le_bytes());
        node[12] = 1;
        node
    };
    let nodes: Vec<u8> = [node(100_032), node(100_036)].concat().into_iter().chain([1, 0, 0, 0, 0, 0, 0, 0]).collect();
    let plugin = Guest {
        imports: r#"(import "stackrun:plugin/files@0.1.0" "[static]content.document"
            (func $document (param i32 i32 i32) (result i32)))"#,
        more: &data(100_000, &nodes),
        check: "(drop (call $document (i32.const 0) (i32.const 100000) (i32.const 2))) i32.const 0",
        capabilities: &["files"],
        ..Guest::default()
    };
    assert_eq!(
        message(Desk::new().check(&plugin.component())),
        format!(
            "plugin `hostile` failed to check hostile.app: its answer does not hold together: node 0 of a tree is a \
             child of node 1, which comes after it{MISTAKE}"
        )
    );
}

#[test]
fn a_handle_that_was_not_handed_out_ends_the_call() {
    let plugin = Guest {
        imports: r#"(import "stackrun:plugin/sql@0.1.0" "admit" (func $admit (param i32) (result i32)))"#,
        check: "(drop (call $admit (i32.const 77))) i32.const 0",
        capabilities: &["sql"],
        ..Guest::default()
    };
    assert_eq!(
        message(Desk::new().check(&plugin.component())),
        format!(
            "plugin `hostile` failed to check hostile.app: it used a handle that was not handed out in this call, or \
             that it had given away{MISTAKE}"
        )
    );
}

// ---- questions ------------------------------------------------------------------------------------------------------

const ASKING: &str = "(call $verbs (i32.const 100000) (i32.const 4) (i32.const 100100)) i32.const 0";

#[test]
fn questions_are_asked_in_plan_alone() {
    let edge = data(100_000, b"edge");
    let plugin = Guest {
        imports: VERBS,
        more: &edge,
        check: ASKING,
        outputs: ASKING,
        capabilities: &["services"],
        ..Guest::default()
    };
    let asked = |doing: &str| {
        format!(
            "plugin `hostile` failed to {doing} hostile.app: it called `services.verbs`, and questions may be asked in \
             `plan` alone{MISTAKE}"
        )
    };
    assert_eq!(message(Desk::new().check(&plugin.component())), asked("check"));
    assert_eq!(message(Desk::new().outputs(&plugin.component())), asked("tell the outputs of"));
}

#[test]
fn a_denied_plugin_ends_with_the_denial_whatever_it_does_afterwards() {
    let edge = data(100_000, b"edge");
    // It goes on as if nothing had happened, or panics; the person at the terminal sees the denial.
    for after in [ASKING.to_owned(), format!("{ASKING} unreachable")] {
        let plugin =
            Guest { imports: VERBS, more: &edge, plan: &after, capabilities: &["services"], ..Guest::default() };
        let fault = Desk::new().plan(&plugin.component()).unwrap_err();
        assert!(matches!(fault.what, What::Denied(_)), "{fault:?}");
        assert_eq!(
            fault.to_string(),
            "plugin `hostile` was denied `services.verbs` for hostile.app: it asked for the verbs of connection edge\n  \
             to grant it, add to [plugin.hostile.grants] in the host file:  services.verbs.edge = []"
        );
    }
}

#[test]
fn what_crosses_is_recorded_and_holds_no_secret_but_its_name() {
    let desk = Desk::new();
    desk.check(&Guest::default().component()).unwrap();
    let crossed = desk.recorded.by("instance");
    for text in ["good day", "greeting", "secret.app.password", "hostile.app"] {
        assert!(crossed.iter().any(|crossed| crossed == text), "{text} in {crossed:?}");
    }
}
