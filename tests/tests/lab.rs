//! Two labs side by side: every server of each answers for itself, and nothing is left when they are down.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use stackrun_tests::lab::{DOMAIN, Lab, Options, Scratch};
use stackrun_tests::setup::{self, Need};

/// An application small enough to be made quickly, with one requirement so that the whole way is gone.
const APP: &str = r#"
import http.server, urllib.request, ssl, os
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        try:
            url = open("/config/url").read()
            body = urllib.request.urlopen(url, timeout=5).read()
        except Exception as error:
            body = repr(error).encode()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Page).serve_forever()
"#;
const IMAGE: &str = "example.org/lab/probe:1";

fn probe_app(folder: &Path) -> Result<PathBuf> {
    let app = folder.join("probe");
    fs::create_dir_all(&app)?;
    fs::write(app.join("probe.py"), APP)?;
    fs::write(app.join("requirements.txt"), "idna==3.10\n")?;
    fs::write(
        app.join("image.toml"),
        format!(
            "tag = {IMAGE:?}\ncopy_to = \"/app\"\nworkdir = \"/app\"\ncmd = [\"python3\", \"probe.py\"]\n[env]\nPYTHONUNBUFFERED = \"1\"\n"
        ),
    )?;
    Ok(app)
}

fn output(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {} {said}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[test]
fn two_labs_side_by_side() -> Result<()> {
    setup::ensure(&[Need::Lab], &mut |line| eprintln!("{line}"))?;
    let folder = tempfile::tempdir()?;
    let options = Options { apps: vec![probe_app(folder.path())?], log_statements: true, ..Options::default() };
    let started = Instant::now();
    let (one, two) = std::thread::scope(|scope| {
        let two = scope.spawn(|| Scratch::up(&options));
        let one = Scratch::up(&options);
        (one, two.join())
    });
    let (one, two) = (one?, two.map_err(|_| anyhow::anyhow!("panicked"))??);
    eprintln!("two labs were up after {:?}", started.elapsed());
    ensure!(one.slot != two.slot);

    for lab in [&one, &two] {
        database(lab)?;
        containers(lab)?;
        gateway_and_provider(lab)?;
        host_files(lab)?;
    }
    published_ports_and_addresses_do_not_meet(&one, &two)?;
    restart_and_validation(&one)?;

    let (traces_one, traces_two) = (Traces::of(&one)?, Traces::of(&two)?);
    one.down()?;
    traces_one.are_gone()?;
    // The other is untouched by that.
    database(&two)?;
    ensure!(probe(&two)?.contains("authorization_endpoint"), "the other lab's container lost its network");
    two.down()?;
    traces_two.are_gone()
}

/// What a lab that is up has on the machine, to be looked for when it is down.
struct Traces {
    dir: PathBuf,
    bridge: PathBuf,
    container_process: PathBuf,
}

impl Traces {
    fn of(lab: &Lab) -> Result<Self> {
        let id = output(lab.podman.command().args(["inspect", "probe", "--format", "{{.State.Pid}}"]))?;
        let traces = Self {
            dir: lab.dir.clone(),
            bridge: Path::new("/sys/class/net").join(&lab.podman.bridge),
            container_process: Path::new("/proc").join(id),
        };
        ensure!(traces.bridge.exists() && traces.container_process.exists(), "while the lab is up both are there");
        ensure!(!traces.processes()?.is_empty() && traces.mounts()?.len() > 1);
        Ok(traces)
    }

    fn processes(&self) -> Result<Vec<String>> {
        let all = output(Command::new("ps").args(["-eo", "stat=,args="]))?;
        let dir = format!("{}/", self.dir.display());
        Ok(all.lines().filter(|line| !line.starts_with('Z') && line.contains(&dir)).map(str::to_owned).collect())
    }

    fn mounts(&self) -> Result<Vec<String>> {
        let dir = format!("{}/", self.dir.display());
        Ok(fs::read_to_string("/proc/self/mounts")?
            .lines()
            .filter(|line| line.contains(&dir))
            .map(str::to_owned)
            .collect())
    }

    fn are_gone(&self) -> Result<()> {
        let (processes, mounts) = (self.processes()?, self.mounts()?);
        ensure!(processes.is_empty(), "still running: {processes:#?}");
        ensure!(mounts.is_empty(), "still mounted: {mounts:#?}");
        ensure!(!self.container_process.exists(), "the container still runs");
        ensure!(!self.bridge.exists(), "{} is still there", self.bridge.display());
        ensure!(!self.dir.exists(), "{} is still there", self.dir.display());
        Ok(())
    }
}

fn database_answers(lab: &Lab) -> Result<()> {
    let answer = lab.postgres.sql("postgres", "SELECT 6 * 7")?;
    ensure!(answer == "42", "{answer}");
    Ok(())
}

fn database(lab: &Lab) -> Result<()> {
    database_answers(lab)?;
    ensure!(lab.postgres.sql("postgres", "SHOW port")? == lab.postgres.port.to_string());
    ensure!(lab.postgres.sql("postgres", "SHOW listen_addresses")? == "*");
    let containers = lab
        .postgres
        .sql("postgres", "SELECT count(*) FROM pg_hba_file_rules WHERE error IS NOT NULL OR address LIKE '10.%'")?;
    ensure!(containers == "0", "the rules must be good ones, with none for containers");
    let log = fs::read_to_string(&lab.postgres.log)?;
    ensure!(log.contains("SELECT 6 * 7"), "log_statements was asked for");
    Ok(())
}

fn containers(lab: &Lab) -> Result<()> {
    let version = lab.podman.version()?;
    ensure!(version.starts_with(|digit: char| digit.is_ascii_digit()), "{version}");
    let images = output(lab.podman.command().args(["images", "--format", "{{.Repository}}:{{.Tag}}"]))?;
    ensure!(images == IMAGE, "{images}");
    ensure!(output(lab.podman.command().args(["ps", "--all", "--quiet"]))?.is_empty());

    let config = lab.dir.join("data/probe");
    fs::create_dir_all(&config)?;
    let auth = format!("auth.{DOMAIN}");
    fs::write(config.join("url"), lab.caddy.url(&auth) + "/.well-known/openid-configuration")?;
    let ca = lab.caddy.ca_bundle.parent().context("the bundle is in a folder")?;
    output(
        lab.podman
            .command()
            .args([
                "run",
                "--detach",
                "--name",
                "probe",
                "--publish",
                &format!("{}:16366:8000", lab.podman.publish_address),
            ])
            .args(["--add-host", &format!("{auth}:{}", lab.podman.gateway), "--env", "SSL_CERT_FILE=/ca/bundle.pem"])
            .args(["--volume", &format!("{}:/config", config.display()), "--volume", &format!("{}:/ca", ca.display())])
            .arg(IMAGE),
    )?;
    let answer = probe(lab)?;
    ensure!(
        answer.contains(&format!("\"{}\"", lab.idp.issuer)),
        "a container must reach the provider by its own address: {answer}"
    );
    Ok(())
}

/// What the container answers: what it got from the provider.
fn probe(lab: &Lab) -> Result<String> {
    let url = format!("http://{}:16366/", lab.podman.publish_address);
    eventually(|| output(Command::new("curl").args(["--fail", "--silent", "--show-error", "--max-time", "8", &url])))
}

/// The first success within ten seconds, or the last failure.
fn eventually(mut ask: impl FnMut() -> Result<String>) -> Result<String> {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        match ask() {
            Err(_) if Instant::now() < end => std::thread::sleep(Duration::from_millis(100)),
            answer => return answer,
        }
    }
}

