//! What the gate lets pass and what it refuses, as a table.

use std::collections::BTreeMap;

use super::*;
use crate::{
    model::{
        ConnectionSettings, FilesGrant, Folder, FolderAccess, Grants, HostFile, StoreSettings,
        desired::{Content, Region},
        value::{Text, Tree},
    },
    test_support::grants::{built_in, filled},
};

fn host_file() -> HostFile {
    let folder = |path: &str, access| Folder { path: path.into(), access };
    HostFile {
        path: "/etc/stackrun.toml".into(),
        store: StoreSettings { path: "/s".into(), identities: vec![], recipients: vec![] },
        state: "/st".into(),
        folders: BTreeMap::from([
            ("data".into(), folder("/srv/data", FolderAccess::Write)),
            ("media".into(), folder("/srv/media", FolderAccess::Mount)),
        ]),
        connections: Default::default(),
        plugins: Default::default(),
    }
}

fn connection(kind: &str, settings: &[(&str, &str)]) -> ConnectionSettings {
    let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), Tree::literal(*value))).collect();
    ConnectionSettings {
        name: kind.into(),
        kind: kind.into(),
        address: None,
        write: Default::default(),
        verbs: Default::default(),
        settings: Tree::Table(settings),
    }
}

fn gate(kind: &str, section: &Tree) -> Gate {
    let instance = Address::new(kind, "app");
    let connections = [
        connection("caddy", &[("sites", "/etc/caddy/sites/"), ("caddyfile", "/etc/caddy/Caddyfile")]),
        connection(
            "authelia",
            &[("configuration", "/etc/authelia/c.yml"), ("clients_fragment", "/etc/authelia/f.yml")],
        ),
    ];
    let grants = built_in(&instance, section, &connections, &host_file());
    Gate::new(kind, "media", instance, grants)
}

fn third_party(grants: &str, section: &Tree) -> Gate {
    let instance = Address::new("unit", "app");
    let grants = filled(grants, &instance, section);
    Gate::new("unit", "media", instance, grants)
}

fn nothing() -> Tree {
    Tree::Table(Vec::new())
}

fn wanted(path: &str) -> WantedFile {
    WantedFile {
        path: path.into(),
        region: Region::Whole,
        content: Content::Text(crate::model::value::Text::literal("x")),
        mode: 0o600,
        owner: None,
        ignore_owner: false,
        adopts: None,
    }
}

fn writes(gate: &Gate, path: &str) -> bool {
    let file = gate.file_write(wanted(path)).is_ok();
    assert_eq!(file, gate.path_change(path.into()).is_ok(), "{path}");
    file
}

fn reads(gate: &Gate, path: &str) -> bool {
    gate.file_read(FileRead(path.into())).is_ok()
}

fn looks(gate: &Gate, path: &str) -> bool {
    gate.file_look(FileLook(path.into())).is_ok()
}

fn mentions(gate: &Gate, path: &str) -> bool {
    let words = std::collections::HashSet::from(["example.org".to_owned()]);
    gate.file_mention(FileMention { path: path.into(), what: "example.org".into() }, &words).is_ok()
}

#[test]
fn a_container_writes_below_folders_for_writing_and_looks_at_all() {
    let gate = gate("container", &nothing());
    for path in ["/srv/data/app/config.toml", "/srv//data/./x", "/srv/data/"] {
        assert!(writes(&gate, path), "{path}");
    }
    for path in [
        "/srv/media/x",
        "/srv/database/x",
        "/srv/data/../media/x",
        "/srv/data/x/../../../etc/passwd",
        "srv/data/x",
        "/srv",
        "/",
        "",
        "/etc/passwd",
        "/srv/data/x\0y",
    ] {
        assert!(!writes(&gate, path), "{path}");
    }
    assert!(looks(&gate, "/srv/media") && looks(&gate, "/srv/media/tv") && !reads(&gate, "/srv/media/tv"));
    assert!(!looks(&gate, "/srv/mediaserver"));
}

#[test]
fn a_gateway_writes_its_own_site_and_asks_whether_others_mention_a_name() {
    let gate = gate("gateway", &Tree::Table(vec![("domain".into(), Tree::literal("app"))]));
    assert!(writes(&gate, "/etc/caddy/sites/app.caddy"));
    for path in ["/etc/caddy/sites/media-app.caddy", "/etc/caddy/sites/x", "/etc/caddy/Caddyfile"] {
        assert!(!writes(&gate, path) && !reads(&gate, path), "{path}");
        assert!(mentions(&gate, path), "{path}");
    }
    assert!(looks(&gate, "/etc/caddy/sites") && !looks(&gate, "/etc/caddy/Caddyfile"));
    assert!(!mentions(&gate, "/etc/shadow"));
}

