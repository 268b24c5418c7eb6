//! Whether each word of a plan matters: a plan that says something else than what was done is not what was done.
//!
//! Each value of each step is altered, one at a time, and what was seen is held against the altered plan. What nobody
//! misses is a gap of the matcher's: these gaps are listed here, and there are no others.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use serde_json::Value;
use stackrun_tests::recorders::{
    Effect,
    effect::difference,
    expected::{self, Around},
};

/// What may be altered without being missed, and why.
const GAPS: &[(&str, &[&str])] = &[
    (
        "what is only looked at, and how an answer is judged, changes nothing: looks are not recorded",
        &[
            "await: condition/kind/container_answers/connection",
            "await: condition/kind/container_answers/container_port",
            "await: condition/kind/container_answers/contains",
            "await: condition/kind/container_answers/log/contains",
            "await: condition/kind/container_answers/log/line",
            "await: condition/kind/container_answers/log/means",
            "await: condition/kind/container_answers/name",
            "await: condition/kind/container_answers/path",
            "await: condition/kind/container_answers/statuses",
            "await: condition/vantage",
            "await: timeout_ms",
            "prove_from_inside: checks/condition/kind/http_answers/equals/literal",
            "prove_from_inside: checks/condition/kind/http_answers/pointer",
            "prove_from_inside: checks/condition/kind/http_answers/request/origin/connection",
            "prove_from_inside: checks/condition/kind/http_answers/request/path/literal",
            "prove_from_inside: checks/condition/vantage/container/connection",
            "prove_from_inside: checks/condition/vantage/container/name",
            "prove_from_inside: checks/id",
            "prove_from_inside: checks/timeout_ms",
            "unless: condition/kind/http_answers/equals",
            "unless: condition/kind/http_answers/pointer",
            "unless: condition/kind/http_answers/request/accept",
            "unless: condition/vantage",
            "unless: http_exchange/accept",
        ],
    ),
    (
        "that nothing but a look is sent from inside a container is for the host to see to: it would be found in the servers",
        &[
            "prove_from_inside: checks/condition/kind/http_answers/request/bearer",
            "prove_from_inside: checks/condition/kind/http_answers/request/body",
            "prove_from_inside: checks/condition/kind/http_answers/request/method",
        ],
    ),
    (
        "a password is proved by SCRAM and not sent: whether it is the right one, the server decides",
        &[
            "prove_from_inside: checks/condition/kind/sql_login/password/made/0",
            "prove_from_inside: checks/condition/kind/sql_login/password/made/1",
        ],
    ),
    (
        "a token that an answer brings is known to nobody else",
        &["unless: http_exchange/bearer/earlier/pointer", "unless: http_exchange/bearer/earlier/request"],
    ),
    (
        "secrets are exported by their names alone, without their instances",
        &[
            "file_write: content/document/body/table/table/reference/made/0",
            "file_write: content/document/body/table/table/table/text/reference/made/0",
            "unless: condition/kind/http_answers/request/body/form/reference/made/0",
            "unless: http_exchange/body/json/table/text/reference/made/0",
        ],
    ),
    (
        "a digest is salted: which secret it is of can't be seen",
        &[
            "file_write of a block: content/document/body/items/table/reference/derived/made/0",
            "file_write of a block: content/document/body/items/table/reference/derived/made/1",
            "file_write of a block: content/document/body/items/table/reference/derived/pbkdf2-sha512",
        ],
    ),
    (
        "it means nothing here: a block has the owner and mode of its file, a container that is not replaced one name, and \
         an owner that is given or kept is another one than the application's",
        &[
            "container_create: definition/lasting_name",
            "file_write of a block: ignore_owner",
            "file_write of a block: mode",
            "file_write of a block: owner",
            "file_write: ignore_owner",
        ],
    ),
    (
        "words around what is compared: conditions, line numbers of a change, the sign of what is no change",
        &[
            "shown admit: lines/sign",
            "shown admit: lines/text",
            "shown await: headline",
            "shown prove_from_inside: lines/sign",
            "shown service_run: lines/sign",
            "shown sql: lines/sign",
            "shown unless: headline",
            "shown unless: lines/sign",
            "shown unless: lines/text",
        ],
    ),
];