fn gateway_and_provider(lab: &Lab) -> Result<()> {
    let discovery = lab.caddy.get(&format!("auth.{DOMAIN}"), "/.well-known/openid-configuration")?;
    let discovery: serde_json::Value = serde_json::from_str(&discovery)?;
    ensure!(discovery["issuer"] == lab.idp.issuer.as_str(), "{discovery}");
    ensure!(discovery["registration_endpoint"] == lab.idp.registration_endpoint.as_str(), "{discovery}");
    ensure!(lab.caddy.get(&format!("wiki.{DOMAIN}"), "/")? == "the operator's wiki");

    fs::write(lab.caddy.sites.join("new.caddy"), format!("new.{DOMAIN} {{\n\trespond \"new\"\n}}\n"))?;
    lab.caddy.reload()?;
    // A new site's certificate is made after the reload has returned; until then the handshake fails.
    ensure!(eventually(|| lab.caddy.get(&format!("new.{DOMAIN}"), "/"))? == "new");
    fs::remove_file(lab.caddy.sites.join("new.caddy"))?;
    lab.caddy.reload()?;

    let all = output(Command::new("ps").args(["-eo", "user:32=,args="]))?;
    let caddyfile = lab.caddy.caddyfile.display().to_string();
    let servers: Vec<&str> = all.lines().filter(|line| line.ends_with(&caddyfile)).collect();
    ensure!(servers.len() == 1 && servers[0].starts_with(setup::CADDY_USER), "{servers:?}");
    Ok(())
}

