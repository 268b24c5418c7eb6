//! Caddy, through its admin API: asked inside the running service, as its user and with its environment. Running
//! `caddy validate` instead, as root, opens the log files that the configuration names, and leaves them unwritable.
//!
//! What is sent is not the text of the main Caddyfile but one line that imports it: then Caddy reads all files with its
//! own eyes, relative imports are relative to the file they stand in, and an error names file and line. A
//! configuration that Caddy refuses changes nothing: the old one keeps serving.

use serde_json::Value;

use super::VerbSubject;
use crate::{
    capability::{
        connection::ConnectionKind,
        http::client::{Answer, Caddy, Clients, Endpoint, Outgoing, Sends},
    },
    model::{ConnectionSettings, Failure, Permit},
};

impl Sends for VerbSubject {}

/// The kind of connections that bring verbs.
pub const KIND: &str = Caddy::NAME;

/// The verbs that a `caddy` connection brings.
pub const VERBS: [&str; 2] = ["validate", "reload"];

/// The admin API's request behind a verb, for the reviewer.
pub fn says(connection: &ConnectionSettings, verb: &str) -> String {
    let api = if verb == "reload" { "/load" } else { "/adapt" };
    let main = main_file(connection).unwrap_or_else(|_| "its Caddyfile".to_owned());
    let admin = Endpoint::of_connection(connection).map_or_else(|error| error.to_string(), |admin| admin.called());
    format!("POST {api} with {main} to {admin}")
}

/// Has Caddy read and adapt its whole configuration (`validate`), or serve it (`reload`).
pub async fn run(
    permit: &Permit<VerbSubject>,
    clients: &Clients,
    connection: &ConnectionSettings,
) -> Result<(), Refused> {
    let api = if permit.subject().verb == "reload" { "/load" } else { "/adapt" };
    let admin = Endpoint::of_connection(connection)?;
    let body = import(&main_file(connection)?)?;
    let outgoing = Outgoing::post(api, "text/caddyfile", body.into_bytes());
    let answer = clients.exchange(permit, &admin, &outgoing).await.map_err(Failure::from)?;
    match answer.status {
        200 => Ok(()),
        _ => Err(refusal(&answer)),
    }
}

/// Why Caddy does not take the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It was not asked.
    #[error(transparent)]
    NotAsked(#[from] Failure),
    /// It refused; everything keeps running as before.
    #[error("Caddy refuses its configuration: {why}")]
    Because {
        /// Caddy's own words.
        why: String,
        /// The file that they name.
        file: Option<String>,
    },
}

fn main_file(connection: &ConnectionSettings) -> Result<String, Failure> {
    let file = Caddy::read(connection)?.caddyfile;
    if file.starts_with('/') {
        return Ok(file);
    }
    Err(Failure::Other(format!("[connection.{}] caddyfile = `{file}`: give the absolute path", connection.name)))
}

/// `import` of a file, in Caddy's own quotes.
fn import(file: &str) -> Result<String, Failure> {
    if file.chars().any(|character| character == '`' || character.is_control()) {
        return Err(Failure::Other(format!("Caddy can't import a file of the name {}", file.escape_debug())));
    }
    Ok(format!("import `{file}`\n"))
}

fn refusal(answer: &Answer) -> Refused {
    let words = answer.json().ok().and_then(|json| json.get("error").and_then(Value::as_str).map(str::to_owned));
    match words {
        Some(why) => Refused::Because { file: file_of(&why), why: crate::words::printable(&why) },
        None => Refused::NotAsked(Failure::Other(format!(
            "what answers as Caddy's admin API does not speak like it (status {})",
            answer.status
        ))),
    }
}

/// The file in `adapting config using caddyfile: /etc/caddy/sites/x:3: unrecognized directive`, or in
/// `…, at /etc/caddy/sites/x:2 import chain …`.
fn file_of(why: &str) -> Option<String> {
    why.split_whitespace().find_map(|word| {
        let word = word.trim_start_matches(['(', '[', '\'', '"']);
        let (file, line) = word.strip_prefix('/').and_then(|rest| rest.split_once(':'))?;
        line.starts_with(|digit: char| digit.is_ascii_digit()).then(|| format!("/{file}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_broken_file_is_found_in_caddys_words() {
        let why = "adapting config using caddyfile adapter: /etc/caddy/sites/other.caddy:3: unrecognized directive: x";
        assert_eq!(file_of(why).as_deref(), Some("/etc/caddy/sites/other.caddy"));
        assert_eq!(file_of("loading config: listening on :80: address in use"), None);
    }

    #[test]
    fn a_file_name_can_not_leave_its_quotes() {
        assert_eq!(import("/etc/caddy/Caddyfile").unwrap(), "import `/etc/caddy/Caddyfile`\n");
        assert!(import("/etc/`\nrespond 200").is_err());
    }
}
