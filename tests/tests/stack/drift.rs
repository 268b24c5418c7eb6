//! What somebody changed by hand is found, named, and repaired, and leaves nothing to do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use stackrun_tests::by_hand::{edit, without_blocks};
use stackrun_tests::lab::{Lab, Options, Scratch};
use stackrun_tests::stack::{DONE, PENDING, Stack, domain, text};

#[test]
fn each_change_by_hand_is_found_and_repaired() -> Result<()> {
    let lab = Scratch::up(&Options::default())?;
    let stack = with_a_secret_file(&Stack::in_test(&lab)?.on_copies(&lab)?)?;
    stack.quietly("apply", &["--yes"], DONE)?;
    stack.nothing_to_do()?;
    asked_once(&stack)?;
    let drift = Drift { lab: &lab, stack: &stack };
    drift.of_the_database()?;
    drift.of_the_container()?;
    drift.of_files()?;
    drift.of_the_site()?;
    drift.of_the_client()?;
    drift.repaired_for_nobody()?;
    lab.down()
}

/// The example, with a file that holds a secret for some other program.
fn with_a_secret_file(stack: &Stack) -> Result<Stack> {
    let file =
        "render = [{ path = \"${host.data}/backup/env\", values = { PASSWORD = \"${secret.admin_password}\" } }]\n";
    edit(&stack.spec, |spec| spec.replace("[postgres.mediamanager]", &format!("{file}\n[postgres.mediamanager]")))?;
    Ok(stack.clone())
}

/// A plan asks servers ahead what the one before had to know, and nothing twice.
fn asked_once(stack: &Stack) -> Result<()> {
    let said = stack.quietly("plan", &["--log", "stackrun=debug"], DONE)?;
    let log = text(&said.stderr);
    let (ahead, later) = log.split_once("asking the plugins").context("the log does not say when plugins are asked")?;
    let questions = |part: &str| -> Vec<String> {
        let lines = part.lines().filter_map(|line| line.split_once("DEBUG ").map(|(_, said)| said.to_owned()));
        lines.filter(|said| said.starts_with("SQL ") || said.starts_with("HTTP ")).collect()
    };
    ensure!(!questions(ahead).is_empty(), "nothing was asked ahead: {log}");
    let mut all = [questions(ahead), questions(later)].concat();
    let count = all.len();
    // Both files about who may log in are read by the same statement.
    all.retain(|question| !question.contains("pg_read_binary_file"));
    all.sort();
    all.dedup();
    ensure!(all.len() + 2 == count, "something was asked twice: {log}");
    Ok(())
}

struct Drift<'a> {
    lab: &'a Lab,
    stack: &'a Stack,
}

