//! Compares a container and its configuration with what is there, and says what to do.

use stackrun_plugin::{
    Section,
    containers::{self, Comparison, Definition, Holder, LogLine, Ownership, RunState},
    explain,
    files::{self, Content, Wanted},
    guest::{Action, Change, CheckOf, Difference, Move, Owned, Planned, Revert},
    literal,
    types::{self, Condition, Diagnostic, Instance, Sameness, Severity, Step, Text, Thing},
};

use crate::{
    app::App,
    document::Owner,
    fitness, folders,
    login::{self, Login},
    wish::{Stage, Wish},
    words,
};

/// Keys of the things.
const CONTAINER: &str = "container";
const CONFIG: &str = "config";
/// How long a container without a health request has to run.
const STEADY_MS: u32 = 5_000;
const STEADY_TIMEOUT_MS: u32 = 60_000;

pub fn plan(instance: &Instance) -> Result<Planned, Vec<Diagnostic>> {
    let (wish, mut problems) = Wish::of(instance, Stage::Plan);
    let (app, section) = (App::of(instance), Section::of(instance));
    problems.extend(fitness::problems(&section.at("config"), &app));
    let folders = folders::plan(instance, &wish.volumes, &app);
    let (owns, mut actions) = (folders.owns, folders.actions);
    problems.extend(folders.problems);
    let config = config(&wish, &section).unwrap_or_else(|problem| {
        problems.push(problem);
        None
    });
    if has_errors(&problems) {
        return Err(problems);
    }
    let planning = Planning { instance, section, app: &app, wish: &wish, definition: wish.definition(), config };
    let found = planning.look().map_err(|mut found| {
        found.append(&mut problems);
        found
    })?;

    let mut owns = owns;
    owns.extend(planning.config_owned(&found));
    owns.push(planning.container_owned());
    let before: Vec<String> = actions.iter().map(|action| action.thing.clone()).collect();
    actions.extend(planning.actions(&found, before));
    let mut checks = planning.checks();
    if let Some(login) = Login::of(instance, &app, &wish.connection, &wish.name, wish.listen_port) {
        let is_done = instance.owned.iter().any(|owned| owned.thing.key == login::KEY && owned.proven);
        if !is_done {
            actions.push(login.action());
        }
        owns.push(login.owned());
        checks.extend(login.checks());
    }
    Ok(Planned { owns, actions, checks, diagnostics: problems })
}

fn has_errors(problems: &[Diagnostic]) -> bool {
    problems.iter().any(|problem| problem.severity == Severity::Error)
}

/// The configuration file on this machine.
struct Config {
    path: String,
    wanted: Wanted,
}

fn config(wish: &Wish, section: &Section<'_>) -> Result<Option<Config>, Diagnostic> {
    let Some(document) = &wish.document else { return Ok(None) };
    let Some(path) = wish.document_path() else {
        let folder = document.path.rsplit_once('/').map_or("/", |(folder, _)| folder);
        let said = section
            .at("config")
            .error(format!("`{}`, where the application reads it, lies in no volume", document.path));
        return Err(said.help(format!("mount a folder there: volumes = [\"${{host.NAME}}:{folder}\"]")));
    };
    let wanted = Wanted::new(&path, &Content::document(document.format, &document.body.clone().into()));
    wanted.set_mode(document.mode);
    match document.owner {
        Owner::Any => wanted.ignore_owner(),
        Owner::Of(uid, gid) => wanted.set_owner(&uid.to_string(), &gid.to_string()),
        Owner::Ours => {}
    }
    Ok(Some(Config { path, wanted }))
}

struct Planning<'a> {
    instance: &'a Instance,
    section: Section<'a>,
    app: &'a App<'a>,
    wish: &'a Wish,
    definition: Definition,
    config: Option<Config>,
}

/// What is there.
struct Found {
    container: Comparison,
    /// Names of all containers of this instance.
    ours: Vec<String>,
    digest: Option<String>,
    config: Option<files::Comparison>,
}

impl Found {
    fn is_absent(&self) -> bool {
        self.container.state == RunState::Absent
    }

