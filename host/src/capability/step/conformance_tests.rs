//! What every kind of step owes, tried for each: it is refused without its grant, all that it does is shown, the list of
//! where each secret goes has its secrets, no preview holds one, and a server that never answers does not hold it up.
//! Printed as a table; no cell is empty. What a second carrying out does is tried on real servers (`converging`).

// The table is what the test is for: `cargo test no_cell -- --nocapture` shows it.
#![allow(clippy::print_stdout)]

use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::net::UnixListener,
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    Part, Step,
    denied_tests::{kind, steps, world},
};
use crate::{
    capability::{Acting, Gate, Preview, StepFailure, StepKind},
    model::{
        Generator, Grants, Making, Permit,
        value::{Address, Target},
    },
    test_support::machine::Stage,
    world::World,
};

const COLUMNS: [&str; 5] = ["gated", "shown", "secrets listed", "redacted", "bounded"];

/// No step waits longer than this for a server that says nothing, by the clock of the runtime.
const PATIENCE: Duration = Duration::from_secs(600);

/// Values of steps that can be altered without the preview telling, each with its reason.
const NOT_SHOWN: [(&str, &str); 3] = [
    (
        "/file_remove_block/comment",
        "it is part of the block's two marker lines, which are shown where the block is there",
    ),
    ("/file_write/ignore_owner", "what is written is the same; only a comparison looks past the owner"),
    ("/sql/statement/create_database/connection", "the statement goes to the step's own connection, which is shown"),
];

/// The secret that the steps of `steps` name.
fn planted() -> Target {
    Target::Made(Address::new("secret", "other"), "key".into())
}

/// Every value of a step that can be altered so that it is still a step: with where it stands.
fn alterations(step: &Step) -> Vec<(String, Step)> {
    let whole = serde_json::to_value(step).unwrap();
    let mut pointers = Vec::new();
    leaves(&whole, String::new(), &mut pointers);
    let altered = pointers.into_iter().filter_map(|pointer| {
        let mut other = whole.clone();
        let value = other.pointer_mut(&pointer)?;
        *value = match value.take() {
            Value::String(text) => Value::String(format!("{text}x")),
            Value::Number(number) => json!(number.as_u64()? + 1),
            Value::Bool(yes) => Value::Bool(!yes),
            _ => return None,
        };
        let other: Step = serde_json::from_value(other).ok()?;
        (other != *step).then_some((pointer, other))
    });
    altered.collect()
}

fn leaves(value: &Value, pointer: String, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| leaves(item, format!("{pointer}/{index}"), found));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(name, field)| leaves(field, format!("{pointer}/{name}"), found));
        }
        _ => found.push(pointer),
    }
}

fn words(preview: &Preview) -> String {
    let lines = preview.lines.iter().map(|line| line.text.clone());
    std::iter::once(preview.headline.clone()).chain(lines).collect::<Vec<_>>().join("\n")
}

/// All targets that the plan's list of secrets, or the line of the step itself, names.
fn listed(step: &Step) -> BTreeSet<String> {
    let mut listed = BTreeSet::new();
    for part in step.parts() {
        match part {
            Part::Step(step) => {
                let facts = step.facts();
                listed.extend(facts.fills.iter().chain(&facts.makes).map(ToString::to_string));
                listed.extend(step.headline().contains(&planted().to_string()).then(|| planted().to_string()));
            }
            Part::Condition(condition) => {
                listed.extend(condition.sends().into_iter().flat_map(|(_, of)| of).map(ToString::to_string));
            }
        }
    }
    listed
}

async fn gated(step: &Step, world: &World, stage: &Stage) -> Result<(), String> {
    let gate = Gate::new("shipper", "media", "hostile.app".parse().unwrap(), Grants::default());
    let acting = Acting { world, gate: &gate, gates: &stage.gates };
    if step.permit(&gate).is_ok() {
        return Err("it may be made without a grant".into());
    }
    match step.carry_out(&acting).await {
        Err(StepFailure::Denied(_)) => Ok(()),
        other => Err(format!("carried out without a grant: {other:?}")),
    }
}

