//! Plugins that were granted something and try to reach more: by `..`, by a link, by another's name, secret or origin.
//! Each is stopped, with a message that names the plugin, the capability, the instance and what would grant it.

use std::{fs, os::unix::fs::symlink, path::PathBuf};

use stackrun::{
    model::{Denial, Grants, Making, value::Address},
    plugin::{PluginFault, What},
    world::state::PlaceRecord,
};

use crate::{
    desk::Desk,
    guest::{Guest, data},
};

/// Stands in the files that nobody was granted.
const CANARY: &str = "canary-4711-which-nobody-may-see";
const NEVER: &str = "nothing was changed, and no line of the host file grants that";

/// A folder with what is granted, and what lies beside it.
struct Place {
    desk: Desk,
    folder: PathBuf,
}

impl Place {
    fn new() -> Self {
        let desk = Desk::new();
        let folder = desk.directory.path().canonicalize().unwrap();
        for name in ["granted", "beside"] {
            fs::create_dir(folder.join(name)).unwrap();
        }
        fs::write(folder.join("beside/canary"), CANARY).unwrap();
        symlink("../beside", folder.join("granted/link")).unwrap();
        symlink(folder.join("beside/canary"), folder.join("granted/file")).unwrap();
        Self { desk, folder }
    }

    fn path(&self, below: &str) -> String {
        format!("{}/{below}", self.folder.display())
    }

    fn grants(&self) -> Grants {
        let text = "files.write = [\"FOLDER/granted/\"]\nsql.connections = [\"main\"]\nsql.roles = [\"app\"]\n\
                    sql.databases = [\"app\"]\ncontainers.connections = [\"engine\"]\ncontainers.names = [\"app\"]\n\
                    containers.mounts = [\"FOLDER/granted\"]\nhttp.connections = [{ connection = \"edge\", methods = \
                    [\"POST\"], paths = [\"/reg\"] }]\n";
        toml::from_str(&text.replace("FOLDER", &self.folder.display().to_string())).unwrap()
    }

    fn denied(&self, component: &[u8]) -> Denial {
        let fault = self.fault(component);
        assert!(matches!(fault.what, What::Denied(_)), "{fault}");
        let text = fault.to_string();
        let What::Denied(denials) = fault.what else { panic!("{text}") };
        let [denial] = <[Denial; 1]>::try_from(denials.0).unwrap();
        assert_eq!(denial.to_string(), text, "the person sees the denial");
        for told in ["plugin `hostile` was denied", "for hostile.app: it asked for"] {
            assert!(text.contains(told), "no {told} in {text}");
        }
        denial
    }

    fn fault(&self, component: &[u8]) -> PluginFault {
        let fault = self.desk.plan_with(component, self.grants(), self.desk.world()).unwrap_err();
        self.nothing_happened();
        fault
    }

    /// What lies beside is as it was, and none of it crossed.
    fn nothing_happened(&self) {
        assert_eq!(fs::read_to_string(self.folder.join("beside/canary")).unwrap(), CANARY);
        assert_eq!(fs::read_dir(self.folder.join("beside")).unwrap().count(), 1);
        assert_eq!(fs::read_dir(self.folder.join("granted")).unwrap().count(), 2);
        assert!(!self.desk.recorded.all().contains(CANARY), "the canary crossed");
    }
}

/// A plugin whose plan calls one import with strings, and then with numbers. A question has its answer put into memory.
fn calling(interface: &str, function: &str, strings: &[&str], numbers: &[u32], asks: bool) -> Vec<u8> {
    let (mut more, mut arguments, mut at) = (String::new(), String::new(), 100_000);
    for text in strings {
        more.push_str(&data(at, text.as_bytes()));
        arguments.push_str(&format!("(i32.const {at}) (i32.const {}) ", text.len()));
        at += 1_000;
    }
    numbers.iter().for_each(|number| arguments.push_str(&format!("(i32.const {number}) ")));
    let (answer, result) = if asks { ("(i32.const 190000)", "") } else { ("", "(result i32)") };
    let parameters = "i32 ".repeat(strings.len() * 2 + numbers.len() + usize::from(asks));
    let imports = format!(
        r#"(import "stackrun:plugin/{interface}@0.1.0" "{function}" (func $it (param {parameters}) {result}))"#
    );
    let call = format!("(call $it {arguments} {answer})");
    let plan = if asks { format!("{call} i32.const 0") } else { format!("(drop {call}) i32.const 0") };
    let asked_for = [interface];
    let capabilities: &[&str] = if interface == "secrets" { &[] } else { &asked_for };
    Guest { imports: &imports, more: &more, plan: &plan, capabilities, ..Guest::default() }.component()
}

// ---- files ------------------------------------------------------------------------------------------------------------

