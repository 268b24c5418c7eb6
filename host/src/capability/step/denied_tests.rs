//! No step acts without its grant: each kind is refused when it is made, and again when it is carried out.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
    sync::Arc,
};

use serde_json::{Value, json};

use super::Step;
use crate::{
    capability::{Acting, Condition, ConditionKind, Gate, StepFailure, StepKind, Vantage, sql::SqlLogin},
    model::{
        ConnectionSettings, Grants, HostFile, WriteMode,
        desired::{Body, Content, Definition, Method, Origin, Request},
        value::{Address, Target, Text, Tree},
    },
    test_support::machine::Stage,
    world::{Connections, Memo, World, vault::Vault},
};

/// One of each kind, as a plugin could make it.
pub(super) fn steps(file: &str) -> Vec<Step> {
    let sql = |statement: Value| json!({ "sql": { "connection": "main", "statement": statement } });
    let container = |kind: &str| json!({ kind: { "connection": "engine", "name": "app" } });
    let request = json!(Request {
        origin: Origin::Connection("edge".into()),
        method: Method::Post,
        path: Text::literal("/reg"),
        headers: vec![],
        bearer: None,
        body: Body::None,
        accept: vec![],
        captures: vec![],
    });
    let name = || "app".to_owned();
    let login = SqlLogin { connection: "main".into(), database: name(), role: name(), password: None };
    let login = json!(Condition { kind: ConditionKind::SqlLogin(login), vantage: Vantage::Host });
    let content = json!(Content::Text(Text::literal("x")));
    let another = json!(Target::Made(Address::new("secret", "other"), "key".into()));
    let definition = Definition::new("app", "localhost/app:1");
    let made = [
        json!({ "secret_generate": { "into": another, "generator": "hex", "length": 8 } }),
        json!({ "secret_discard": { "of": another } }),
        json!({ "file_write": {
            "path": file, "region": "whole", "content": content, "mode": 0o600, "owner": null, "ignore_owner": false
        } }),
        json!({ "file_remove": { "path": file } }),
        json!({ "file_remove_block": { "path": file, "comment": "#" } }),
        json!({ "directory_make": { "path": file, "mode": 0o700, "owner": null, "group": null } }),
        json!({ "directory_remove_if_empty": { "path": file } }),
        json!({ "directory_remove": { "path": file } }),
        sql(json!({ "create_role": { "role": "app" } })),
        sql(json!({ "allow_login": { "role": "app" } })),
        sql(json!({ "set_password": { "role": "app", "verifier": another } })),
        sql(json!({ "drop_role": { "role": "app" } })),
        sql(json!({ "create_database": {
            "connection": "main", "name": "app", "owner": "app", "encoding": null, "locale": null, "template": null
        } })),
        sql(json!({ "set_owner": { "database": "app", "owner": "app" } })),
        sql(json!({ "drop_database": { "database": "app" } })),
        sql(json!({ "create_extension": { "database": "app", "extension": "citext" } })),
        json!({ "admit": { "connection": "main", "hba": [], "ident": [] } }),
        json!({ "revoke_admission": { "connection": "main" } }),
        json!({ "sql_reload": { "connection": "main" } }),
        json!({ "container_create": { "connection": "engine", "definition": definition } }),
        container("container_start"),
        container("container_stop"),
        json!({ "container_rename": { "connection": "engine", "name": "app", "to": "app-next" } }),
        container("container_remove"),
        json!({ "prove_from_inside": { "connection": "engine", "name": "app", "checks": [] } }),
        json!({ "http_send": request }),
        json!({ "http_exchange": [request, request] }),
        json!({ "service_run": { "connection": "edge", "verb": "reload" } }),
        json!({ "await": { "condition": login, "timeout_ms": 1 } }),
        json!({ "unless": { "condition": login, "step": { "file_remove": { "path": file } } } }),
    ];
    made.into_iter()
        .map(|step| serde_json::from_value(step.clone()).unwrap_or_else(|bad| panic!("{step}: {bad}")))
        .collect()
}