#[test]
fn oidc_writes_the_fragment_and_never_the_configuration() {
    let gate = gate("oidc", &nothing());
    assert!(writes(&gate, "/etc/authelia/f.yml") && !writes(&gate, "/etc/authelia/c.yml"));
    assert!(mentions(&gate, "/etc/authelia/c.yml") && !reads(&gate, "/etc/authelia/c.yml"));
    assert!(!writes(&self::gate("postgres", &nothing()), "/etc/authelia/f.yml"));
}

#[test]
fn a_secret_is_read_from_the_file_that_the_spec_names_and_from_no_other() {
    let entry = Tree::Table(vec![("file".into(), Tree::literal("/run/agenix/app"))]);
    let gate = gate("secret", &Tree::Table(vec![("token".into(), entry)]));
    let making = |path: &str| Making::FromFile { name: "token".into(), path: path.into(), key: None };
    assert!(gate.makings(&[making("/run/agenix/app")]).is_empty());
    for path in ["/run/agenix/other", "/etc/shadow", "/run/agenix/app/../other"] {
        assert_eq!(gate.makings(&[making(path)]).len(), 1, "{path}");
    }
    assert!(!writes(&gate, "/run/agenix/app"));
    let own = |kind: &str| Target::Made(Address::new(kind, "app"), "token".into());
    assert!(gate.own_secret(&own("secret")).is_ok() && gate.own_secret(&own("oidc")).is_err());
}

#[test]
fn a_hole_fills_one_component_and_no_more() {
    let grants = r#"files.write = ["/srv/{name}/", "/srv/{section.folder}/"]"#;
    let section = |folder: &str| Tree::Table(vec![("folder".into(), Tree::literal(folder))]);
    assert!(writes(&third_party(grants, &section("mine")), "/srv/mine/x"));
    for folder in ["..", "", "../etc", "a/b", "."] {
        let gate = third_party(grants, &section(folder));
        assert_eq!(gate.grants().files.write.len(), 1, "{folder}");
        assert!(writes(&gate, "/srv/app/x") && !writes(&gate, "/etc/x") && !writes(&gate, "/srv/x"), "{folder}");
    }
    // A pattern of one file, filled with nothing, would name the whole directory.
    let one_file = r#"files.write = ["/srv/{section.folder}"]"#;
    assert!(writes(&third_party(one_file, &section("mine")), "/srv/mine"));
    assert!(third_party(one_file, &section("")).grants().files.write.is_empty());
}