#[test]
fn two_dots_lead_nowhere() {
    let place = Place::new();
    let beside = place.path("granted/../beside/canary");
    for (function, asks, capability) in [
        ("read", true, "files.read"),
        ("entries", true, "files.look"),
        ("remove", false, "files.write"),
        ("remove-directory", false, "files.write"),
        ("remove-directory-if-empty", false, "files.write"),
    ] {
        let denial = place.denied(&calling("files", function, &[&beside], &[], asks));
        assert_eq!(denial.capability, capability, "{function}");
        assert_eq!(denial.asked, format!("`{beside}`, which is no absolute path without `..`"));
        assert!(denial.to_string().ends_with(NEVER), "{denial}");
    }
}

#[test]
fn what_lies_beside_is_denied_with_the_line_that_would_grant_it() {
    let place = Place::new();
    let beside = place.path("beside/canary");
    let denial = place.denied(&calling("files", "read", &[&beside], &[], true));
    let line = format!("add to [plugin.hostile.grants] in the host file:  files.read = [\"{beside}\"]");
    assert!(denial.to_string().ends_with(&line), "{denial}");
    let denial = place.denied(&calling("files", "remove", &[&beside], &[], false));
    assert_eq!(denial.line, format!("files.write = [\"{beside}\"]"));
    // As a name's beginning it is not enough either.
    let longer = place.path("granted-too/x");
    place.denied(&calling("files", "read", &[&longer], &[], true));
}

#[test]
fn a_link_does_not_lead_out() {
    let place = Place::new();
    for below in ["granted/link/canary", "granted/link"] {
        let path = place.path(below);
        let function = if below.ends_with("canary") { "read" } else { "entries" };
        let denial = place.denied(&calling("files", function, &[&path], &[], true));
        let says = format!("{path}, where a symbolic link stands below {}", place.path("granted"));
        assert!(denial.asked.starts_with(&says), "{denial}");
        assert!(denial.asked.ends_with("links are not followed there; name what it leads to instead"), "{denial}");
    }
}

/// A link in place of the file itself: it is not followed, and nothing of what it leads to is told.
#[test]
fn a_link_in_place_of_a_file_is_not_followed() {
    let place = Place::new();
    let path = place.path("granted/file");
    place.desk.plan_with(&calling("files", "read", &[&path], &[], true), place.grants(), place.desk.world()).ok();
    place.nothing_happened();
    assert!(place.desk.recorded.all().contains("granted/file"), "it was not asked");
}

#[test]
fn what_a_secret_was_written_into_is_compared_and_never_read_back() {
    let place = Place::new();
    let path = place.path("granted/config");
    fs::write(&path, CANARY).unwrap();
    let world = place.desk.world();
    let record = PlaceRecord { want: String::new(), written: String::new() };
    world.state.set_place(&format!("secret in {path}"), Some(&record)).unwrap();
    let answer = place.desk.plan_with(&calling("files", "read", &[&path], &[], true), place.grants(), world);
    answer.unwrap().unwrap();
    let crossed = place.desk.recorded.all();
    assert!(crossed.contains("had a secret written into it: it can be compared, not read back"), "{crossed}");
    assert!(!crossed.contains(CANARY), "{crossed}");
}

/// Whoever wrote it there: an answer with a secret in it ends the run.
#[test]
fn an_answer_with_a_secret_in_it_ends_the_run() {
    let place = Place::new();
    let path = place.path("granted/log");
    fs::write(&path, format!("connecting with {CANARY} to the server\n")).unwrap();
    let world = place.desk.world();
    let making = Making::FromFile { name: "password".into(), path: place.path("beside/canary"), key: None };
    world.vault.declare(&Address::new("secret", "app"), &[making]);
    let answer = place.desk.plan_with(&calling("files", "read", &[&path], &[], true), place.grants(), world);
    let fault = answer.unwrap_err();
    assert!(matches!(fault.what, What::SecretInAnswer("files.read")), "{fault}");
    assert!(fault.to_string().contains("holds a secret, which no plugin may see; nothing was handed over"), "{fault}");
    assert!(!place.desk.recorded.all().contains(CANARY), "the secret crossed");
}

// ---- names ------------------------------------------------------------------------------------------------------------