fn host_files(lab: &Lab) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    for path in [&lab.host_file, &lab.registration_host_file] {
        let host: toml::Table =
            toml::from_str(&fs::read_to_string(path)?).with_context(|| path.display().to_string())?;
        let connections = host["connection"].as_table().context("connections are a table")?;
        ensure!(connections.len() == 4, "{connections:?}");
        for connection in connections.values() {
            settings_are_known(connection)?;
        }
        ensure!(fs::metadata(path)?.permissions().mode() & 0o077 == 0, "a host file holds commands that run as root");
    }
    let again = Lab::open(&lab.dir)?;
    ensure!(again.postgres.port == lab.postgres.port);
    Ok(())
}

/// stackrun refuses a setting that it doesn't know; what it knows of each kind of connection stands in files.
fn settings_are_known(connection: &toml::Value) -> Result<()> {
    let kind = connection["kind"].as_str().context("a kind is a string")?;
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src");
    let of_room = |room: &str| host.join(format!("capability/{room}/client/{kind}.toml"));
    let own = ["sql", "containers", "http"].map(of_room).into_iter().find(|file| file.is_file());
    let settings = |file: &Path| -> Result<Vec<String>> {
        let schema: toml::Table = toml::from_str(&fs::read_to_string(file)?)?;
        let properties = schema["properties"].as_table().context("properties are a table")?;
        Ok(properties.keys().cloned().collect())
    };
    let (common, own) = (settings(&host.join("host_file/connection.toml"))?, settings(&own.context(kind.to_owned())?)?);
    for setting in connection.as_table().context("a connection is a table")?.keys() {
        ensure!(common.contains(setting) || own.contains(setting), "{kind} has no setting {setting}");
    }
    Ok(())
}

fn published_ports_and_addresses_do_not_meet(one: &Lab, two: &Lab) -> Result<()> {
    let address = |lab: &Lab| {
        output(lab.podman.command().args([
            "inspect",
            "probe",
            "--format",
            "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
        ]))
    };
    ensure!(address(one)? != address(two)?);
    ensure!(probe(one)?.contains(&one.idp.issuer) && probe(two)?.contains(&two.idp.issuer));
    Ok(())
}

fn restart_and_validation(lab: &Lab) -> Result<()> {
    output(&mut Command::new(&lab.idp.validate))?;
    lab.idp.restart()?;
    fs::write(&lab.idp.clients_fragment, "- no_such_key: 1\n")?;
    let refused = output(&mut Command::new(&lab.idp.validate));
    ensure!(
        refused.is_err_and(|error| error.to_string().contains("no_such_key")),
        "an unknown key must be refused by name"
    );
    let refused = lab.idp.restart();
    ensure!(refused.is_err_and(|error| format!("{error:#}").contains("no_such_key")), "so must a restart with it");
    fs::write(&lab.idp.clients_fragment, "")?;
    lab.idp.restart()?;
    lab.caddy.get(&format!("auth.{DOMAIN}"), "/.well-known/openid-configuration").map(|_| ())
}

#[test]
fn a_lab_is_replaced_where_it_is_and_goes_away_after_its_servers_were_killed() -> Result<()> {
    setup::ensure(&[Need::Lab, Need::Browser], &mut |line| eprintln!("{line}"))?;
    let first = Scratch::up(&Options::default())?;
    let second = Lab::up(&first.dir)?;
    database_answers(&second)?;
    applications(&second)?;
    media(&second)?;
    browser(&second)?;
    let postmaster = fs::read_to_string(second.postgres.data.join("postmaster.pid"))?;
    let postmaster = postmaster.lines().next().context("a postmaster.pid has lines")?.to_owned();
    output(Command::new("kill").args(["-9", &postmaster]))?;
    for process in second.processes()?.iter().filter(|process| process.starts_with("podman")) {
        let id = process.trim_end_matches(')').rsplit('(').next().context("name (id)")?.to_owned();
        output(Command::new("kill").args(["-9", &id]))?;
    }
    Lab::down(&second.dir)?;
    ensure!(!second.dir.exists() && second.processes()?.is_empty());
    ensure!(Lab::down(&second.dir).is_err_and(|error| format!("{error:#}").contains("no lab in")));
    Ok(())
}

