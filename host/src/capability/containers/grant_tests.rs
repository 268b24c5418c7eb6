use std::{
    collections::BTreeMap,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use super::*;
use crate::{
    capability::containers::client,
    model::{
        ConnectionSettings, ContainersGrant, Folder, FolderAccess, Grants, HostFile, StoreSettings, WriteMode,
        desired::{Mount, Port},
        value::Tree,
    },
    test_support::grants::{built_in, filled},
};

fn gate_with(containers: ContainersGrant) -> Gate {
    let instance = Address::new("container", "app");
    Gate::new("shipper", "media", instance, Grants { containers, ..Grants::default() })
}

fn gate() -> Gate {
    gate_with(ContainersGrant {
        connections: vec!["podman".into()],
        names: vec!["app".into()],
        mounts: vec!["/srv/data".into()],
        networks: vec!["backend".into()],
        publish: vec!["10.0.0.5".into()],
        capabilities: vec!["NET_ADMIN".into()],
    })
}

fn asked(change: impl FnOnce(&mut Definition)) -> Result<Permit<DefinedContainer>, Denial> {
    let mut wanted = Definition::new("app", "localhost/app:1");
    change(&mut wanted);
    gate().container_define(ContainerQuestion { connection: "podman".into(), wanted })
}

fn mount(source: &str, target: &str) -> Mount {
    Mount { source: source.into(), target: target.into(), read_only: false }
}

fn port(address: &str) -> Port {
    Port { container: 80, host_address: Some(address.into()), host: 8080 }
}

#[test]
fn what_is_granted_passes() {
    let all = asked(|wanted| {
        wanted.mounts = vec![mount("/srv/data/a", "/a"), mount("/srv/data/deep/er", "/b")];
        wanted.network = Some("backend".into());
        wanted.ports = vec![port("10.0.0.5"), Port { container: 81, host_address: None, host: 8081 }];
        wanted.add_capabilities = vec!["NET_ADMIN".into(), "cap_net_admin".into()];
        wanted.labels = vec![("org.example".into(), "x".into())];
    });
    assert_eq!(all.unwrap().subject().mounted_from, [Path::new("/srv/data"), Path::new("/srv/data")]);
    assert!(
        asked(|wanted| *wanted = Definition { lasting_name: Some("app".into()), ..Definition::new("app-next", "x") })
            .is_ok()
    );
}

#[test]
fn a_mount_inside_another_one_is_refused() {
    for nested in [["/srv/data/app", "/srv/data/app/config"], ["/srv/data/app/config/deep", "/srv/data/app"]] {
        let denial = asked(|wanted| {
            wanted.mounts = nested.iter().map(|source| mount(source, &format!("/x{source}"))).collect();
        });
        let asked = denial.unwrap_err().asked;
        assert!(asked.contains("lies inside the mounted /srv/data/app"), "{asked}");
    }
    let apart = asked(|wanted| wanted.mounts = vec![mount("/srv/data/app", "/a"), mount("/srv/data/apple", "/b")]);
    assert!(apart.is_ok(), "a name that only begins alike");
    assert!(asked(|wanted| wanted.mounts = vec![mount("/srv/data/app", "/a"), mount("/srv/data/app", "/b")]).is_ok());
}

/// One line a refusal: what is changed, the capability that is named, and what the message says.
#[test]
fn what_is_not_granted_is_refused() {
    type Change = fn(&mut Definition);
    let table: &[(Change, &str, &str)] = &[
        (|wanted| wanted.name = "other".into(), "containers.names", "the container `other`"),
        (|wanted| wanted.name = "app-next-next".into(), "containers.names", "app-next-next"),
        (|wanted| wanted.lasting_name = Some("other".into()), "containers.names", "the container `other`"),
        (|wanted| wanted.name = "app/../other".into(), "containers.names", "app/../other"),
        (|wanted| wanted.mounts = vec![mount("/etc", "/x")], "containers.mounts", "/etc mounted at /x"),
        (|wanted| wanted.mounts = vec![mount("/srv", "/x")], "containers.mounts", "/srv mounted"),
        (|wanted| wanted.mounts = vec![mount("/srv/database", "/x")], "containers.mounts", "/srv/database"),
        (|wanted| wanted.mounts = vec![mount("/srv/data/../../etc", "/x")], "containers.mounts", "without `..`"),
        (|wanted| wanted.mounts = vec![mount("srv/data", "/x")], "containers.mounts", "absolute"),
        (|wanted| wanted.mounts = vec![mount("/srv/data", "/x/../../etc")], "containers.mounts", "without `..`"),
        (|wanted| wanted.mounts = vec![mount("", "/x")], "containers.mounts", "absolute"),
        (|wanted| wanted.network = Some("host".into()), "containers.networks", "the machine's own"),
        (|wanted| wanted.network = Some("container:postgres".into()), "containers.networks", "another container's"),
        (|wanted| wanted.network = Some("ns:/proc/1/ns/net".into()), "containers.networks", "another container's"),
        (|wanted| wanted.network = Some("frontend".into()), "containers.networks", "the network `frontend`"),
        (|wanted| wanted.ports = vec![port("0.0.0.0")], "containers.publish", "published on 0.0.0.0"),
        (|wanted| wanted.add_capabilities = vec!["SYS_ADMIN".into()], "containers.capabilities", "SYS_ADMIN"),
        (|wanted| wanted.add_capabilities = vec!["ALL".into()], "containers.capabilities", "ALL"),
        (|wanted| wanted.labels = vec![("stackrun.stack".into(), "b".into())], "containers.create", "stackrun.stack"),
    ];
    for (change, capability, says) in table {
        let denial = asked(change).expect_err(says);
        assert_eq!(denial.capability, *capability, "{says}");
        assert!(denial.asked.contains(says), "{} does not say {says}", denial.asked);
        let text = denial.to_string();
        assert!(text.contains("`shipper`") && text.contains("container.app"), "{text}");
    }
}

#[test]
fn a_denial_names_the_line_to_add() {
    let denial = asked(|wanted| wanted.network = Some("frontend".into())).unwrap_err();
    assert_eq!(denial.line, "containers.networks = [\"frontend\"]");
}

#[test]
fn another_engine_is_refused() {
    let question = ContainerQuestion { connection: "docker".into(), wanted: Definition::new("app", "x") };
    assert!(gate().container_define(question).is_err());
    assert!(gate().engine(EngineQuestion { connection: "docker".into() }).is_err());
    let subject = ContainerSubject { connection: "docker".into(), name: "app".into() };
    assert!(gate().container(subject).is_err());
}

#[test]
fn another_container_is_refused() {
    for name in ["postgres", "app-old", "", "-next", "../app", "app?force=true"] {
        let subject = ContainerSubject { connection: "podman".into(), name: name.into() };
        assert!(gate().container(subject).is_err(), "{name}");
    }
}

#[test]
fn without_grants_nothing_passes() {
    let none = gate_with(ContainersGrant::default());
    assert!(none.engine(EngineQuestion { connection: "podman".into() }).is_err());
}

#[test]
fn a_mount_does_not_leave_its_folder_by_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let granted = folder.path().join("granted");
    std::fs::create_dir_all(granted.join("real")).unwrap();
    symlink("/etc", granted.join("out")).unwrap();
    symlink("real", granted.join("in")).unwrap();
    symlink("../..", granted.join("up")).unwrap();
    let gate = gate_with(ContainersGrant {
        connections: vec!["podman".into()],
        names: vec!["app".into()],
        mounts: vec![granted.display().to_string()],
        ..ContainersGrant::default()
    });
    let stays = |below: &str| {
        let mut wanted = Definition::new("app", "x");
        wanted.mounts = vec![mount(&granted.join(below).display().to_string(), "/x")];
        let permit = gate.container_define(ContainerQuestion { connection: "podman".into(), wanted }).unwrap();
        gate.container_mounts(&permit).map(|missing| missing.len())
    };
    for (inside, missing) in [("real", 0), ("", 0), ("not/there/yet", 1)] {
        assert_eq!(stays(inside).unwrap(), missing, "{inside}");
    }
    std::fs::write(granted.join("file"), "").unwrap();
    for refused in ["out", "out/ssl", "up", "in", "in/deeper", "file"] {
        assert!(stays(refused).unwrap_err().asked.contains("reached without a link"), "{refused}");
    }
}