#[test]
fn what_belongs_to_another_by_name_is_denied() {
    let place = Place::new();
    for (function, strings, numbers, line) in [
        ("drop-role", &["main", "other"][..], &[][..], "sql.roles = [\"other\"]"),
        ("create-role", &["main", "other"], &[], "sql.roles = [\"other\"]"),
        ("allow-login", &["main", "other"], &[], "sql.roles = [\"other\"]"),
        ("set-password", &["main", "other"], &[0], "sql.roles = [\"other\"]"),
        ("set-owner", &["main", "app", "other"], &[], "sql.roles = [\"other\"]"),
        ("set-owner", &["main", "other", "app"], &[], "sql.databases = [\"other\"]"),
        ("drop-database", &["main", "other"], &[], "sql.databases = [\"other\"]"),
        ("create-extension", &["main", "app", "file_fdw"], &[], "sql.extensions = [\"file_fdw\"]"),
        ("drop-role", &["second", "app"], &[], "sql.connections = [\"second\"]"),
        ("revoke-admission", &["main"], &[], "sql.admission = true"),
    ] {
        let denial = place.denied(&calling("sql", function, strings, numbers, false));
        assert_eq!(denial.line, line, "{function} {strings:?}: {denial}");
    }
    // The superuser is nobody's, whatever is granted.
    let denial = place.denied(&calling("sql", "drop-role", &["main", "postgres"], &[], false));
    assert!(denial.to_string().ends_with(NEVER), "{denial}");
    for (function, strings) in [
        ("start", &["engine", "other"][..]),
        ("stop", &["engine", "other"]),
        ("remove", &["engine", "other"]),
        ("rename", &["engine", "app", "other"]),
        ("prove-from-inside", &["engine", "other"]),
    ] {
        let denial = place.denied(&calling("containers", function, strings, &[], false));
        assert_eq!(denial.line, "containers.names = [\"other\"]", "{function}: {denial}");
    }
    let denial = place.denied(&calling("services", "run", &["edge", "reload"], &[], false));
    assert_eq!(denial.line, "services.verbs.edge = [\"reload\"]");
}

/// Reference 0 is another instance's secret, handed over to be used; making and discarding it is its owner's.
#[test]
fn anothers_secret_is_used_and_neither_made_nor_discarded() {
    let place = Place::new();
    for (function, numbers) in [("generate", &[0, 0, 40][..]), ("discard", &[0])] {
        let denial = place.denied(&calling("secrets", function, &[], numbers, false));
        assert_eq!((denial.capability.as_str(), denial.line.as_str()), ("secrets", ""), "{function}");
        assert_eq!(denial.asked, "secret.app.password, which another instance makes", "{function}");
    }
    // And one that nobody handed over is none.
    let fault = place.fault(&calling("secrets", "discard", &[], &[7], false));
    assert!(matches!(fault.what, What::ForgedReference(7)), "{fault}");
}

// ---- data -------------------------------------------------------------------------------------------------------------

/// A plugin that owns a folder, whose undo takes it away with all that is in it.
fn removing(path: &str, holds_data: bool) -> Vec<u8> {
    owning("files", path, path, holds_data)
}

/// A plugin that owns a thing, whose undo takes a folder away.
fn owning(connection: &str, name: &str, path: &str, holds_data: bool) -> Vec<u8> {
    let pair =
        |pointer: u32, length: usize| [pointer.to_le_bytes(), u32::try_from(length).unwrap().to_le_bytes()].concat();
    let words = [("it", 101_000), (connection, 102_000), ("directory", 103_000), (name, 107_000)];
    // Key, connection, kind and name; two booleans; the undo, and what settles it.
    let mut owned: Vec<u8> = words.iter().flat_map(|(word, at)| pair(*at, word.len())).collect();
    owned.extend([u8::from(holds_data), 0, 0, 0]);
    owned.extend([pair(104_000, 1), pair(0, 0)].concat());
    // Of the answer only the list of things is not empty; the move at 104000 gets its step when the plan is asked for.
    let answer = [vec![0; 4], pair(105_000, 1), vec![0; 24]].concat();
    let more = [
        data(100_000, path.as_bytes()),
        words.map(|(word, at)| data(at as usize, word.as_bytes())).concat(),
        data(105_000, &owned),
        data(106_000, &answer),
    ];
    let imports = r#"
        (import "stackrun:plugin/files@0.1.0" "remove-directory" (func $remove (param i32 i32) (result i32)))"#;
    let plan = format!(
        "(i32.store (i32.const 104000) (call $remove (i32.const 100000) (i32.const {}))) i32.const 106000",
        path.len()
    );
    Guest { imports, more: &more.concat(), plan: &plan, capabilities: &["files"], ..Guest::default() }.component()
}

#[test]
fn data_is_taken_away_only_by_the_undo_of_a_thing_that_says_it_holds_some() {
    let place = Place::new();
    let path = place.path("granted/data");
    let fine = place.desk.plan_with(&removing(&path, true), place.grants(), place.desk.world());
    assert_eq!(fine.unwrap().unwrap().owns.len(), 1);
    assert_eq!(
        place.fault(&removing(&path, false)).to_string(),
        format!(
            "plugin `hostile` failed to plan hostile.app: it was stopped: `remove directory {path} with all that is in it` \
             destroys data, and stands in the undo of what is not said to hold data: `it`: only the undo of a thing that \
             holds data may do that\n  nothing was changed; this is a mistake in the plugin, for its author to mend"
        )
    );
}

