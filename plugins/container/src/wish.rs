//! What a section asks for, with what the contract and the connection add to it.

use stackrun_plugin::{
    Section,
    containers::{Definition, RestartPolicy},
    literal,
    types::{Diagnostic, Instance, Text},
};

use crate::{
    amount,
    app::{App, Health},
    document::{self, Document},
    volume::{self, Volume},
};

/// A container, and the file that it reads.
pub struct Wish {
    /// Its connection's name; empty offline.
    pub connection: String,
    pub name: String,
    pub image: String,
    pub command: Option<Vec<String>>,
    pub entrypoint: Option<Vec<String>>,
    pub environment: Vec<(String, Text)>,
    pub labels: Vec<(String, String)>,
    pub listen_port: Option<u16>,
    /// Host and container port of each published one, `listen_port` first.
    pub ports: Vec<(u16, u16)>,
    pub volumes: Vec<Volume>,
    pub network: Option<String>,
    pub extra_hosts: Vec<(String, String)>,
    pub restart: RestartPolicy,
    pub user: Option<String>,
    pub read_only_root: bool,
    pub cap_add: Vec<String>,
    pub cap_drop: Vec<String>,
    pub memory: Option<u64>,
    pub document: Option<Document>,
    pub health: Option<Health>,
    /// A folder with certificates, mounted beside the volumes.
    pub trust: Option<Trust>,
}

/// Certificates that the application is to trust.
pub struct Trust {
    /// Folder of this machine.
    pub folder: String,
    /// File in it.
    pub file: String,
    /// Variable that names the file.
    pub variable: String,
}

/// Where the folder with certificates is mounted: a file alone would stay what it was when it is replaced by rename.
pub const TRUST_FOLDER: &str = "/etc/stackrun-ca";
/// What Docker understands as the address of the machine; Podman has a name for it by itself, and takes this literally.
const DOCKER_HOST: (&str, &str) = ("host.docker.internal", "host-gateway");

/// When a section is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// In `check` and `outputs`: every reference is a hole, and nothing is known of the machine.
    Spec,
    /// In `plan`: what is still a hole is a secret, or known only later.
    Plan,
}

impl Wish {
    /// The section's wish, and all that is wrong with it, each at its place.
    pub fn of(instance: &Instance, stage: Stage) -> (Self, Vec<Diagnostic>) {
        let section = Section::of(instance);
        let app = App::of(instance);
        let settings = instance.connections.first().filter(|_| stage == Stage::Plan).map(Section::settings);
        let mut problems = Vec::new();
        let reading = Reading { section: &section, instance, stage };
        let name = section.known_or("name", &instance.name, &mut problems);
        let volumes = volume::of(&section, &mut problems);
        let listen_port = section.integer("listen_port").and_then(crate::app::port).or_else(|| app.listen_port());
        let document = document::of(&section, &app).unwrap_or_else(|why| {
            let help = "name a `contract`, or give `config_path` and `config_format`";
            problems.push(section.at("config").error(why).help(help));
            None
        });
        let wish = Self {
            connection: instance.connections.first().map(|connection| connection.name.clone()).unwrap_or_default(),
            image: reading.plain(&section.at("image"), &mut problems).unwrap_or_default(),
            command: reading.words("command", &mut problems),
            entrypoint: reading.words("entrypoint", &mut problems),
            environment: reading.environment(&app, &mut problems),
            labels: reading.labels(&mut problems),
            ports: reading.ports(&name, listen_port, &mut problems),
            extra_hosts: extra_hosts(&section, settings.as_ref()),
            network: section.string("network").or_else(|| settings.as_ref()?.string("network")),
            restart: restart(&section.string_or("restart", "always")),
            user: section.string("user"),
            read_only_root: section.boolean("read_only_root").unwrap_or(false),
            cap_add: reading.capabilities(settings.as_ref(), &mut problems),
            cap_drop: section.items("cap_drop").iter().filter_map(Section::as_string).map(capability).collect(),
            memory: reading.memory(&mut problems),
            health: match section.at("health").string("path") {
                Some(path) => Some(Health::of(&section.at("health"), path)),
                None => app.health(),
            },
            trust: trust(&section, &app, settings.as_ref()),
            name,
            listen_port,
            volumes,
            document,
        };
        (wish, problems)
    }

    /// Where the configuration file is on this machine, once folders are known.
    pub fn document_path(&self) -> Option<String> {
        let path = &self.document.as_ref()?.path;
        volume::around(path, &self.volumes)?.outside(path)
    }