#[test]
fn reading_grants_no_writing_and_nothing_grants_nothing() {
    let gate = third_party(r#"files.read = ["/srv/x"]"#, &nothing());
    assert!(reads(&gate, "/srv/x") && looks(&gate, "/srv/x") && mentions(&gate, "/srv/x") && !writes(&gate, "/srv/x"));
    assert!(!reads(&gate, "/srv/x/y") && !reads(&gate, "/srv"));
    let none = third_party("", &nothing());
    assert!(!looks(&none, "/srv/x") && !reads(&none, "/srv/x") && !mentions(&none, "/srv/x"));
}

#[test]
fn a_denial_says_the_line_that_would_grant_it() {
    let denial = third_party("", &nothing()).file_write(wanted("/srv/x")).unwrap_err();
    assert_eq!((denial.capability.as_str(), denial.line.as_str()), ("files.write", "files.write = [\"/srv/x\"]"));
    let denial = gate("secret", &nothing()).file_write(wanted("/opt/app/env")).unwrap_err();
    assert_eq!(denial.line, "files.write = [\"/opt/app/env\"]");
}

#[test]
fn nothing_is_made_that_runs_as_its_owner() {
    let gate = gate("container", &Tree::Table(vec![]));
    let file = |mode: u32| {
        gate.file_write(WantedFile {
            path: "/srv/data/x".into(),
            region: Region::Whole,
            content: Content::Text(Text::literal("x")),
            mode,
            owner: None,
            ignore_owner: false,
            adopts: None,
        })
        .map(drop)
    };
    let directory = |mode: u32| gate.directory_make("/srv/data/x".into(), mode).map(drop);
    for fine in [0, 0o600, 0o777] {
        assert!(file(fine).is_ok() && directory(fine).is_ok(), "{fine:o}");
    }
    for refused in [0o1777, 0o2755, 0o4755, 0o7777, 0o10644, u32::MAX] {
        for denied in [file(refused), directory(refused)] {
            assert!(denied.unwrap_err().asked.contains("bits are refused"), "{refused:o}");
        }
    }
}

/// One application's link must not lead stackrun into another one's folder, though both lie below what is granted.
#[test]
fn a_link_that_stays_below_the_grant_is_not_followed_either() {
    use crate::capability::files::{find, parent};

    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    for name in ["mine", "theirs"] {
        std::fs::create_dir(path(name)).unwrap();
    }
    std::fs::write(path("theirs/config"), "theirs").unwrap();
    std::os::unix::fs::symlink("../theirs", path("mine/inside")).unwrap();
    std::os::unix::fs::symlink("../theirs/config", path("mine/config")).unwrap();
    let files = FilesGrant { write: vec![format!("{}/", path(""))], ..FilesGrant::default() };
    let instance = Address::new("container", "app");
    let gate = Gate::new("container", "stack", instance, Grants { files, ..Grants::default() });
    let within = |name: &str| gate.path_change(path(name)).unwrap();

    assert!(find(within("theirs/config").subject()).unwrap().is_some(), "where no link is on the way");
    for through in ["mine/inside/config", "mine/inside/new"] {
        let denied = parent(within(through).subject()).err().map(|failure| failure.to_string()).unwrap_or_default();
        assert!(denied.contains("links are not followed there"), "{through}: {denied}");
    }
    let itself = find(within("mine/config").subject()).err().map(|failure| failure.to_string()).unwrap_or_default();
    assert!(itself.contains("symbolic link, which is not followed"), "{itself}");
}

/// Of two granted folders around a path the outer one may be an application's to write.
#[test]
fn a_link_between_an_outer_grant_and_an_inner_one_is_not_followed() {
    use crate::capability::files::{find, parent};

    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    for name in ["outer/inner", "elsewhere"] {
        std::fs::create_dir_all(at(name)).unwrap();
    }
    std::fs::write(at("elsewhere/config"), "theirs").unwrap();
    let outer = || vec![format!("{}/", at("outer"))];
    let mounts = || vec![at("outer")];
    let nothing = FilesGrant::default;
    for write in [format!("{}/", at("outer/inner")), at("outer/inner/config")] {
        let write = vec![write];
        for (files, mounts) in [
            (FilesGrant { look: outer(), ..nothing() }, vec![]),
            (FilesGrant { write: outer(), ..nothing() }, vec![]),
            (nothing(), mounts()),
        ] {
            let files = FilesGrant { write: files.write.iter().chain(&write).cloned().collect(), ..files };
            let containers = crate::model::ContainersGrant { mounts, ..Default::default() };
            let grants = Grants { files, containers, ..Grants::default() };
            let gate = Gate::new("unit", "stack", Address::new("unit", "app"), grants);
            let permit = gate.path_change(at("outer/inner/config")).unwrap();
            assert!(parent(permit.subject()).unwrap().is_some(), "where no link is on the way");
            std::fs::remove_dir(at("outer/inner")).unwrap();
            std::os::unix::fs::symlink("../elsewhere", at("outer/inner")).unwrap();
            let denied = find(permit.subject()).err().map(|failure| failure.to_string()).unwrap_or_default();
            assert!(denied.contains(&format!("below {}: links are not followed", at("outer"))), "{denied}");
            std::fs::remove_file(at("outer/inner")).unwrap();
            std::fs::create_dir(at("outer/inner")).unwrap();
        }
    }
}

#[test]
fn the_marker_lines_of_a_block_are_comments_of_one_line() {
    let gate = gate("container", &nothing());
    let block = |comment: &str| {
        let region = Region::Block { comment: comment.to_owned(), position: crate::model::desired::Position::Last };
        let written = gate.file_write(WantedFile { region, ..wanted("/srv/data/x") }).map(drop);
        let removed = gate.block_remove("/srv/data/x", comment).map(drop);
        assert_eq!(written.is_ok(), removed.is_ok(), "{comment:?}");
        written.map_err(|denial| denial.asked)
    };
    for fine in ["#", "//", ";", "--", "rem", "<!-- "] {
        assert_eq!(block(fine), Ok(()), "{fine}");
    }
    for refused in ["", "#\nhost all all trust\n#", "#\r", "#\u{2028}", "#\u{202e}", "# a line of its own"] {
        assert!(block(refused).unwrap_err().contains("whose comments begin with"), "{refused:?}");
    }
}

#[test]
fn no_secret_is_made_that_is_too_short_to_be_found() {
    let gate = gate("secret", &nothing());
    let into = Target::Made(Address::new("secret", "app"), "token".into());
    let made = |generator, length| gate.new_secret(&into, generator, length).is_ok();
    for (generator, shortest) in [(Generator::Alphanumeric, 6), (Generator::Hex, 3), (Generator::Base64url, 4)] {
        assert!(made(generator, shortest) && made(generator, 40), "{generator:?}");
        for short in 0..shortest {
            assert!(!made(generator, short), "{generator:?} {short}");
        }
    }
}
