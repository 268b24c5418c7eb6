//! Without a grant, every question and every step is denied, whichever way it is asked.

use stackrun::plugin::What;

use crate::{
    desk::Desk,
    guest::{Guest, data},
};

/// A plugin that calls one import with the same string for each of its parameters: a name, or a path.
fn naming_edge(interface: &str, function: &str, strings: usize, asks: bool) -> Vec<u8> {
    // A question returns its answer in memory, a constructor its handle.
    let (more_params, result) = if asks { (" i32", "") } else { ("", " (result i32)") };
    let import = format!(
        r#"(import "stackrun:plugin/{interface}@0.1.0" "{function}" (func $it (param{}{more_params}){result}))"#,
        " i32 i32".repeat(strings)
    );
    let name = if interface == "files" { "/etc" } else { "edge" };
    let names = " (i32.const 100000) (i32.const 4)".repeat(strings);
    let call = if asks { format!("(call $it{names} (i32.const 100100))") } else { format!("(drop (call $it{names}))") };
    let plan = format!("{call} i32.const 0");
    let more = data(100_000, name.as_bytes());
    Guest { imports: &import, more: &more, plan: &plan, capabilities: &[interface], ..Guest::default() }.component()
}

#[test]
fn without_a_grant_every_question_and_every_step_is_denied() {
    let questions = [
        ("sql", "hba"),
        ("files", "entries"),
        ("files", "read"),
        ("containers", "ours"),
        ("containers", "about"),
        ("services", "verbs"),
    ];
    let steps = [
        ("sql", "create-role", 2),
        ("sql", "allow-login", 2),
        ("sql", "drop-role", 2),
        ("sql", "drop-database", 2),
        ("sql", "set-owner", 3),
        ("sql", "create-extension", 3),
        ("sql", "revoke-admission", 1),
        ("sql", "reload", 1),
        ("files", "remove", 1),
        ("files", "remove-block", 2),
        ("files", "remove-directory-if-empty", 1),
        ("containers", "start", 2),
        ("containers", "stop", 2),
        ("containers", "rename", 3),
        ("containers", "remove", 2),
        ("containers", "prove-from-inside", 2),
        ("services", "run", 2),
    ];
    let questions = questions.map(|(interface, function)| (interface, function, 1, true));
    let steps = steps.map(|(interface, function, strings)| (interface, function, strings, false));
    let desk = Desk::new();
    for (interface, function, strings, asks) in questions.into_iter().chain(steps) {
        let fault = desk.plan(&naming_edge(interface, function, strings, asks)).unwrap_err();
        let What::Denied(denials) = fault.what else { panic!("{interface}.{function}: {fault}") };
        let denial = &denials.0[0];
        assert!(denial.capability.starts_with(interface), "{interface}.{function}: {}", denial.capability);
        assert!(denial.line.starts_with(&format!("{interface}.")), "{interface}.{function}: {}", denial.line);
    }
}

/// Questions that are asked in lists. Memory at 150000 is all zeros, so a list of one record there asks for things without
/// a name; a handle that a constructor made is put into memory at 120000.
#[test]
fn without_a_grant_every_list_of_questions_is_denied() {
    let import = |interface: &str, function: &str, parameters: usize, result: bool| {
        let (parameters, result) = ("i32 ".repeat(parameters), if result { "(result i32)" } else { "" });
        let name = function.rsplit(['.', ']']).next().unwrap();
        format!(
            r#"(import "stackrun:plugin/{interface}@0.1.0" "{function}" (func ${name} (param {parameters}) {result}))"#
        )
    };
    let zeros = "(i32.const 150000) (i32.const 1)";
    let made = "(i32.const 120000) (i32.const 1)";
    let edge = "(i32.const 100000) (i32.const 4)";
    let keep = |made: &str| format!("(i32.store (i32.const 120000) {made})");
    let desk = Desk::new();
    for (interface, makers, before, function, arguments) in [
        ("sql", String::new(), String::new(), "read", zeros.to_owned()),
        ("sql", String::new(), String::new(), "passwords", zeros.to_owned()),
        (
            "sql",
            import("sql", "[constructor]admission", 2, true),
            String::new(),
            "compare-admission",
            format!("(call $admission {edge})"),
        ),
        ("files", String::new(), String::new(), "stat", zeros.to_owned()),
        ("files", String::new(), String::new(), "mention", format!("{zeros} {edge}")),
        (
            "files",
            import("files", "[static]content.text", 2, true) + &import("files", "[constructor]wanted", 3, true),
            keep(&format!("(call $wanted {edge} (call $text (i32.const 0) (i32.const 0)))")),
            "compare",
            made.to_owned(),
        ),
        ("containers", String::new(), String::new(), "images", format!("{edge} {zeros}")),
        ("containers", String::new(), String::new(), "ports", format!("{edge} {zeros}")),
        (
            "containers",
            import("containers", "[constructor]definition", 4, true),
            keep(&format!("(call $definition {edge} {edge})")),
            "compare",
            format!("{edge} {made}"),
        ),
        (
            "http",
            import("http", "[static]origin.connection", 2, true) + &import("http", "[constructor]request", 4, true),
            keep(&format!("(call $request (call $connection {edge}) (i32.const 0) (i32.const 101000) (i32.const 1))")),
            "ask",
            made.to_owned(),
        ),
    ] {
        // An admission is one handle; all others get two numbers for each list or string. One more is for the answer.
        let parameters = if function == "compare-admission" { 1 } else { arguments.matches("(i32.const").count() } + 1;
        let imports = makers + &import(interface, function, parameters, false);
        // One literal: discriminant 0, pointer, length.
        let path = [0, 0, 0, 0, 0x70, 0x8e, 1, 0, 4, 0, 0, 0];
        let more = [data(100_000, b"edge"), data(101_000, &path), data(102_000, b"/reg")].concat();
        let plan = format!("{before} (call ${function} {arguments} (i32.const 190000)) i32.const 0");
        let plugin =
            Guest { imports: &imports, more: &more, plan: &plan, capabilities: &[interface], ..Guest::default() };
        let fault = desk.plan(&plugin.component()).unwrap_err();
        let What::Denied(denials) = fault.what else { panic!("{interface}.{function}: {fault}") };
        let denial = &denials.0[0];
        assert!(denial.capability.starts_with(interface), "{interface}.{function}: {denial}");
    }
}

#[test]
fn without_a_grant_no_request_is_sent_anywhere() {
    let imports = r#"
        (import "stackrun:plugin/http@0.1.0" "[static]origin.connection" (func $origin (param i32 i32) (result i32)))
        (import "stackrun:plugin/http@0.1.0" "[constructor]request" (func $request (param i32 i32 i32 i32) (result i32)))
        (import "stackrun:plugin/http@0.1.0" "send" (func $send (param i32) (result i32)))"#;
    // The path is one literal: discriminant 0, pointer, length.
    let path = [0, 0, 0, 0, 0xa0, 0x86, 1, 0, 4, 0, 0, 0];
    let more = [data(100_000, b"/reg"), data(100_200, &path)].concat();
    let plan = "(drop (call $send (call $request
        (call $origin (i32.const 100000) (i32.const 4)) (i32.const 1) (i32.const 100200) (i32.const 1)))) i32.const 0";
    let plugin = Guest { imports, more: &more, plan, capabilities: &["http"], ..Guest::default() };
    let fault = Desk::new().plan(&plugin.component()).unwrap_err();
    let What::Denied(denials) = fault.what else { panic!("{fault}") };
    let denial = &denials.0[0];
    assert_eq!(denial.asked, "POST /reg of connection /reg");
}