/// Does not compile while a kind is missing here: add it to `steps` as well.
pub(super) fn kind(step: &Step) -> &'static str {
    match step {
        Step::SecretGenerate(_) => "secret-generate",
        Step::SecretDiscard(_) => "secret-discard",
        Step::FileWrite(_) => "file-write",
        Step::FileRemove(_) => "file-remove",
        Step::FileRemoveBlock(_) => "file-remove-block",
        Step::DirectoryMake(_) => "directory-make",
        Step::DirectoryRemoveIfEmpty(_) => "directory-remove-if-empty",
        Step::DirectoryRemove(_) => "directory-remove",
        Step::Sql(_) => "sql",
        Step::Admit(_) => "admit",
        Step::RevokeAdmission(_) => "revoke-admission",
        Step::SqlReload(_) => "sql-reload",
        Step::ContainerCreate(_) => "container-create",
        Step::ContainerStart(_) => "container-start",
        Step::ContainerStop(_) => "container-stop",
        Step::ContainerRename(_) => "container-rename",
        Step::ContainerRemove(_) => "container-remove",
        Step::ProveFromInside(_) => "prove-from-inside",
        Step::HttpSend(_) => "http-send",
        Step::HttpExchange(_) => "http-exchange",
        Step::ServiceRun(_) => "service-run",
        Step::Await(_) => "await",
        Step::Unless(_) => "unless",
    }
}

/// The stage's, with connections whose sockets are in this folder. Where there is none, whoever gets past the gate says
/// so in another way.
pub(super) fn world(stage: &Stage, sockets: &Path) -> World {
    let connection = |(name, kind, setting, socket): (&str, &str, &str, &str)| {
        let socket = format!("{}{}", if setting == "admin" { "unix:" } else { "" }, sockets.join(socket).display());
        let connection = ConnectionSettings {
            name: name.into(),
            kind: kind.into(),
            address: None,
            write: WriteMode::Files,
            verbs: BTreeMap::new(),
            settings: Tree::Table(vec![(setting.into(), Tree::literal(socket))]),
        };
        (name.to_owned(), connection)
    };
    let connections = [
        ("main", "postgresql", "socket", ""),
        ("engine", "docker-api", "socket", "engine"),
        ("edge", "caddy", "admin", "admin"),
    ];
    let connections = connections.map(connection).into();
    let host_file = Arc::new(HostFile { connections, ..(*stage.host_file).clone() });
    let state = Arc::clone(&stage.world.state);
    let vault = Vault::open(Arc::clone(&host_file), "media", Arc::clone(&state)).unwrap();
    let connections = Connections::new(Arc::clone(&host_file), vault.learned());
    World { connections, host_file, vault, state, memo: Memo::default() }
}

#[tokio::test]
async fn every_step_is_refused_on_both_sides_without_its_grant() {
    let stage = Stage::new();
    let file = stage.path("files/there");
    std::fs::write(&file, "as it was").unwrap();
    let gate = Gate::new("shipper", "media", "hostile.app".parse().unwrap(), Grants::default());
    let world = world(&stage, Path::new("/nowhere"));
    let acting = Acting { world: &world, gate: &gate, gates: &stage.gates };
    let steps = steps(&file.display().to_string());
    for step in &steps {
        let denial = step.permit(&gate).expect_err(kind(step));
        assert!(denial.to_string().starts_with("plugin `shipper` was denied `"), "{denial}");
        assert!(denial.to_string().contains("for hostile.app: it asked for"), "{denial}");
        let refused = step.carry_out(&acting).await.expect_err(kind(step));
        assert!(matches!(refused, StepFailure::Denied(_)), "{}: {refused}", kind(step));
        // Looking for what to keep may find nothing, but never asks past the gate.
        if let Err(refused) = step.before(&acting).await {
            assert!(matches!(refused, StepFailure::Denied(_)), "{}: {refused}", kind(step));
        }
    }
    assert_eq!(steps.iter().map(kind).collect::<HashSet<_>>().len(), 23, "a kind is missing");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "as it was");
}
