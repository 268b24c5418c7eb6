//! The one line by which a reviewer knows a step, as this matcher would put it.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{list, secrets::name, step::Shown};

/// Whether the headline of a step says what the step is. What waits for a condition is told in the condition's own
/// words, which nobody checks here.
pub fn says(step: &Shown<'_>) -> Result<()> {
    let Some(headline) = step.preview.and_then(|preview| preview["headline"].as_str()) else { return Ok(()) };
    let of = step.of;
    let word = |pointer: &str| of.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let mode = || format!("{:04o}", of["mode"].as_u64().unwrap_or_default());
    let said = match step.kind {
        "sql_reload" => {
            format!("SELECT pg_reload_conf() on {}, and wait until it has taken effect", word("/connection"))
        }
        "admit" => {
            let mut roles: Vec<&str> = list(of, "/hba").iter().filter_map(|entry| entry["role"].as_str()).collect();
            roles.dedup();
            format!("let {} in on {}", roles.join(", "), word("/connection"))
        }
        "secret_generate" => {
            let what = match word("/generator") {
                "alphanumeric" => "letters and digits",
                "hex" => "random bytes in hexadecimal",
                _ => "random bytes in base64url",
            };
            format!("generate {} ({} {what})", name(&of["into"]["made"])?, of["length"])
        }
        "directory_make" => match (of["owner"].as_str(), of["group"].as_str()) {
            (None, None) => format!("make directory {} ({})", word("/path"), mode()),
            (owner, group) => {
                let (owner, group) = (owner.unwrap_or("root"), group.unwrap_or("root"));
                format!("make directory {} ({}, {owner}:{group})", word("/path"), mode())
            }
        },
        "file_write" if of["region"] == "whole" => {
            let owner = |owner: &Value| format!(", {}:{}", owner["user"], owner["group"]).replace('"', "");
            let owner = of.get("owner").filter(|owner| !owner.is_null()).map(owner).unwrap_or_default();
            format!("write {} ({}){owner}", word("/path"), mode())
        }
        "file_write" => format!("write the stack's block in {}", word("/path")),
        "container_create" => {
            let id = word("/definition/image_id");
            let id = id.get(.."sha256:".len() + 12).context("an image without its id")?;
            format!("create container {} from {} ({id})", word("/definition/name"), word("/definition/image"))
        }
        "container_start" => format!("start container {} on {}", word("/name"), word("/connection")),
        "container_stop" => format!("stop container {} on {}", word("/name"), word("/connection")),
        "container_remove" => format!("remove container {} on {}", word("/name"), word("/connection")),
        "container_rename" => {
            format!("rename container {} to {} on {}", word("/name"), word("/to"), word("/connection"))
        }
        "prove_from_inside" => {
            let count = list(of, "/checks").len();
            let (name, engine) = (word("/name"), word("/connection"));
            format!("ask {count} things from inside container {name} on {engine}, before its program starts")
        }
        "service_run" => format!("{} {}", word("/verb"), word("/connection")),
        _ => return Ok(()),
    };
    ensure!(headline == said, "`{said}` is shown as `{headline}`");
    Ok(())
}
