//! The whole path on real servers: from nothing to a stack that works, twice; drift found and repaired; a saved plan; a
//! run killed in the middle; and everything taken away again without losing data.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use stackrun_tests::lab::{Lab, Options, Scratch};
use stackrun_tests::sign_in::Visitor;
use stackrun_tests::stack::{Stack, domain};

const DONE: i32 = 0;
const PENDING: i32 = 2;
const STALE: i32 = 4;
const UNPROVEN: i32 = 7;

#[test]
fn from_nothing_to_a_stack_that_works_and_back() -> Result<()> {
    let lab = Scratch::up(&Options::default())?;
    let stack = Stack::in_test(&lab)?;
    let before = Machine::look(&lab)?;

    stack.quietly("check", &[], DONE)?;
    let refused = stack.quietly("apply", &[], 1)?;
    ensure!(text(&refused.stderr).contains("--yes"), "without a terminal it refuses: {}", text(&refused.stderr));
    stack.quietly("apply", &["--yes"], DONE)?;
    nothing_to_do(&stack)?;
    stack.quietly("verify", &[], DONE)?;
    people_can_sign_in_and_default_passwords_do_not(&lab)?;
    forged_headers_do_not_arrive(&lab)?;
    ensure!(fs::metadata(&lab.media_file)?.uid() == before.media_owner, "the media library was re-owned");

    drift_is_found_and_repaired(&lab, &stack)?;
    a_saved_plan_runs_as_reviewed_or_not_at_all(&lab, &stack)?;
    a_wrong_password_leaves_the_old_container_serving(&lab, &stack)?;
    a_killed_run_is_recovered(&lab, &stack)?;

    let config = rendered_config(&lab)?;
    stack.quietly("destroy", &["--yes"], DONE)?;
    Machine::look(&lab)?.same_as(&before)?;
    ensure!(databases(&lab)?.contains("mediamanager"), "destroy took the database without being asked for it");
    stack.quietly("apply", &["--yes"], DONE)?;
    ensure!(rendered_config(&lab)? == config, "secrets were generated again after destroy");
    stack.quietly("destroy", &["--yes", "--delete-data", "postgres.mediamanager"], DONE)?;
    ensure!(!databases(&lab)?.contains("mediamanager"), "the database was named, and is still there");
    lab.down()
}

/// What a stack changes of a machine, as it was before.
struct Machine {
    hba: String,
    sites: Vec<String>,
    clients: String,
    containers: String,
    media_owner: u32,
}

impl Machine {
    fn look(lab: &Lab) -> Result<Self> {
        let mut sites = Vec::new();
        for entry in fs::read_dir(&lab.caddy.sites)? {
            sites.push(entry?.file_name().to_string_lossy().into_owned());
        }
        sites.sort();
        let podman = lab.podman.command().args(["ps", "--all", "--format", "{{.Names}}"]).output()?;
        Ok(Self {
            hba: fs::read_to_string(&lab.postgres.hba)?,
            sites,
            clients: fs::read_to_string(&lab.idp.clients_fragment).unwrap_or_default(),
            containers: text(&podman.stdout),
            media_owner: fs::metadata(&lab.media_file)?.uid(),
        })
    }

    fn same_as(&self, before: &Self) -> Result<()> {
        ensure!(self.hba == before.hba, "pg_hba.conf is not as it was:\n{}", self.hba);
        ensure!(self.sites == before.sites, "sites are left: {:?}", self.sites);
        ensure!(self.clients == before.clients, "clients are left:\n{}", self.clients);
        ensure!(self.containers == before.containers, "containers are left: {}", self.containers);
        Ok(())
    }
}

fn nothing_to_do(stack: &Stack) -> Result<()> {
    stack.quietly("plan", &["--detailed-exitcode"], DONE).map(drop).context("there is something left to do")
}

fn people_can_sign_in_and_default_passwords_do_not(lab: &Lab) -> Result<()> {
    let url = lab.caddy.url(&domain(&lab.domain));
    let person = lab.idp.users.first().context("the lab's provider knows nobody")?;
    let mail = Visitor::new(lab)?.sign_in(&url, person)?;
    ensure!(mail == person.email, "signed in as {mail}");
    let login =
        ["--data", "username=me@arsfeld.one&password=admin", "--write-out", "%{http_code}", "--output", "/dev/null"];
    let address = format!("{url}/api/v1/auth/jwt/login");
    let answer = lab.caddy.curl(&domain(&lab.domain)).args(login).arg(&address).output()?;
    ensure!(text(&answer.stdout).ends_with("400"), "the default password signs in: {}", text(&answer.stdout));
    Ok(())
}