    fn config_differs(&self) -> bool {
        let same = |sameness: Sameness| sameness == Sameness::Same;
        self.config.is_some_and(|config| !same(config.content) || !same(config.mode) || !same(config.owner))
    }
}

impl Planning<'_> {
    fn look(&self) -> Result<Found, Vec<Diagnostic>> {
        let connection = &self.wish.connection;
        let at = self.instance.connections.first().map_or_else(|| self.section.clone(), Section::settings);
        let failed = |failure| vec![at.error(explain(&failure))];
        let container = one(containers::compare(connection, &[&self.definition])).map_err(failed)?;
        let ours = containers::ours(connection).map_err(failed)?;
        let digest = one(containers::images(connection, std::slice::from_ref(&self.wish.image))).map_err(failed)?;
        let mut problems = Vec::new();
        problems.extend(self.foreign(&container));
        if digest.is_none() {
            let said = self.section.at("image").error(format!("the image {} is not on the engine", self.wish.image));
            problems.push(said.help(format!("get it first: podman pull {}", self.wish.image)));
        }
        problems.extend(self.taken_ports(&ours).map_err(failed)?);
        let config = match &self.config {
            None => None,
            Some(config) => match one(files::compare(&[&config.wanted])) {
                Ok(found) => {
                    problems.extend(self.foreign_config(config, &found));
                    Some(found)
                }
                Err(failure) => {
                    problems.push(self.section.at("config").error(words::failure(&config.path, &failure)));
                    None
                }
            },
        };
        if problems.is_empty() { Ok(Found { container, ours, digest, config }) } else { Err(problems) }
    }

    fn foreign(&self, found: &Comparison) -> Option<Diagnostic> {
        if found.state == RunState::Absent {
            return None;
        }
        let name = &self.wish.name;
        let at = self.section.at("name");
        Some(match &found.owner {
            Ownership::Ours => return None,
            Ownership::Other(owner) => at
                .error(format!("there is a container `{name}`, and it belongs to {owner}"))
                .help("give this one another `name`"),
            Ownership::Foreign => at
                .error(format!("there is a container `{name}`, and stackrun did not make it"))
                .help(format!("remove or rename it, or give this one another `name`: podman rename {name} {name}-old")),
        })
    }

    fn foreign_config(&self, config: &Config, found: &files::Comparison) -> Option<Diagnostic> {
        if !found.foreign || found.content != Sameness::Different {
            return None;
        }
        let said =
            self.section.at("config").error(format!("there is a file {}, and stackrun did not write it", config.path));
        Some(said.help("take over what it says into `config`, then move it away"))
    }

    fn taken_ports(&self, ours: &[String]) -> Result<Vec<Diagnostic>, types::Failure> {
        let ports: Vec<u16> = self.wish.ports.iter().map(|(host, _)| *host).collect();
        let mut problems = Vec::new();
        for (port, holder) in ports.iter().zip(containers::ports(&self.wish.connection, &ports)) {
            let who = match holder? {
                Holder::Free => continue,
                Holder::Container(name) if ours.contains(&name) => continue,
                Holder::Container(name) => format!("the container `{name}`"),
                Holder::Other(who) => who,
            };
            let said = self.section.at("publish_port").error(format!("port {port} of this machine is taken by {who}"));
            problems.push(said.help("give another one: publish_port = …"));
        }
        Ok(problems)
    }

    // ---- what is owned -----------------------------------------------------------------------------------

    fn config_owned(&self, found: &Found) -> Option<Owned> {
        let config = self.config.as_ref()?;
        Some(Owned {
            thing: Thing {
                key: CONFIG.to_owned(),
                connection: "files".to_owned(),
                kind: "file".to_owned(),
                name: config.path.clone(),
            },
            holds_data: false,
            adopted: found.config.is_some_and(|found| found.foreign),
            undo: vec![by_host(files::remove(&config.path))],
            undo_settle: Vec::new(),
        })
    }

    fn container_owned(&self) -> Owned {
        let (connection, name) = (&self.wish.connection, &self.wish.name);
        Owned {
            thing: Thing {
                key: CONTAINER.to_owned(),
                connection: connection.clone(),
                kind: "container".to_owned(),
                name: name.clone(),
            },
            holds_data: false,
            adopted: false,
            undo: vec![by_host(containers::stop(connection, name)), by_host(containers::remove(connection, name))],
            undo_settle: Vec::new(),
        }
    }

    // ---- what is done ------------------------------------------------------------------------------------

    fn actions(&self, found: &Found, mut before: Vec<String>) -> Vec<Action> {
        let mut actions = Vec::new();
        // A container that is there has to be stopped while its configuration changes: one action then.
        if found.is_absent() && found.config_differs() {
            actions.extend(self.write_config(before.clone()));
            before.push(CONFIG.to_owned());
        }
        let leftover = found.ours.contains(&self.next_name());
        let is_proven = self.instance.owned.iter().all(|owned| owned.thing.key != CONTAINER || owned.proven);
        let differs = &found.container.differs;
        let action = if found.is_absent() {
            Some(self.create(found, "there is no such container"))
        } else if !differs.is_empty() {
            Some(self.replace(found, &format!("it differs in {}", differs.join(", "))))
        } else if found.config_differs() {
            Some(self.restart("its configuration differs", found))
        } else if found.container.state == RunState::Stopped {
            Some(self.start("it is not running"))
        } else if !is_proven {
            Some(self.restart("what was proved of it last did not hold", found))
        } else if leftover {
            Some(self.action(Change::Update, "a run that was killed left a container behind", Vec::new(), Vec::new()))
        } else {
            None
        };
        actions.extend(action.map(|action| self.after(action, leftover, before)));
        actions
    }

    fn after(&self, mut action: Action, leftover: bool, before: Vec<String>) -> Action {
        if leftover {
            let step = containers::remove(&self.wish.connection, &self.next_name());
            let revert = Revert::None("a run that was killed had left it behind".to_owned());
            action.moves.insert(0, Move { step, revert });
            action.no_return = action.no_return.map(|index| index + 1);
        }
        Action { after: before, ..action }
    }

    fn write_config(&self, after: Vec<String>) -> Option<Action> {
        let config = self.config.as_ref()?;
        Some(Action {
            thing: CONFIG.to_owned(),
            change: Change::Create,
            reason: format!("{} reads it", self.wish.name),
            differences: Vec::new(),
            moves: vec![by_host(files::write(&config.wanted))],
            no_return: None,
            settle: Vec::new(),
            proof: Vec::new(),
            after,
        })
    }

    fn create(&self, found: &Found, reason: &str) -> Action {
        let (connection, name) = (&self.wish.connection, &self.wish.name);
        let mut moves = vec![
            by_host(containers::create(connection, &self.definition)),
            by_host(containers::prove_from_inside(connection, name)),
            by_host(containers::start(connection, name)),
        ];
        moves.push(self.healthy(name));
        self.action(Change::Create, reason, self.differences(&["image".to_owned()], found), moves)
    }

    /// The new one is made beside the old one, and takes over when it is proved. Both can't run at once: they share a
    /// port and a database.
    fn replace(&self, found: &Found, reason: &str) -> Action {
        let (connection, name, next) = (&self.wish.connection, &self.wish.name, self.next_name());
        let mut moves = vec![
            by_host(containers::create(connection, &self.definition.renamed(&next))),
            by_host(containers::stop(connection, name)),
        ];
        if let Some(config) = self.config.as_ref().filter(|_| found.config_differs()) {
            moves.push(by_host(files::write(&config.wanted)));
        }
        moves.extend([
            by_host(containers::prove_from_inside(connection, &next)),
            by_host(containers::start(connection, &next)),
            self.healthy(&next),
        ]);
        let no_return = u32::try_from(moves.len()).ok();
        moves.extend([
            by_host(containers::remove(connection, name)),
            by_host(containers::rename(connection, &next, name)),
        ]);
        let action = self.action(Change::Replace, reason, self.differences(&found.container.differs, found), moves);
        Action { no_return, ..action }
    }

    /// The same container again, with its configuration as it should be.
    fn restart(&self, reason: &str, found: &Found) -> Action {
        let (connection, name) = (&self.wish.connection, &self.wish.name);
        let mut moves = vec![by_host(containers::stop(connection, name))];
        if let Some(config) = self.config.as_ref().filter(|_| found.config_differs()) {
            moves.push(by_host(files::write(&config.wanted)));
        }
        moves.extend([
            by_host(containers::prove_from_inside(connection, name)),
            by_host(containers::start(connection, name)),
            self.healthy(name),
        ]);
        self.action(Change::Update, reason, Vec::new(), moves)
    }

    fn start(&self, reason: &str) -> Action {
        let (connection, name) = (&self.wish.connection, &self.wish.name);
        let moves = vec![by_host(containers::start(connection, name)), self.healthy(name)];
        self.action(Change::Update, reason, Vec::new(), moves)
    }

    fn action(&self, change: Change, reason: &str, differences: Vec<Difference>, moves: Vec<Move>) -> Action {
        Action {
            thing: CONTAINER.to_owned(),
            change,
            reason: reason.to_owned(),
            differences,
            moves,
            no_return: None,
            settle: Vec::new(),
            proof: vec![self.health_check(&self.wish.name)],
            after: Vec::new(),
        }
    }

    fn next_name(&self) -> String {
        format!("{}-next", self.wish.name)
    }

    fn differences(&self, names: &[String], found: &Found) -> Vec<Difference> {
        let after = |name: &str| -> Option<Text> {
            match name.split_once('.') {
                Some(("env", key)) => {
                    self.wish.environment.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone())
                }
                Some(("labels", key)) => {
                    self.wish.labels.iter().find(|(name, _)| name == key).map(|(_, value)| literal(value.clone()))
                }
                _ if name == "image" => {
                    let digest = found.digest.as_deref().unwrap_or_default();
                    Some(literal(format!("{} ({digest})", self.wish.image)))
                }
                _ => Some(literal("as below")),
            }
        };
        names.iter().map(|name| Difference { what: name.clone(), before: None, after: after(name) }).collect()
    }

    // ---- what proves it ----------------------------------------------------------------------------------

    fn checks(&self) -> Vec<CheckOf> {
        let (name, mut checks) = (&self.wish.name, vec![self.health_check(&self.wish.name)]);
        if self.is_asked() {
            checks.push(CheckOf {
                id: "stays-up".to_owned(),
                says: format!("{name} stays up"),
                condition: self.steady(name),
                timeout_ms: STEADY_TIMEOUT_MS,
            });
        }
        checks
    }

    /// Whether the application answers a health request.
    fn is_asked(&self) -> bool {
        self.wish.health.is_some() && self.wish.listen_port.is_some()
    }

    fn health_check(&self, name: &str) -> CheckOf {
        let (condition, timeout_ms) = self.health(name);
        let says = if self.is_asked() { "is healthy" } else { "stays up" };
        CheckOf { id: "health".to_owned(), says: format!("{} {says}", self.wish.name), condition, timeout_ms }
    }

    fn healthy(&self, name: &str) -> Move {
        let (condition, timeout_ms) = self.health(name);
        by_host(types::await_(&condition, timeout_ms))
    }

    fn health(&self, name: &str) -> (Condition, u32) {
        let (Some(health), Some(port)) = (&self.wish.health, self.wish.listen_port) else {
            return (self.steady(name), STEADY_TIMEOUT_MS);
        };
        let (connection, contains) = (&self.wish.connection, health.contains.as_deref());
        let answers = containers::answers(connection, name, port, &health.path, &health.statuses, contains);
        (self.explained(answers), health.timeout_ms)
    }

    fn steady(&self, name: &str) -> Condition {
        self.explained(containers::stays_up(&self.wish.connection, name, STEADY_MS))
    }

    fn explained(&self, condition: Condition) -> Condition {
        self.app.log().iter().fold(condition, |condition, fact| {
            let line = if fact.hide { LogLine::Hide } else { LogLine::Show };
            containers::explained(&condition, &fact.contains, &fact.means, line)
        })
    }
}

fn by_host(step: Step) -> Move {
    Move { step, revert: Revert::ByHost }
}

/// The answer to the only question of a list.
fn one<T>(answers: Vec<Result<T, types::Failure>>) -> Result<T, types::Failure> {
    let none = || Err(types::Failure::Other("the host gave no answer".to_owned()));
    answers.into_iter().next().unwrap_or_else(none)
}