    /// The container under its lasting name.
    pub fn definition(&self) -> Definition {
        let definition = Definition::new(&self.name, &self.image);
        if let Some(command) = &self.command {
            definition.set_command(command);
        }
        if let Some(entrypoint) = &self.entrypoint {
            definition.set_entrypoint(entrypoint);
        }
        for (key, value) in &self.environment {
            definition.add_env(key, value);
        }
        for (key, value) in &self.labels {
            definition.add_label(key, value);
        }
        for (host, container) in &self.ports {
            definition.add_port(*container, None, *host);
        }
        for volume in &self.volumes {
            definition.add_mount(volume.source.as_deref().unwrap_or_default(), &volume.target, volume.read_only);
        }
        if let Some(trust) = &self.trust {
            definition.add_mount(&trust.folder, TRUST_FOLDER, true);
            definition.add_env(&trust.variable, &literal(format!("{TRUST_FOLDER}/{}", trust.file)));
        }
        if let Some(network) = &self.network {
            definition.set_network(network);
        }
        for (name, address) in &self.extra_hosts {
            definition.add_extra_host(name, address);
        }
        definition.set_restart(self.restart);
        if let Some(user) = &self.user {
            definition.set_user(user);
        }
        definition.set_read_only_root(self.read_only_root);
        self.cap_add.iter().for_each(|name| definition.add_capability(name));
        self.cap_drop.iter().for_each(|name| definition.drop_capability(name));
        if let Some(bytes) = self.memory {
            definition.set_memory(bytes);
        }
        definition
    }
}

struct Reading<'a> {
    section: &'a Section<'a>,
    instance: &'a Instance,
    stage: Stage,
}

impl Reading<'_> {
    /// A string for a place that everybody may read. A secret there is an error, a value that is not known yet too.
    fn plain(&self, place: &Section<'_>, problems: &mut Vec<Diagnostic>) -> Option<String> {
        if !place.is_present() {
            return None;
        }
        let known = place.as_string();
        if known.is_none() {
            let secrets = place.as_text().into_iter().flatten().any(|part| self.is_secret(&part));
            if secrets {
                let said = place.error("a secret can't stand here: everybody may read it");
                problems.push(said.help("a secret belongs in the configuration file"));
            } else if self.stage == Stage::Plan {
                let said = place.error("this is known only after some step of this plan, and is needed before");
                problems.push(said.help("write the value itself"));
            }
        }
        known
    }

    fn is_secret(&self, part: &stackrun_plugin::types::Part) -> bool {
        match part {
            stackrun_plugin::types::Part::Reference(reference) => usize::try_from(*reference)
                .ok()
                .and_then(|index| self.instance.references.get(index))
                .is_some_and(|info| info.secret),
            _ => false,
        }
    }

    fn words(&self, field: &str, problems: &mut Vec<Diagnostic>) -> Option<Vec<String>> {
        let place = self.section.at(field);
        let words = place.as_items();
        let words = words.iter().filter_map(|word| self.plain(word, problems)).collect();
        place.is_present().then_some(words)
    }

    fn environment(&self, app: &App<'_>, problems: &mut Vec<Diagnostic>) -> Vec<(String, Text)> {
        let mut variables = Vec::new();
        for (key, place) in self.section.at("environment").entries() {
            let Some(value) = place.as_text() else { continue };
            if key.is_empty() || key.contains(['=', '\0']) {
                problems.push(place.error(format!("`{}` is no name of a variable", key.escape_debug())));
            }
            // With a contract the host has said so already.
            if !app.is_known() && value.iter().any(|part| self.is_secret(part)) {
                let said = place.warning(format!(
                    "the variable `{key}` holds a secret: whoever may inspect the container reads it"
                ));
                problems.push(said.help("write it into a file that the container mounts"));
            }
            variables.push((key.to_owned(), value));
        }
        variables
    }

    fn labels(&self, problems: &mut Vec<Diagnostic>) -> Vec<(String, String)> {
        let mut labels = Vec::new();
        for (label, place) in self.section.at("labels").entries() {
            if label.starts_with("stackrun.") {
                let said = place.error("labels that begin with `stackrun.` are stackrun's own");
                problems.push(said.help("begin it with another word"));
            } else if let Some(value) = self.plain(&place, problems) {
                labels.push((label.to_owned(), value));
            }
        }
        labels
    }

    fn ports(&self, name: &str, listen: Option<u16>, problems: &mut Vec<Diagnostic>) -> Vec<(u16, u16)> {
        let mut ports: Vec<(u16, u16)> = Vec::new();
        let publish = self.section.at("publish_port");
        if let Some(listen) = listen {
            let host = publish.as_integer().and_then(crate::app::port);
            ports.push((host.unwrap_or_else(|| amount::published_port(name)), listen));
        } else if publish.is_present() {
            let said = publish.error("`publish_port` publishes `listen_port`, and there is none");
            problems.push(said.help("add listen_port = …, the port that the application listens on"));
        }
        for place in self.section.items("ports") {
            match place.as_string().as_deref().map(amount::pair) {
                Some(Some(pair)) if ports.iter().any(|(host, _)| *host == pair.0) => {
                    problems.push(place.error(format!("port {} is published twice", pair.0)));
                }
                Some(Some(pair)) => ports.push(pair),
                Some(None) => problems.push(place.error("no pair of ports: write HOST:CONTAINER, such as 8080:80")),
                None => {}
            }
        }
        ports
    }

    fn capabilities(&self, settings: Option<&Section<'_>>, problems: &mut Vec<Diagnostic>) -> Vec<String> {
        let allowed: Option<Vec<String>> = settings.map(|settings| {
            settings.items("capabilities").iter().filter_map(Section::as_string).map(capability).collect()
        });
        let mut added = Vec::new();
        for place in self.section.items("cap_add") {
            let Some(name) = place.as_string().map(capability) else { continue };
            if allowed.as_ref().is_some_and(|allowed| !allowed.contains(&name)) {
                let connection = self.instance.connections.first().map(|connection| connection.name.as_str());
                let said = place.error(format!("containers may not add the capability `{name}`"));
                problems.push(said.help(format!(
                    "to allow it, add to [connection.{}] in the host file: capabilities = [\"{name}\"]",
                    connection.unwrap_or("NAME")
                )));
            }
            added.push(name);
        }
        added
    }

    fn memory(&self, problems: &mut Vec<Diagnostic>) -> Option<u64> {
        let place = self.section.at("memory");
        if let Some(bytes) = place.as_integer() {
            return u64::try_from(bytes).ok();
        }
        let text = place.as_string()?;
        let bytes = amount::bytes(&text);
        if bytes.is_none() {
            problems.push(place.error(format!("`{text}` is no size")).help("write 512M or 2G"));
        }
        bytes
    }
}

