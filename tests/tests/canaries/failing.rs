//! Runs that fail at a step that carries a secret, or whose failing part knows one and says it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use stackrun_tests::lab::Lab;
use stackrun_tests::stack::Stack;

use super::evidence::Evidence;

/// What a run that stops at a step ends with.
pub const PART_WAY: i32 = 6;
const UNPROVEN: i32 = 7;

/// An application that answers the request that carries the new password with an error that repeats it, as careless
/// validation does.
const PARROT: &str = r#"
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Parrot(BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        says = {"message": "Hello World!", "access_token": "token"}
        self.send_response(422 if self.command == "PATCH" else 400 if "Canary" in body else 200)
        self.end_headers()
        if self.command == "PATCH":
            says = {"detail": "not good enough: " + json.loads(body)["password"] + " " + body}
        self.wfile.write(json.dumps(says).encode())
    do_GET = do_POST = do_PATCH = answer
ThreadingHTTPServer(("0.0.0.0", 8000), Parrot).serve_forever()
"#;

/// Nothing is there yet, and the application does not take its first password.
pub fn at_the_first_apply(evidence: &mut Evidence, lab: &Lab, stack: &Stack) -> Result<()> {
    let command = format!("container.mediamanager.command={}", serde_json::json!(["python3", "-c", PARROT]));
    let said = evidence.run(stack, "apply", &["--yes", "--set", &command], "")?.with(PART_WAY)?;
    said.names("secret.mediamanager.admin_password")?;
    ensure!(lab.dir.join("data/config/config.toml").is_file(), "the container was not made");
    Ok(())
}

/// The stack stands, and is to be changed.
pub fn once_it_stands(evidence: &mut Evidence, lab: &Lab, stack: &Stack) -> Result<()> {
    the_application_prints_its_configuration(evidence, stack)?;
    a_wrong_database_password(evidence, lab, stack)?;
    the_server_refuses_the_password_statement(evidence, lab, stack)?;
    the_provider_refuses_its_clients(evidence, lab, stack)?;
    the_gateway_refuses_its_sites(evidence, lab, stack)?;
    let image = "container.mediamanager.image=localhost/nothing:1";
    evidence.run(stack, "apply", &["--yes", "--set", image], "")?;
    Ok(())
}

fn the_application_prints_its_configuration(evidence: &mut Evidence, stack: &Stack) -> Result<()> {
    // The last lines of the log are shown, whichever of its starts they come from.
    let print = "grep -E '^(password|token_secret|client_secret)' /app/config/config.toml; base64 -w0 /app/config/config.toml; echo; exit 3";
    let command = format!("container.mediamanager.command={}", serde_json::json!(["sh", "-c", print]));
    let only = ["--yes", "--only", "container.mediamanager", "--set", &command];
    let said = evidence.run(stack, "apply", &only, "")?.with(UNPROVEN)?;
    super::RENDERED.iter().try_for_each(|name| said.names(&format!("secret.mediamanager.{name}")))
}

fn a_wrong_database_password(evidence: &mut Evidence, lab: &Lab, stack: &Stack) -> Result<()> {
    lab.postgres.sql("postgres", "alter role mediamanager password 'another'")?;
    let only = ["--yes", "--only", "container.mediamanager", "--set", "container.mediamanager.memory=900M"];
    let said = evidence.run(stack, "apply", &only, "")?.with(UNPROVEN)?;
    ensure!(said.err.contains("password authentication failed"), "another reason: {}", said.err);
    Ok(())
}

/// The role's password is still the wrong one, and no statement is taken that writes.
fn the_server_refuses_the_password_statement(evidence: &mut Evidence, lab: &Lab, stack: &Stack) -> Result<()> {
    lab.postgres.sql("postgres", "alter database postgres set default_transaction_read_only = on")?;
    let said = evidence.run(stack, "apply", &["--yes"], "");
    lab.postgres.sql("template1", "alter database postgres reset default_transaction_read_only")?;
    let said = said?.with(PART_WAY)?;
    ensure!(said.err.contains("read-only transaction"), "another reason: {}", said.err);
    evidence.run(stack, "apply", &["--yes"], "")?.with(0).map(drop)
}

fn the_provider_refuses_its_clients(evidence: &mut Evidence, lab: &Lab, stack: &Stack) -> Result<()> {
    with(&lab.idp.configuration, "\nno_such_key: true\n", || {
        fs::write(&lab.idp.clients_fragment, "")?;
        evidence.run(stack, "apply", &["--yes"], "")?.with(PART_WAY)?;
        // It was refused before anything was restarted, and nobody's sign-in has suffered.
        lab.caddy.get("auth.lab.localhost", "/.well-known/openid-configuration").map(drop)
    })?;
    evidence.run(stack, "apply", &["--yes"], "")?.with(0).map(drop)
}

fn the_gateway_refuses_its_sites(evidence: &mut Evidence, lab: &Lab, stack: &Stack) -> Result<()> {
    let broken = lab.caddy.sites.join("broken.caddy");
    fs::write(&broken, "broken.lab.localhost {\n    no_such_directive\n}\n")?;
    let domain = "gateway.mediamanager.domain=kinto.lab.localhost";
    let said = evidence.run(stack, "apply", &["--yes", "--set", domain], "");
    fs::remove_file(&broken)?;
    ensure!(said?.code != Some(0), "a broken site was taken");
    evidence.run(stack, "apply", &["--yes"], "")?.with(0).map(drop)
}

/// Does something while a file has this at its end.
fn with(file: &Path, end: &str, run: impl FnOnce() -> Result<()>) -> Result<()> {
    let before = fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))?;
    fs::write(file, format!("{before}{end}"))?;
    let ran = run();
    fs::write(file, before)?;
    ran
}
