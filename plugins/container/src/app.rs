//! What the contract says of the application. Without a contract nothing is known, and little is checked.

use stackrun_plugin::{Section, files::Format, types::Instance};

/// The facts that this plugin uses.
pub struct App<'a> {
    contract: Option<Section<'a>>,
}

/// The request that a healthy application answers.
pub struct Health {
    pub path: String,
    pub statuses: Vec<u16>,
    pub contains: Option<String>,
    pub timeout_ms: u32,
}

/// A folder that the image gives to its own user, file by file.
pub struct Reowned {
    pub path: String,
    /// It is left alone when it already belongs to this user.
    pub unless_uid: Option<u32>,
    /// Where data of others is safe.
    pub instead: Option<String>,
}

/// What a line of the log means.
pub struct LogFact {
    pub contains: String,
    pub means: String,
    pub hide: bool,
}

const HEALTH_SECONDS: i64 = 60;

impl<'a> App<'a> {
    pub fn of(instance: &'a Instance) -> Self {
        Self { contract: Section::contract(instance) }
    }

    pub fn is_known(&self) -> bool {
        self.contract.is_some()
    }

    /// The contract's root.
    pub fn contract(&self) -> Option<&Section<'a>> {
        self.contract.as_ref()
    }

    /// As a person calls it.
    pub fn title(&self) -> String {
        self.contract
            .as_ref()
            .and_then(|contract| contract.string("title"))
            .unwrap_or_else(|| "the application".to_owned())
    }

    fn at(&self, path: &[&str]) -> Option<Section<'a>> {
        let root = self.contract.clone()?;
        Some(path.iter().fold(root, |section, key| section.at(key))).filter(Section::is_present)
    }

    pub fn listen_port(&self) -> Option<u16> {
        port(self.at(&["run", "listen_port"])?.as_integer()?)
    }

    /// The user that the application runs as in the end.
    pub fn user(&self) -> Option<(u32, u32)> {
        let id = |key: &str| u32::try_from(self.at(&["run", key])?.as_integer()?).ok();
        let uid = id("uid")?;
        Some((uid, id("gid").unwrap_or(uid)))
    }

    /// The variable that names a file of trusted certificates.
    pub fn ca_variable(&self) -> Option<String> {
        self.at(&["run", "ca_variable"])?.as_string()
    }

    pub fn reowned(&self) -> Vec<Reowned> {
        let Some(contract) = &self.contract else { return Vec::new() };
        let one = |place: Section<'_>| {
            Some(Reowned {
                path: place.string("path")?,
                unless_uid: place.integer("unless_uid").and_then(|uid| u32::try_from(uid).ok()),
                instead: place.string("instead"),
            })
        };
        contract.at("run").items("reowns").into_iter().filter_map(one).collect()
    }

    /// Paths of the container that the application writes to: those of its keys marked `written`, as the spec sets them.
    pub fn written(&self, config: &Section<'_>) -> Vec<String> {
        let Some(keys) = self.at(&["config", "keys"]) else { return Vec::new() };
        let written = keys.entries().into_iter().filter(|(_, facts)| facts.boolean("written") == Some(true));
        written.filter_map(|(key, _)| at_key(config, key).as_string()).collect()
    }

    pub fn health(&self) -> Option<Health> {
        let health = self.at(&["health"])?;
        Some(Health::of(&health, health.string("path")?))
    }

    pub fn log(&self) -> Vec<LogFact> {
        let Some(contract) = &self.contract else { return Vec::new() };
        let one = |place: Section<'_>| {
            let means = place.string("means")?;
            Some(LogFact {
                contains: place.string("contains")?,
                means: place.string("help").map_or(means.clone(), |help| format!("{means}; {help}")),
                hide: place.boolean("secret").unwrap_or(false),
            })
        };
        contract.items("log").into_iter().filter_map(one).collect()
    }
}

impl Health {
    /// A table of a contract or a section, which are alike.
    pub fn of(place: &Section<'_>, path: String) -> Self {
        let mut statuses: Vec<u16> =
            place.items("statuses").iter().filter_map(|one| one.as_integer()).filter_map(port).collect();
        if statuses.is_empty() {
            statuses.push(200);
        }
        let seconds = place.integer("timeout_seconds").unwrap_or(HEALTH_SECONDS);
        Self {
            path,
            statuses,
            contains: place.string("contains"),
            timeout_ms: u32::try_from(seconds.saturating_mul(1000)).unwrap_or(u32::MAX),
        }
    }
}

/// What stands at `auth.admin_emails.0`.
pub fn at_key<'a>(root: &Section<'a>, key: &str) -> Section<'a> {
    key.split('.').fold(root.clone(), |section, part| match part.parse::<usize>() {
        Ok(index) => section.as_items().into_iter().nth(index).unwrap_or_else(|| section.at(part)),
        Err(_) => section.at(part),
    })
}

/// The format of a document by name.
pub fn format(name: &str) -> Option<Format> {
    Some(match name {
        "toml" => Format::Toml,
        "yaml" => Format::Yaml,
        "json" => Format::Json,
        "ini" => Format::Ini,
        "env" => Format::Env,
        _ => return None,
    })
}

pub fn port(number: i64) -> Option<u16> {
    u16::try_from(number).ok().filter(|port| *port > 0)
}