async fn shown(step: &Step, acting: &Acting<'_>) -> Result<(), String> {
    let was = words(&step.preview(acting).await);
    let mut unseen = Vec::new();
    for (pointer, other) in alterations(step) {
        let listed = NOT_SHOWN.iter().any(|(gap, _)| pointer.ends_with(gap));
        if words(&other.preview(acting).await) == was && !listed {
            unseen.push(pointer);
        }
    }
    if unseen.is_empty() { Ok(()) } else { Err(format!("altered without being seen: {unseen:?}")) }
}

fn secrets_listed(step: &Step) -> Result<(), String> {
    let json = serde_json::to_string(step).unwrap();
    let target = serde_json::to_string(&planted()).unwrap();
    match json.contains(&target) && !listed(step).contains(&planted().to_string()) {
        true => Err(format!("it holds {}, and no list names it", planted())),
        false => Ok(()),
    }
}

async fn redacted(step: &Step, acting: &Acting<'_>, secret: &str) -> Result<(), String> {
    let said = words(&step.preview(acting).await);
    if said.contains(secret) { Err(format!("its preview holds a secret: {said}")) } else { Ok(()) }
}

async fn bounded(step: &Step, acting: &Acting<'_>) -> Result<(), String> {
    match tokio::time::timeout(PATIENCE, step.carry_out(acting)).await {
        Ok(Err(StepFailure::Denied(denial))) => Err(format!("not tried: {denial}")),
        Ok(_) => Ok(()),
        Err(_) => Err(format!("a silent server holds it for more than {PATIENCE:?}")),
    }
}

/// Everything that the steps of `steps` need.
fn granted(stage: &Stage) -> Gate {
    let grants: Grants = serde_json::from_value(json!({
        "sql": {
            "connections": ["main"], "roles": ["app"], "databases": ["app"], "extensions": ["citext"], "admission": true
        },
        "files": { "write": [format!("{}/", stage.path("files").display())] },
        "containers": { "connections": ["engine"], "names": ["app"] },
        "http": { "connections": [{ "connection": "edge", "methods": ["POST"], "paths": ["/reg"] }] },
        "services": { "verbs": { "edge": ["reload"] } }
    }))
    .unwrap();
    Gate::new("shipper", "media", Address::new("secret", "other"), grants)
}

/// Steps with everything that they can hold, a secret wherever one may be: those of `steps` are bare.
fn full(file: &str) -> Vec<Step> {
    let text = |before: &str| json!([{ "literal": before }, { "reference": planted() }]);
    let request = json!({
        "origin": { "connection": "edge" }, "method": "POST", "path": [{ "literal": "/reg" }],
        "headers": [["X-Key", text("key ")]], "bearer": { "reference": planted() },
        "body": { "form": [["field", text("value ")]] }, "accept": [201, 409],
        "captures": [{ "pointer": "/id", "into": planted() }]
    });
    let definition = json!({
        "name": "app", "image": "localhost/app:1", "image_id": format!("sha256:{}", "5".repeat(64)),
        "command": ["serve", "all"], "entrypoint": ["/init"], "env": [["TOKEN", text("is ")]],
        "labels": [["role", "web"]], "ports": [{ "container": 80, "host_address": "127.0.0.1", "host": 8080 }],
        "mounts": [{ "source": "/srv/app", "target": "/data", "read_only": false }], "network": "web",
        "extra_hosts": [{ "name": "db", "address": "10.0.0.1" }], "restart": "always", "user": "1000",
        "read_only_root": false, "add_capabilities": ["NET_ADMIN"], "drop_capabilities": ["CHOWN"], "memory": 1000,
        "lasting_name": null
    });
    let made = [
        json!({ "container_create": { "connection": "engine", "definition": definition } }),
        json!({ "http_send": request }),
        json!({ "http_exchange": [request] }),
        json!({ "file_write": {
            "path": file, "region": "whole", "content": { "text": text("it is ") }, "mode": 0o600,
            "owner": { "user": "root", "group": "root" }, "ignore_owner": false
        } }),
        json!({ "admit": {
            "connection": "main",
            "hba": [
                { "database": "app", "role": "app", "network": "10.0.0.0/8", "method": "scram-sha-256", "map": null },
                { "database": "app", "role": "app", "network": null, "method": "peer", "map": "app" }
            ],
            "ident": [{ "map": "app", "system_user": "app", "role": "app" }]
        } }),
        json!({ "directory_make": { "path": file, "mode": 0o700, "owner": "root", "group": "root" } }),
        json!({ "sql": { "connection": "main", "statement": { "create_database": {
            "connection": "main", "name": "app", "owner": "app", "encoding": "UTF8", "locale": "C", "template": "template0"
        } } } }),
    ];
    made.into_iter()
        .map(|step| serde_json::from_value(step.clone()).unwrap_or_else(|bad| panic!("{step}: {bad}")))
        .collect()
}

