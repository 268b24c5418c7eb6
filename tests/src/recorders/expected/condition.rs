//! What asking a condition sends, as far as it is more than a look.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{connections, secrets::Secrets, value};
use crate::recorders::{Effect, Expected};

/// Of a check or proof; a login is a look that carries a password, a probe is asked only where probes are.
pub fn of_check(check: &Value, probes: bool, secrets: &Secrets) -> Result<Option<Expected>> {
    let asked = of(check.get("condition").context("a check without a condition")?, secrets)?;
    Ok(asked.filter(|one| probes || matches!(one.effect, Effect::Login(_))))
}

/// Of a condition.
pub fn of(condition: &Value, secrets: &Secrets) -> Result<Option<Expected>> {
    let kind = condition["kind"].as_object().and_then(|kind| kind.iter().next());
    let (kind, of) = kind.context("a condition without a kind")?;
    let request = match kind.as_str() {
        "sql_login" => {
            connections::is_database(of)?;
            let word = |key: &str| of[key].as_str().context("a login without a name");
            let login = format!("{} to {}", word("role")?, word("database")?);
            return Ok(Some(Expected::asked(Effect::Login(login))));
        }
        "container_stays_up" | "container_answers" => return Ok(None),
        "http_answers" | "http_shows" | "http_leads_to" => &of["request"],
        "http_refuses" => of,
        other => bail!("the matcher does not know the condition {other}: say here what asking it sends"),
    };
    if value::is_look(request) {
        return Ok(None);
    }
    Ok(Some(Expected::asked(Effect::Http(value::request(request, secrets)?))))
}