/// Of two granted folders around a source the outer one may be an application's to write.
#[test]
fn a_mount_is_looked_at_from_the_outermost_granted_folder() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::create_dir_all(at("outer")).unwrap();
    symlink("/etc", at("outer/inner")).unwrap();
    for granted in [["outer/inner", "outer"], ["outer", "outer/inner"]] {
        let gate = gate_with(ContainersGrant {
            connections: vec!["podman".into()],
            names: vec!["app".into()],
            mounts: granted.map(at).to_vec(),
            ..ContainersGrant::default()
        });
        let mut wanted = Definition::new("app", "x");
        wanted.mounts = vec![mount(&at("outer/inner"), "/x")];
        let permit = gate.container_define(ContainerQuestion { connection: "podman".into(), wanted }).unwrap();
        let denied = gate.container_mounts(&permit).unwrap_err().asked;
        assert!(denied.contains("reached without a link"), "{denied}");
    }
}

#[test]
fn a_placeholder_in_a_mount_is_one_component_and_no_more() {
    let grant = |folder: &str| {
        let section = Tree::Table(vec![("folder".into(), Tree::literal(folder))]);
        let grants = r#"containers.mounts = ["/srv/{section.folder}"]"#;
        filled(grants, &Address::new("container", "app"), &section).containers.mounts
    };
    assert_eq!(grant("films"), ["/srv/films"]);
    for elsewhere in ["", ".", "..", "../etc", "films/..", "films/deep", "/"] {
        assert!(grant(elsewhere).is_empty(), "{elsewhere:?} would grant more than the line says");
    }
}

#[test]
fn the_built_in_plugin_gets_what_its_connection_says() {
    let engine = ConnectionSettings {
        name: "podman".into(),
        kind: client::KIND.into(),
        address: None,
        write: WriteMode::Files,
        verbs: BTreeMap::new(),
        settings: Tree::Table(vec![
            ("ca_bundle".into(), Tree::literal("/etc/lab/ca/bundle.pem")),
            ("capabilities".into(), Tree::Items(vec![Tree::literal("NET_ADMIN")])),
        ]),
    };
    let host_file = HostFile {
        path: PathBuf::from("/etc/stackrun.toml"),
        store: StoreSettings { path: PathBuf::new(), identities: Vec::new(), recipients: Vec::new() },
        state: PathBuf::new(),
        folders: BTreeMap::from([("media".into(), Folder { path: "/srv/media".into(), access: FolderAccess::Mount })]),
        connections: BTreeMap::new(),
        plugins: BTreeMap::new(),
    };
    let section = Tree::Table(vec![("name".into(), Tree::literal("films"))]);
    let instance = Address::new("container", "app");
    let given = built_in(&instance, &section, &[engine], &host_file).containers;
    assert_eq!(given.names, ["films"]);
    assert_eq!(given.mounts, ["/srv/media", "/etc/lab/ca"]);
    assert_eq!(given.capabilities, ["NET_ADMIN"]);
}