/// A step's kind; of statements, which.
fn name(step: &Step) -> String {
    let json = serde_json::to_value(step).unwrap();
    match json.pointer("/sql/statement").and_then(Value::as_object).and_then(|statement| statement.keys().next()) {
        Some(statement) => format!("sql {statement}"),
        None => kind(step).to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn no_cell_of_the_table_is_empty() {
    let stage = Stage::new();
    let file = stage.path("files/there");
    std::fs::write(&file, "as it was").unwrap();
    std::fs::create_dir(stage.path("silent")).unwrap();
    // They take calls, and say nothing.
    let _silent =
        [".s.PGSQL.5432", "engine", "admin"].map(|name| UnixListener::bind(stage.path("silent").join(name)).unwrap());
    let world = world(&stage, &stage.path("silent"));
    world.vault.declare(&Address::new("secret", "other"), &[Making::Stored { name: "key".into() }]);
    world.vault.establish().unwrap();
    world.vault.generate(&Permit::new(planted()), Generator::Alphanumeric, 40).unwrap();
    let secret = world.vault.reveal(&planted()).unwrap();
    let gate = granted(&stage);
    let gates = [(gate.instance().clone(), gate.clone())].into();
    let acting = Acting { world: &world, gate: &gate, gates: &gates };
    let mut table: BTreeMap<String, [Result<(), String>; 5]> = BTreeMap::new();
    for step in steps(&file.display().to_string()) {
        let row = [
            gated(&step, &world, &stage).await,
            shown(&step, &acting).await,
            secrets_listed(&step),
            redacted(&step, &acting, &secret).await,
            bounded(&step, &acting).await,
        ];
        table.insert(name(&step), row);
    }
    for step in full(&file.display().to_string()) {
        let row = table.get_mut(&name(&step)).unwrap();
        let more = [shown(&step, &acting).await, secrets_listed(&step), redacted(&step, &acting, &secret).await];
        for (cell, more) in row[1..].iter_mut().zip(more) {
            if cell.is_ok() {
                *cell = more;
            }
        }
    }
    println!("{:28} | {}", "step", COLUMNS.join(" | "));
    for (name, row) in &table {
        let cells = COLUMNS
            .iter()
            .zip(row)
            .map(|(column, cell)| format!("{:width$}", if cell.is_ok() { "yes" } else { "NO" }, width = column.len()));
        println!("{name:28} | {}", cells.collect::<Vec<_>>().join(" | "));
    }
    let missing: Vec<String> = table
        .iter()
        .flat_map(|(name, row)| {
            let cells = COLUMNS.iter().zip(row);
            cells.filter_map(move |(column, cell)| Some(format!("{name}, {column}: {}", cell.as_ref().err()?)))
        })
        .collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert_eq!(table.len(), 30, "a kind is missing");
}