/// Spellings that some server takes for `Remote-User`: names have no case, and for WSGI `_` is as good as `-`.
const FORGED: &[&str] = &["Remote-User", "remote-user", "REMOTE_USER", "Remote_User", "remote-User", "Remote-Groups"];

fn forged_headers_do_not_arrive(lab: &Lab) -> Result<()> {
    let is_forged = |(name, value): &&(String, String)| {
        name.to_ascii_lowercase().replace('_', "-").starts_with("remote-") || value.contains("root")
    };
    let past_the_gateway = format!("http://{}:16366", lab.podman.publish_address);
    let arrived = headers_that_arrive(lab, &past_the_gateway)?;
    let forged = arrived.iter().filter(is_forged).count();
    ensure!(forged == FORGED.len(), "the application is not shown what is sent: {arrived:?}");
    let arrived = headers_that_arrive(lab, &lab.caddy.url(&domain(&lab.domain)))?;
    ensure!(!arrived.iter().any(|header| is_forged(&header)), "a forged header arrived: {arrived:?}");
    Ok(())
}

/// Sends forged headers, and one that may pass, and asks the application which have arrived, with their values.
fn headers_that_arrive(lab: &Lab, origin: &str) -> Result<Vec<(String, String)>> {
    let mut curl = lab.caddy.curl(&domain(&lab.domain));
    for name in FORGED {
        curl.args(["--header", &format!("{name}: root")]);
    }
    curl.args(["--header", "X-Of-This-Request: arrived"]);
    let answer = curl.arg(format!("{origin}/api/v1/debug/headers")).output()?;
    ensure!(answer.status.success(), "the headers can't be asked for: {}", text(&answer.stderr));
    let arrived: Vec<(String, String)> = serde_json::from_slice(&answer.stdout)
        .with_context(|| format!("these are not the headers that arrived: {}", text(&answer.stdout)))?;
    let may_pass = ("x-of-this-request".to_owned(), "arrived".to_owned());
    ensure!(arrived.contains(&may_pass), "the header that may pass did not: {arrived:?}");
    Ok(arrived)
}

/// Each of these, made by hand, is found, repaired, and leaves nothing to do.
fn drift_is_found_and_repaired(lab: &Lab, stack: &Stack) -> Result<()> {
    let (site, config) = (site_file(lab)?, config_file(lab));
    let podman = |arguments: &[&str]| -> Result<()> {
        let output = lab.podman.command().args(arguments).output()?;
        ensure!(output.status.success(), "podman {arguments:?}: {}", text(&output.stderr));
        Ok(())
    };
    let repaired = |what: &str, drift: &dyn Fn() -> Result<()>| -> Result<()> {
        drift().with_context(|| format!("making the drift: {what}"))?;
        let found = || format!("drift: {what}");
        stack.quietly("plan", &["--detailed-exitcode"], PENDING).with_context(found)?;
        stack.quietly("apply", &["--yes"], DONE).with_context(found)?;
        nothing_to_do(stack).with_context(found)
    };
    let sql = |sql: &str| lab.postgres.sql("postgres", sql).map(drop);
    repaired("the role's password", &|| sql("alter role mediamanager password 'another'"))?;
    repaired("the database's owner", &|| sql("alter database mediamanager owner to postgres"))?;
    repaired("the hba block edited", &|| {
        edit(&lab.postgres.hba, |old| old.replace("scram-sha-256\n# <<<", "trust\n# <<<"))
    })?;
    repaired("the hba block removed", &|| edit(&lab.postgres.hba, without_block))?;
    repaired("the container stopped", &|| podman(&["stop", "mediamanager"]))?;
    repaired("the container removed", &|| podman(&["rm", "--force", "mediamanager"]))?;
    repaired("the rendered configuration edited", &|| edit(&config, |old| old + "\n# by hand\n"))?;
    repaired("the site file edited", &|| edit(&site, |old| old + "\n# by hand\n"))?;
    repaired("the site file removed", &|| Ok(fs::remove_file(&site)?))?;
    repaired("the client removed", &|| edit(&lab.idp.clients_fragment, without_block))?;
    repaired("the client's redirect changed", &|| {
        edit(&lab.idp.clients_fragment, |old| old.replace("oauth/callback", "x"))
    })?;
    repaired("the configuration's mode changed", &|| {
        Ok(fs::set_permissions(&config, fs::Permissions::from_mode(0o644))?)
    })
}