/// Without its prefix, in capitals.
fn capability(name: String) -> String {
    let upper = name.to_ascii_uppercase();
    upper.strip_prefix("CAP_").unwrap_or(&upper).to_owned()
}

fn extra_hosts(section: &Section<'_>, settings: Option<&Section<'_>>) -> Vec<(String, String)> {
    let of = |section: &Section<'_>| -> Vec<(String, String)> {
        let entries = section.at("extra_hosts").entries();
        entries.into_iter().filter_map(|(name, address)| Some((name.to_owned(), address.as_string()?))).collect()
    };
    let mut hosts = of(section);
    let is_docker = settings.is_some_and(|settings| {
        settings.string("host_name").as_deref() == Some(DOCKER_HOST.0)
            || settings.string("socket").is_some_and(|socket| socket.ends_with("docker.sock"))
    });
    let docker = is_docker.then(|| (DOCKER_HOST.0.to_owned(), DOCKER_HOST.1.to_owned()));
    for (name, address) in settings.map(of).unwrap_or_default().into_iter().chain(docker) {
        if !hosts.iter().any(|(given, _)| *given == name) {
            hosts.push((name, address));
        }
    }
    hosts
}

fn trust(section: &Section<'_>, app: &App<'_>, settings: Option<&Section<'_>>) -> Option<Trust> {
    let bundle = settings?.string("ca_bundle")?;
    let variable = app.ca_variable()?;
    if section.at("environment").at(&variable).is_present() {
        return None;
    }
    let (folder, file) = bundle.rsplit_once('/').filter(|(folder, _)| !folder.is_empty())?;
    Some(Trust { folder: folder.to_owned(), file: file.to_owned(), variable })
}

fn restart(name: &str) -> RestartPolicy {
    match name {
        "no" => RestartPolicy::No,
        "on-failure" => RestartPolicy::OnFailure,
        "unless-stopped" => RestartPolicy::UnlessStopped,
        _ => RestartPolicy::Always,
    }
}
