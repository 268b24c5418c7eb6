//! Names of the connections in a lab's host file, each with a recorder before it: a step at another one goes unrecorded.

use anyhow::{Result, ensure};
use serde_json::Value;

/// Identity providers.
pub const PROVIDERS: [&str; 2] = ["authelia", "registration"];

/// Whether a step is one of the server that PostgreSQL's log is of.
pub fn is_database(of: &Value) -> Result<()> {
    is(of, "postgres")
}

/// Whether a step is one of the engine behind the recorder.
pub fn is_engine(of: &Value) -> Result<()> {
    is(of, "podman")
}

fn is(of: &Value, known: &str) -> Result<()> {
    ensure!(of["connection"] == known, "no recorder stands before the connection {}", of["connection"]);
    Ok(())
}