#[test]
fn what_could_neither_be_made_nor_taken_away_is_not_owned() {
    let place = Place::new();
    let granted = place.path("granted/data");
    for (connection, name, capability, asked) in [
        ("files", place.path("beside"), "files.write", place.path("beside")),
        ("files", "/etc/passwd".to_owned(), "files.write", "/etc/passwd".to_owned()),
        ("files", place.path("granted//data"), "ownership", "which is another way to write a path".to_owned()),
        ("store", "stack/secret.app/password".to_owned(), "ownership", "which another instance makes".to_owned()),
        ("store", "other/hostile.app/key".to_owned(), "ownership", "which another instance makes".to_owned()),
    ] {
        let denial = place.denied(&owning(connection, &name, &granted, true));
        assert_eq!(denial.capability, capability, "{connection} {name}");
        assert!(denial.asked.contains(&asked), "{connection} {name}: {}", denial.asked);
    }
    for (connection, name) in [("files", granted.as_str()), ("store", "stack/hostile.app/key")] {
        let owned = place.desk.plan_with(&owning(connection, name, &granted, true), place.grants(), place.desk.world());
        assert_eq!(owned.unwrap().unwrap().owns.len(), 1, "{connection} {name}");
    }
}

// ---- requests -----------------------------------------------------------------------------------------------------------

/// A plugin that sends a POST to a path of a connection, and keeps what is at `/id` of the answer as reference 0.
fn posting(connection: &str, path: &str, captures: bool) -> Vec<u8> {
    let imports = r#"
        (import "stackrun:plugin/http@0.1.0" "[static]origin.connection" (func $origin (param i32 i32) (result i32)))
        (import "stackrun:plugin/http@0.1.0" "[constructor]request" (func $request (param i32 i32 i32 i32) (result i32)))
        (import "stackrun:plugin/http@0.1.0" "[method]request.capture" (func $capture (param i32 i32 i32 i32)))
        (import "stackrun:plugin/http@0.1.0" "send" (func $send (param i32) (result i32)))"#;
    // The path is one literal: discriminant 0, pointer, length.
    let mut literal = [0_u8; 12];
    literal[4..8].copy_from_slice(&101_000_u32.to_le_bytes());
    literal[8..].copy_from_slice(&u32::try_from(path.len()).unwrap().to_le_bytes());
    let more = [
        data(100_000, connection.as_bytes()),
        data(101_000, path.as_bytes()),
        data(102_000, &literal),
        data(103_000, b"/id"),
        "(global $made (mut i32) (i32.const 0))".to_owned(),
    ];
    let capture = "(call $capture (global.get $made) (i32.const 103000) (i32.const 3) (i32.const 0))";
    let plan = format!(
        "(global.set $made (call $request (call $origin (i32.const 100000) (i32.const {})) (i32.const 1) \
         (i32.const 102000) (i32.const 1))) {} (drop (call $send (global.get $made))) i32.const 0",
        connection.len(),
        if captures { capture } else { "" }
    );
    Guest { imports, more: &more.concat(), plan: &plan, capabilities: &["http"], ..Guest::default() }.component()
}

#[test]
fn another_origin_or_path_is_denied() {
    let place = Place::new();
    let fine = place.desk.plan_with(&posting("edge", "/reg", false), place.grants(), place.desk.world());
    assert!(fine.is_ok(), "what is granted passes: {fine:?}");
    let denial = place.denied(&posting("idp", "/reg", false));
    assert_eq!(denial.line, "http.connections = [{ connection = \"idp\", methods = [\"POST\"], paths = [\"/reg\"] }]");
    for path in ["/admin", "/reg/x", "/Reg"] {
        assert_eq!(place.denied(&posting("edge", path, false)).asked, format!("POST {path} of connection edge"));
    }
    for path in ["/reg/../admin", "//idp/reg", "/reg/%2e%2e/admin", "/reg\\..\\admin", "http://idp/reg"] {
        let denial = place.denied(&posting("edge", path, false));
        assert!(denial.to_string().ends_with(NEVER), "{path}: {denial}");
    }
}

#[test]
fn an_answer_is_not_kept_as_anothers_secret() {
    let place = Place::new();
    let denial = place.denied(&posting("edge", "/reg", true));
    assert_eq!(denial.asked, "keeping an answer as secret.app.password, which is another's");
    assert_eq!((denial.capability.as_str(), denial.line.as_str()), ("http", ""));
}