/// Alters everything that a plan says of its steps, and sees that this is found.
pub fn every_word_matters(plan: &Value, seen: &[Effect], around: &Around<'_>) -> Result<()> {
    let mut unnoticed = BTreeSet::new();
    let mut altered = plan.clone();
    let mut count = 0;
    for pointer in words(plan) {
        let Some(was) = plan.pointer(&pointer) else { continue };
        let found = others(was).into_iter().any(|other| {
            altered.pointer_mut(&pointer).into_iter().for_each(|word| *word = other.clone());
            match expected::of_apply(&altered, around) {
                Ok(expected) => difference(seen, &expected) != (vec![], vec![]),
                Err(_) => true,
            }
        });
        altered.pointer_mut(&pointer).into_iter().for_each(|word| *word = was.clone());
        count += 1;
        if !found {
            unnoticed.insert(named(plan, &pointer));
        }
    }
    ensure!(count > 200, "only {count} words were altered");
    let listed: BTreeSet<String> = GAPS.iter().flat_map(|(_, gaps)| *gaps).map(|gap| (*gap).to_owned()).collect();
    let more: Vec<&String> = unnoticed.difference(&listed).collect();
    ensure!(more.is_empty(), "of {count} words, altered without being missed: {more:#?}");
    let less: Vec<&String> = listed.difference(&unnoticed).collect();
    ensure!(less.is_empty(), "listed as gaps and missed all the same: {less:#?}");
    Ok(())
}

/// Where each value of each step stands: in what is carried out, and in what is shown of it.
fn words(plan: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let of = |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len);
    for instance in 0..of(plan, "/instances") {
        let instance = format!("/instances/{instance}");
        for action in 0..of(plan, &format!("{instance}/planned/actions")) {
            for (part, inner) in [("moves", "/step"), ("settle", "")] {
                for at in 0..of(plan, &format!("{instance}/planned/actions/{action}/{part}")) {
                    let step = format!("{instance}/planned/actions/{action}/{part}/{at}{inner}");
                    below(plan, step, &mut found);
                    below(plan, format!("{instance}/previews/{action}/{part}/{at}"), &mut found);
                }
            }
        }
    }
    found
}

fn below(plan: &Value, pointer: String, found: &mut Vec<String>) {
    match plan.pointer(&pointer) {
        Some(Value::Object(fields)) => {
            let escaped = |name: &String| name.replace('~', "~0").replace('/', "~1");
            fields.keys().for_each(|name| below(plan, format!("{pointer}/{}", escaped(name)), found));
        }
        Some(Value::Array(items)) => (0..items.len()).for_each(|at| below(plan, format!("{pointer}/{at}"), found)),
        Some(_) => found.push(pointer),
        None => {}
    }
}

/// Other values in its place: one, where it is clear of which kind.
fn others(value: &Value) -> Vec<Value> {
    let another = match value {
        Value::Bool(value) => Value::from(!value),
        Value::Number(number) => Value::from(number.as_i64().unwrap_or_default() + 1),
        // Another secret, not one that nobody knows.
        Value::String(text) if text == "database_password" => Value::from("token_secret"),
        Value::String(text) if text.ends_with("_password") || text.ends_with("_secret") => {
            Value::from("database_password")
        }
        Value::String(text) => Value::from(format!("{text}x")),
        _ => return vec![Value::from(17), Value::from("x")],
    };
    vec![another]
}

/// `container_create/definition/name`: the kind of step, and without numbers but for those of a secret's name.
fn named(plan: &Value, pointer: &str) -> String {
    let is_shown = pointer.contains("/previews/");
    let step = pointer.replace("/previews/", "/planned/actions/");
    // Both `…/actions/0/moves/0` and, of one that settles, `…/actions/0/settle/0`.
    let parts: Vec<&str> = step.split('/').collect();
    let at = parts.iter().position(|part| *part == "actions").unwrap_or_default() + 4;
    let step = parts[..at].join("/");
    let step = plan.pointer(&format!("{step}/step")).or_else(|| plan.pointer(&step));
    let kind = step.and_then(Value::as_object).and_then(|step| step.keys().next().cloned()).unwrap_or_default();
    let block = step.is_some_and(|step| step.pointer("/file_write/region/block").is_some());
    let mut words: Vec<&str> = Vec::new();
    for part in &parts[at..] {
        let is_number = part.parse::<usize>().is_ok();
        if !(*part == "step" && words.is_empty() || *part == kind || is_number && words.last() != Some(&"made")) {
            words.push(part);
        }
    }
    let of = if block { " of a block" } else { "" };
    format!("{}{kind}{of}: {}", if is_shown { "shown " } else { "" }, words.join("/"))
}