/// Every application of the checkout is there as an image, and its command is one.
fn applications(lab: &Lab) -> Result<()> {
    let images = output(lab.podman.command().args(["images", "--format", "{{.Repository}}:{{.Tag}}"]))?;
    let apps = Options::default().apps;
    ensure!(apps.len() >= 2 && images.lines().count() == apps.len(), "{images}");
    for image in images.lines() {
        let command =
            output(lab.podman.command().args(["image", "inspect", image, "--format", "{{index .Config.Cmd 0}}"]))?;
        // Not `run --rm`: where nobody reaps orphans quickly, that waits 20 s for Podman's own helper.
        output(lab.podman.command().args([
            "run",
            "--detach",
            "--name",
            "app",
            "--network",
            "none",
            image,
            "sleep",
            "60",
        ]))?;
        output(lab.podman.command().args(["exec", "app", "test", "-x", &command]))
            .with_context(|| format!("{image} has no program {command}"))?;
        output(lab.podman.command().args(["rm", "--force", "--time", "0", "app"]))?;
    }
    Ok(())
}

/// A browser gets to a site by its name, with the certificate checked: one that does not know the authority refuses.
fn browser(lab: &Lab) -> Result<()> {
    let site = lab.caddy.url(&format!("wiki.{DOMAIN}"));
    let page = output(lab.chromium()?.args(["--dump-dom", &site]))?;
    ensure!(page.contains("the operator's wiki"), "{page}");
    let elsewhere = tempfile::tempdir()?;
    let mut stranger = lab.chromium()?;
    stranger.env("HOME", elsewhere.path()).arg(format!("--user-data-dir={}", elsewhere.path().join("p").display()));
    let refused = stranger.args(["--dump-dom", &site]).output()?;
    let (page, said) = (String::from_utf8_lossy(&refused.stdout), String::from_utf8_lossy(&refused.stderr));
    ensure!(!page.contains("the operator's wiki"), "a browser that does not know the authority trusts it: {page}");
    // ERR_CERT_AUTHORITY_INVALID.
    ensure!(said.contains("net_error -202"), "it did not refuse for the certificate: {said}");
    Ok(())
}

fn media(lab: &Lab) -> Result<()> {
    use std::os::unix::fs::MetadataExt;
    let (file, folder) = (fs::metadata(&lab.media_file)?, fs::metadata(lab.dir.join("media"))?);
    ensure!(file.uid() != folder.uid() && file.uid() != 0, "the file must have an owner of its own");
    Ok(())
}

#[test]
fn a_lab_that_can_not_start_says_why_and_leaves_nothing() -> Result<()> {
    setup::ensure(&[Need::Lab], &mut |line| eprintln!("{line}"))?;
    let folder = tempfile::Builder::new().prefix("stackrun-lab-bad-").tempdir()?;
    fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let broken = folder.path().join("idp");
    fs::create_dir(&broken)?;
    fs::write(broken.join("package.json"), r#"{"name":"broken","version":"1.0.0"}"#)?;
    fs::write(
        broken.join("package-lock.json"),
        r#"{"name":"broken","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"broken","version":"1.0.0"}}}"#,
    )?;
    fs::write(broken.join("server.js"), "console.error('no such realm'); process.exit(1)")?;
    let dir = folder.path().join("lab");
    let options = Options { apps: Vec::new(), idp: broken, ..Options::default() };
    let error = Lab::up_with(&dir, &options).err().context("a provider that exits must fail the lab")?;
    let message = format!("{error:#}");
    ensure!(message.contains("the identity provider") && message.contains("no such realm"), "{message}");
    ensure!(!dir.exists(), "{} is still there", dir.display());
    ensure!(
        output(Command::new("ps").args(["-eo", "args="]))?
            .lines()
            .all(|line| !line.contains(&format!("{}/", dir.display())))
    );
    Ok(())
}