fn a_saved_plan_runs_as_reviewed_or_not_at_all(lab: &Lab, stack: &Stack) -> Result<()> {
    let saved = lab.dir.join("plan.json");
    let path = saved.to_str().context("the lab's folder has a plain name")?;
    edit(&lab.postgres.hba, without_block)?;
    stack.quietly("plan", &["-o", path], DONE)?;
    edit(&site_file(lab)?, |old| old + "\n# by hand\n")?;
    let stale = std::process::Command::new(&stack.stackrun).args(["apply", path]).output()?;
    ensure!(stale.status.code() == Some(STALE), "a stale plan: {} {}", stale.status, text(&stale.stderr));
    ensure!(text(&stale.stderr).contains("gateway.mediamanager"), "what changed is not named: {}", text(&stale.stderr));
    ensure!(!fs::read_to_string(&lab.postgres.hba)?.contains(">>> stackrun"), "a stale plan changed something");
    stack.quietly("plan", &["-o", path], DONE)?;
    let ran = std::process::Command::new(&stack.stackrun).args(["apply", path]).output()?;
    ensure!(ran.status.success(), "the reviewed plan: {}", text(&ran.stderr));
    fs::remove_file(&saved)?;
    nothing_to_do(stack)
}

/// A password that the application's configuration can't know makes the replacement fail, and the old one serves on.
fn a_wrong_password_leaves_the_old_container_serving(lab: &Lab, stack: &Stack) -> Result<()> {
    let id = || -> Result<String> {
        let output = lab
            .podman
            .command()
            .args(["inspect", "--format", "{{.Id}} {{.State.Running}}", "mediamanager"])
            .output()?;
        Ok(text(&output.stdout))
    };
    let before = id()?;
    lab.postgres.sql("postgres", "alter role mediamanager password 'another'")?;
    let failed = stack.quietly(
        "apply",
        &["--yes", "--only", "container.mediamanager", "--set", "container.mediamanager.memory=900M"],
        UNPROVEN,
    )?;
    let said = text(&failed.stderr);
    ensure!(said.contains("password authentication failed"), "the reason is missing: {said}");
    ensure!(id()? == before, "the old container is not serving: {} was {before}", id()?);
    stack.quietly("apply", &["--yes"], DONE)?;
    nothing_to_do(stack)
}

fn a_killed_run_is_recovered(lab: &Lab, stack: &Stack) -> Result<()> {
    let memory = ["--yes", "--json", "--set", "container.mediamanager.memory=800M"];
    // Stopping the old container and starting the new one are in the middle of a replacement; removing the old one is
    // past the point of no return.
    for moment in ["stop container", "start container", "remove container"] {
        kill_when(stack, &memory, moment)?;
        stack.quietly("apply", &["--yes"], DONE).with_context(|| format!("after a kill at: {moment}"))?;
        nothing_to_do(stack)?;
        let names = lab.podman.command().args(["ps", "--all", "--format", "{{.Names}}"]).output()?;
        ensure!(text(&names.stdout).trim() == "mediamanager", "left over after {moment}: {}", text(&names.stdout));
    }
    Ok(())
}

/// Kills an apply when it reports that a step of this kind begins.
fn kill_when(stack: &Stack, arguments: &[&str], moment: &str) -> Result<()> {
    use std::io::{BufRead, BufReader};
    let mut run = stack
        .command("apply", arguments)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()?;
    let out = BufReader::new(run.stdout.take().context("apply has no output")?);
    let start = Instant::now();
    for line in out.lines() {
        let line = line?;
        if line.contains("step-began") && line.contains(moment) {
            run.kill()?;
            run.wait()?;
            return Ok(());
        }
        ensure!(start.elapsed() < Duration::from_secs(120), "apply never came to: {moment}");
    }
    anyhow::bail!("apply ended before it came to: {moment}")
}

fn edit(path: &Path, change: impl Fn(String) -> String) -> Result<()> {
    let old = fs::read_to_string(path).with_context(|| format!("{} can't be read", path.display()))?;
    let new = change(old.clone());
    ensure!(old != new, "the edit of {} changes nothing", path.display());
    // In place, so that owner and mode stay.
    Ok(fs::write(path, new)?)
}

fn without_block(old: String) -> String {
    let mut inside = false;
    let kept = old.lines().filter(|line| {
        inside |= line.contains(">>> stackrun");
        let keep = !inside;
        inside &= !line.contains("<<< stackrun");
        keep
    });
    kept.map(|line| format!("{line}\n")).collect()
}

fn site_file(lab: &Lab) -> Result<std::path::PathBuf> {
    let mut entries = fs::read_dir(&lab.caddy.sites)?.filter_map(Result::ok).map(|entry| entry.path());
    entries.find(|path| path.to_string_lossy().contains("mediamanager")).context("there is no site file")
}

fn config_file(lab: &Lab) -> std::path::PathBuf {
    lab.dir.join("data/config/config.toml")
}

fn rendered_config(lab: &Lab) -> Result<String> {
    Ok(fs::read_to_string(config_file(lab))?)
}

fn databases(lab: &Lab) -> Result<String> {
    lab.postgres.sql("postgres", "select string_agg(datname, ' ') from pg_database")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