impl Drift<'_> {
    /// Makes a change, and expects that `status` names the instance and says the words.
    fn repaired(&self, instance: &str, words: &str, make: impl FnOnce() -> Result<()>) -> Result<()> {
        let what = || format!("drift of {instance}: {words}");
        make().with_context(what)?;
        let status = self.stack.status().with_context(what)?;
        for one in &status {
            let found = one.status != "ok" && one.drift.iter().any(|line| line.contains(words));
            ensure!(found == (one.instance == instance), "{}: status says {status:#?}", what());
        }
        let shown = self.stack.quietly("status", &["--detailed-exitcode"], PENDING).with_context(what)?;
        ensure!(text(&shown.stdout).contains(words), "{}: a person reads {}", what(), text(&shown.stdout));
        let plan = self.stack.quietly("plan", &["--detailed-exitcode"], PENDING).with_context(what)?;
        let reason = words.rsplit(": ").next().unwrap_or(words);
        ensure!(text(&plan.stdout).contains(reason), "{}: the plan says {}", what(), text(&plan.stdout));
        self.stack.quietly("apply", &["--yes"], DONE).with_context(what)?;
        self.stack.nothing_to_do().with_context(what)
    }

    fn of_the_database(&self) -> Result<()> {
        let (sql, hba) = (|sql: &str| self.lab.postgres.sql("postgres", sql).map(drop), &self.lab.postgres.hba);
        let postgres = "postgres.mediamanager";
        self.repaired(postgres, "role mediamanager: its password is another one", || {
            sql("alter role mediamanager password 'another'")
        })?;
        self.repaired(postgres, "database mediamanager: it belongs to postgres", || {
            sql("alter database mediamanager owner to postgres")
        })?;
        self.repaired(postgres, "rules mediamanager to mediamanager: the lines are not what they should be", || {
            edit(hba, |old| old.replace("scram-sha-256\n# <<<", "trust\n# <<<"))
        })?;
        self.repaired(postgres, "rules mediamanager to mediamanager: no rule lets it in", || edit(hba, without_blocks))
    }

    /// Who reads the events may go away in the middle; the run does not.
    fn repaired_for_nobody(&self) -> Result<()> {
        self.lab.podman.run(&["stop", "mediamanager"])?;
        let (reader, writer) = std::io::pipe()?;
        drop(reader);
        let ended = self.stack.command("apply", &["--yes", "--json"]).stdout(writer).status()?;
        ensure!(ended.code() == Some(DONE), "apply without a reader ended with {ended}");
        self.stack.nothing_to_do()
    }

    fn of_the_container(&self) -> Result<()> {
        let podman = |arguments: &[&str]| self.lab.podman.run(arguments).map(drop);
        let container = "container.mediamanager";
        self.repaired(container, "container mediamanager: it is not running", || podman(&["stop", "mediamanager"]))?;
        self.repaired(container, "container mediamanager: there is no such container", || {
            podman(&["rm", "--force", "mediamanager"])
        })?;
        self.repaired(container, "container mediamanager: it differs in env.BY_HAND", || self.recreate_by_hand())?;
        let left = self.lab.podman.run(&["inspect", "--format", "{{.Config.Env}}", "mediamanager"])?;
        ensure!(!left.contains("BY_HAND"), "the variable of the hand-made container is left: {left}");
        Ok(())
    }

    /// As somebody would who wants to try a setting: the same container, labels included, with one more variable.
    fn recreate_by_hand(&self) -> Result<()> {
        let podman = &self.lab.podman;
        let told: Value = serde_json::from_str(&podman.run(&["inspect", "mediamanager"])?)?;
        let (config, host) = (&told[0]["Config"], &told[0]["HostConfig"]);
        let mut create = vec!["create".to_owned(), "--name=mediamanager".to_owned(), "--env=BY_HAND=yes".to_owned()];
        for (name, value) in config["Labels"].as_object().context("the container has no labels")? {
            create.push(format!("--label={name}={}", value.as_str().unwrap_or_default()));
        }
        for bind in host["Binds"].as_array().context("the container has no volumes")? {
            create.push(format!("--volume={}", bind.as_str().unwrap_or_default()));
        }
        for line in host["ExtraHosts"].as_array().context("the container has no hosts")? {
            create.push(format!("--add-host={}", line.as_str().unwrap_or_default()));
        }
        for (port, bound) in host["PortBindings"].as_object().context("the container has no ports")? {
            let text = |name: &str| bound[0][name].as_str().unwrap_or_default().to_owned();
            create.push(format!("--publish={}:{}:{port}", text("HostIp"), text("HostPort")));
        }
        for variable in config["Env"].as_array().context("the container has no variables")? {
            let variable = variable.as_str().unwrap_or_default();
            if variable.starts_with("SSL_CERT_FILE=") {
                create.push(format!("--env={variable}"));
            }
        }
        create.push("--restart=always".to_owned());
        create.push(told[0]["ImageName"].as_str().context("the container has no image")?.to_owned());
        podman.run(&["rm", "--force", "mediamanager"])?;
        podman.run(&create.iter().map(String::as_str).collect::<Vec<_>>())?;
        podman.run(&["start", "mediamanager"]).map(drop)
    }

    fn of_files(&self) -> Result<()> {
        let config = self.lab.dir.join("data/config/config.toml");
        let named = |path: &Path, words: &str| format!("file {}: {words}", path.display());
        let mode =
            |path: &Path, mode| -> Result<()> { Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?) };
        let container = "container.mediamanager";
        let differs = "container mediamanager: its configuration differs";
        self.repaired(container, differs, || edit(&config, |old| format!("{old}\n# by hand\n")))?;
        self.repaired(container, differs, || mode(&config, 0o644))?;
        let secret = self.lab.dir.join("data/backup/env");
        let of_secret = "secret.mediamanager";
        self.repaired(of_secret, &named(&secret, "its mode is another one"), || mode(&secret, 0o444))?;
        ensure!(fs::metadata(&secret)?.permissions().mode() & 0o777 == 0o600, "the secret's file is not closed again");
        self.repaired(of_secret, &named(&secret, "its content is another one"), || {
            edit(&secret, |_| "PASSWORD=another\n".to_owned())
        })
    }

    fn of_the_site(&self) -> Result<()> {
        let site = self.lab.caddy.sites.join(format!("{}.caddy", domain(&self.lab.domain)));
        let named = |words: &str| format!("site {}: {words}", domain(&self.lab.domain));
        let gateway = "gateway.mediamanager";
        self.repaired(gateway, &named("the site file is another one"), || {
            edit(&site, |old| format!("{old}\n# by hand\n"))
        })?;
        self.repaired(gateway, &named(&format!("{} is not served yet", domain(&self.lab.domain))), || {
            Ok(fs::remove_file(&site)?)
        })
    }

    fn of_the_client(&self) -> Result<()> {
        let clients = &self.lab.idp.clients_fragment;
        let named = |words: &str| format!("client mediamanager/oidc.mediamanager: {words}");
        let oidc = "oidc.mediamanager";
        self.repaired(oidc, &named("the provider's client list has no such client"), || edit(clients, without_blocks))?;
        self.repaired(oidc, &named("the client is another one"), || {
            edit(clients, |old| old.replace("oauth/callback", "x"))
        })
    }
}
