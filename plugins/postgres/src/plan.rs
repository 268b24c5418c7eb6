//! The plan: what is owned, what is to be done, what proves it.

use stackrun_plugin::{
    Section, explain,
    guest::{Action, Change, CheckOf, Difference, Move, Owned, Planned, Revert},
    literal, reference, secrets,
    sql::{self, Admission},
    types::{self, Connection, Diagnostic, Instance, Sameness, Severity, Step, Text, Thing},
};

use crate::{
    access::{Access, access, unreachable},
    look::{Database, Look, Role, look},
    wish::{Wish, extension_key},
};

/// How long a server that is just starting may take to let somebody in.
const LOGIN_TIMEOUT_MS: u32 = 15_000;

/// Everything that the parts of the plan need.
struct Draft<'a> {
    instance: &'a Instance,
    section: Section<'a>,
    connection: &'a Connection,
    wish: &'a Wish,
    planned: Planned,
}

pub fn plan(instance: &Instance, wish: &Wish) -> Result<Planned, Vec<Diagnostic>> {
    let section = Section::of(instance);
    let Some(connection) = instance.connections.first() else {
        return Err(vec![section.error("there is no connection of kind `postgresql`")]);
    };
    let is_ours = is_known(instance, connection, "database", &wish.database);
    let seen = look(connection, wish, is_ours)?;
    let planned = Planned { owns: vec![], actions: vec![], checks: vec![], diagnostics: Wish::of(instance).1 };
    let mut draft = Draft { instance, section, connection, wish, planned };
    draft.role(seen.role.as_ref());
    draft.database(seen.database.as_ref());
    draft.extensions(&seen);
    draft.rules(&seen);
    draft.checks(&seen);
    let Draft { planned, .. } = draft;
    match planned.diagnostics.iter().any(|said| said.severity == Severity::Error) {
        true => Err(planned.diagnostics),
        false => Ok(planned),
    }
}

/// Whether state knows this very thing. One of the same key under another name says nothing of it: whoever renames a
/// database to one that is there already means somebody else's.
fn is_known(instance: &Instance, connection: &Connection, kind: &str, name: &str) -> bool {
    let things = instance.owned.iter().map(|owned| &owned.thing);
    things.into_iter().any(|thing| thing.connection == connection.name && thing.kind == kind && thing.name == name)
}

impl Draft<'_> {
    // ---- the role ------------------------------------------------------------------------------------------

    fn role(&mut self, seen: Option<&Role>) {
        let Wish { role, .. } = self.wish;
        let known = self.knows("role", role);
        self.own(
            "role",
            "role",
            role,
            true,
            seen.is_some() && !known,
            vec![sql::drop_role(&self.connection.name, role)],
        );
        let Some(seen) = seen else {
            let mut steps = vec![sql::create_role(&self.connection.name, role)];
            steps.extend(self.set_password());
            let password = self.wish.password.map(|password| difference("password", None, Some(reference(password))));
            return self.act("role", Change::Create, "there is no such role", password.into_iter().collect(), steps);
        };
        let place = if self.section.at("role").is_present() { self.section.at("role") } else { self.section.clone() };
        if seen.superuser {
            let error =
                place.error(format!("role {role} is a superuser: with it, an application rules the whole server"));
            return self.say(error.help("give `role` another name, or take SUPERUSER from it"));
        }
        if !seen.more_rights.is_empty() {
            let rights = seen.more_rights.join(", ");
            self.say(place.warning(format!("role {role} has {rights}, which an application has no need of")));
        }
        let (mut steps, mut differences) = (Vec::new(), Vec::new());
        if !seen.login {
            steps.push(sql::allow_login(&self.connection.name, role));
            differences.push(difference("login", Some("not allowed"), Some(literal("allowed"))));
        }
        if let (Some(password), false) = (self.wish.password, seen.password == Sameness::Same) {
            steps.extend(self.set_password());
            let before = if seen.password == Sameness::Absent { "none" } else { "another one" };
            differences.push(difference("password", Some(before), Some(reference(password))));
        }
        let reason = match seen.password {
            Sameness::NotYetKnown => "its password is made anew",
            Sameness::Absent => "it has no password",
            Sameness::Different => "its password is another one",
            Sameness::Same => "it may not log in",
        };
        self.change_or_adopt("role", &format!("role {role}"), known, reason, differences, steps);
    }

    fn set_password(&self) -> Option<Step> {
        let verifier = secrets::scram_sha256(self.wish.password?);
        Some(sql::set_password(&self.connection.name, &self.wish.role, verifier))
    }

    // ---- the database --------------------------------------------------------------------------------------

    fn database(&mut self, seen: Option<&Database>) {
        let Wish { role, database, .. } = self.wish;
        let known = self.knows("database", database);
        let undo = vec![sql::drop_database(&self.connection.name, database)];
        self.own("database", "database", database, true, seen.is_some() && !known, undo);
        let Some(seen) = seen else {
            let steps = vec![sql::create_database(&self.definition())];
            let owner = vec![difference("owner", None, Some(literal(role.clone())))];
            return self.act("database", Change::Create, "there is no such database", owner, steps);
        };
        self.warn_of_database(seen);
        let (mut steps, mut differences) = (Vec::new(), Vec::new());
        if seen.owner != *role {
            steps.push(sql::set_owner(&self.connection.name, database, role));
            differences.push(difference("owner", Some(&seen.owner), Some(literal(role.clone()))));
        }
        let reason = format!("it belongs to {}, and an application must own its database", seen.owner);
        self.change_or_adopt("database", &format!("database {database}"), known, &reason, differences, steps);
    }

    fn definition(&self) -> sql::Database {
        let Wish { database, role, encoding, locale, template, .. } = self.wish;
        let definition = sql::Database::new(&self.connection.name, database, role);
        if let Some(encoding) = encoding {
            definition.set_encoding(encoding);
        }
        if let Some(locale) = locale {
            definition.set_locale(locale);
        }
        match template {
            Some(template) => definition.set_template(template),
            // Another encoding or locale can be had from the empty template only.
            None if encoding.is_some() || locale.is_some() => definition.set_template("template0"),
            None => {}
        }
        definition
    }

    fn warn_of_database(&mut self, seen: &Database) {
        let Wish { database, role, encoding, locale, .. } = self.wish;
        if seen.template {
            let place = self.section.at("database");
            self.say(
                place
                    .error(format!("database {database} is a template of the server"))
                    .help("give `database` another name"),
            );
        }
        if let Some(wanted) =
            encoding.as_deref().filter(|wanted| encoding_number(wanted).is_some_and(|n| n != seen.encoding))
        {
            let said =
                format!("database {database} is there with another encoding than {wanted}, which can't be changed");
            self.say(
                self.section
                    .at("encoding")
                    .error(said)
                    .help("dump it and load it into a new one, or leave `encoding` out"),
            );
        }
        if let Some(wanted) = locale.as_deref().filter(|wanted| *wanted != seen.locale) {
            let said = format!(
                "database {database} is there with locale {}, not {wanted}; that can't be changed",
                seen.locale
            );
            self.say(
                self.section.at("locale").error(said).help("dump it and load it into a new one, or leave `locale` out"),
            );
        }
        if seen.public_closed {
            let said = format!(
                "schema public of database {database} belongs to somebody else: {role} can't make tables in it"
            );
            let help = "as a superuser, in that database: ALTER SCHEMA public OWNER TO pg_database_owner";
            self.say(self.section.warning(said).help(help));
        }
    }

    // ---- extensions ----------------------------------------------------------------------------------------

    fn extensions(&mut self, seen: &Look) {
        let wish = self.wish;
        for (index, extension) in wish.extensions.iter().enumerate() {
            let key = extension_key(extension);
            let there = seen.extensions.contains(extension);
            let name = format!("{} in {}", extension, wish.database);
            // It goes with its database.
            self.own(&key, "extension", &name, false, there && !self.knows("extension", &name), Vec::new());
            if there {
                continue;
            }
            if seen.unavailable.contains(extension) {
                let place = self.section.items("extensions").swap_remove(index);
                let said = format!("the server has no extension `{extension}`");
                self.say(
                    place.error(said).help("install its package, for example postgresql-contrib, or correct the name"),
                );
                continue;
            }
            let step = sql::create_extension(&self.connection.name, &wish.database, extension);
            self.act(&key, Change::Create, "the database has not got it", Vec::new(), vec![step]);
        }
    }

    // ---- pg_hba.conf ---------------------------------------------------------------------------------------

    fn rules(&mut self, seen: &Look) {
        let settings = Section::settings(self.connection);
        for line in &seen.broken {
            let said =
                format!("{line}; with a broken line no reload takes effect, and the next start of the server fails");
            self.say(settings.error(said).help("correct the line"));
        }
        let wish = self.wish;
        let mut found = Access::default();
        if wish.uses_network() {
            if wish.clients.is_empty() && !self.instance.consumers.is_empty() {
                let said = "from which networks the application comes is not known, so no rule can let it in";
                self.say(settings.at("clients").error(said).help(
                    "clients = [\"10.88.0.0/16\"] for Podman's default network; `podman network inspect` shows others",
                ));
            }
            if unreachable(&seen.listen.0, &wish.clients) {
                self.refuse_unreachable(&seen.listen, &settings);
            }
            found = access(wish, &seen.rules);
        }
        for warning in &found.warnings {
            self.say(settings.warning(format!("{}: {warning}", seen.file)));
        }
        if found.needed.is_empty() && wish.ident.is_empty() {
            return;
        }
        if !wish.writes_rules {
            let networks: Vec<_> = found.needed.iter().map(ToString::to_string).collect();
            let rule =
                |network: &String| format!("host {} {} {network} {}", wish.database, wish.role, wish.auth.method());
            if !networks.is_empty() {
                let said = format!("no rule of {} lets {} in from {}", seen.file, wish.role, networks.join(", "));
                let lines: Vec<_> = networks.iter().map(rule).collect();
                self.say(settings.warning(said).help(format!("add to it, and reload:  {}", lines.join("; "))));
            }
            return;
        }
        self.admit(&found);
    }

    fn refuse_unreachable(&mut self, listen: &(String, Option<String>), settings: &Section<'_>) {
        let (addresses, place) = listen;
        let place = place.as_deref().unwrap_or("its default");
        let said = format!("PostgreSQL listens on `{addresses}` only ({place}), where no container reaches it");
        let help = "set listen_addresses = '*' in postgresql.conf and restart PostgreSQL: every connection to it is cut once, \
                    and an application that does not survive that must be restarted after it; pg_hba.conf goes on deciding \
                    who gets in";
        self.say(settings.error(said).help(help));
    }

    fn admit(&mut self, found: &Access) {
        let wish = self.wish;
        let admission = Admission::new(&self.connection.name);
        for network in &found.needed {
            admission.host(&wish.database, &wish.role, &network.to_string(), wish.auth.method());
        }
        if !wish.ident.is_empty() {
            admission.local(&wish.database, &wish.role, "peer", Some(&wish.map()));
        }
        for user in &wish.ident {
            admission.ident(&wish.map(), user, &wish.role);
        }
        let name = format!("{} to {}", wish.role, wish.database);
        let undo = vec![sql::revoke_admission(&self.connection.name)];
        self.own("admission", "rules", &name, false, false, undo);
        let (change, reason) = match sql::compare_admission(&admission) {
            // Where another program writes them, state knows nothing of them, and the login's check decides.
            Ok(Sameness::Same) if wish.printed || self.is_proven("admission") => return,
            Ok(Sameness::Same) => (Change::Update, "it is not certain that the server has read the lines"),
            Ok(Sameness::Different) => (Change::Update, "the lines are not what they should be"),
            Ok(Sameness::Absent | Sameness::NotYetKnown) => (Change::Create, "no rule lets it in"),
            Err(failure) => return self.say(Section::settings(self.connection).error(explain(&failure))),
        };
        self.act("admission", change, reason, Vec::new(), vec![sql::admit(&admission)]);
        if let Some(action) = self.planned.actions.last_mut() {
            action.settle = vec![sql::reload(&self.connection.name)];
        }
    }

    // ---- checks --------------------------------------------------------------------------------------------

    /// The application's own login, from where the application is: before it starts, and after.
    fn checks(&mut self, seen: &Look) {
        let wish = self.wish;
        if !wish.uses_network() {
            return;
        }
        if self.instance.consumers.is_empty() && !self.lets_in_from_here(seen) {
            let said = format!("nothing refers to this instance, and no rule lets {} in from this machine", wish.role);
            return self.say(self.section.note(format!("{said}: its login is not checked")));
        }
        let login = sql::login(&self.connection.name, &wish.database, &wish.role, wish.password);
        self.planned.checks.push(CheckOf {
            id: "login".to_owned(),
            says: format!("{} can log in to its database {}", wish.role, wish.database),
            condition: types::from_consumers(&login),
            timeout_ms: LOGIN_TIMEOUT_MS,
        });
    }

    fn lets_in_from_here(&self, seen: &Look) -> bool {
        let here = Wish { clients: "127.0.0.1/32".parse().into_iter().collect(), ..self.wish.clone() };
        let ours = self.wish.clients.iter().any(|network| here.clients.iter().all(|one| network.contains(one)));
        ours || access(&here, &seen.rules).needed.is_empty()
    }

    // ---- parts ---------------------------------------------------------------------------------------------

    fn say(&mut self, said: Diagnostic) {
        self.planned.diagnostics.push(said);
    }

    fn knows(&self, kind: &str, name: &str) -> bool {
        is_known(self.instance, self.connection, kind, name)
    }

    fn is_proven(&self, key: &str) -> bool {
        self.instance.owned.iter().any(|owned| owned.thing.key == key && owned.proven)
    }

    fn own(&mut self, key: &str, kind: &str, name: &str, holds_data: bool, adopted: bool, undo: Vec<Step>) {
        let is_admission = key == "admission";
        self.planned.owns.push(Owned {
            thing: Thing {
                key: key.to_owned(),
                connection: self.connection.name.clone(),
                kind: kind.to_owned(),
                name: name.to_owned(),
            },
            holds_data,
            adopted,
            undo: undo.into_iter().map(|step| Move { step, revert: revert_of_undo(key) }).collect(),
            undo_settle: is_admission.then(|| sql::reload(&self.connection.name)).into_iter().collect(),
        });
    }

    /// What is there: nothing to do, a change of what state knows, or something of somebody else's that is taken over.
    fn change_or_adopt(
        &mut self,
        key: &str,
        what: &str,
        known: bool,
        reason: &str,
        differences: Vec<Difference>,
        steps: Vec<Step>,
    ) {
        match (known, steps.is_empty()) {
            (true, true) => {}
            (true, false) => self.act(key, Change::Update, reason, differences, steps),
            (false, true) => self.act(key, Change::Adopt, "it is there already, as it should be", differences, steps),
            (false, false) if self.wish.adopt => self.act(key, Change::Adopt, reason, differences, steps),
            (false, false) => {
                let differs: Vec<_> = differences.iter().map(|difference| difference.what.as_str()).collect();
                let said = format!("{what} is there already, and its {} would be changed", differs.join(" and "));
                let help = "adopt = true takes it over; whoever else uses it has to follow the change";
                self.say(self.section.at("adopt").error(said).help(help));
            }
        }
    }

    fn act(&mut self, key: &str, change: Change, reason: &str, differences: Vec<Difference>, steps: Vec<Step>) {
        // All that is made, is made in order: the role, its database, what is in it.
        let after = self.planned.actions.iter().map(|action| action.thing.clone()).collect();
        self.planned.actions.push(Action {
            thing: key.to_owned(),
            change,
            reason: reason.to_owned(),
            differences,
            moves: steps.into_iter().map(|step| Move { step, revert: Revert::ByHost }).collect(),
            no_return: None,
            settle: Vec::new(),
            proof: Vec::new(),
            after,
        });
    }
}

fn revert_of_undo(key: &str) -> Revert {
    match key {
        "database" => Revert::None("a dropped database can't be brought back".to_owned()),
        _ => Revert::ByHost,
    }
}

fn difference(what: &str, before: Option<&str>, after: Option<Text>) -> Difference {
    Difference { what: what.to_owned(), before: before.map(str::to_owned), after }
}

/// The numbers that `pg_database.encoding` has for the encodings that people ask for; none for others, which are then not
/// compared.
fn encoding_number(name: &str) -> Option<&'static str> {
    match name.to_ascii_uppercase().replace(['-', '_'], "").as_str() {
        "SQLASCII" => Some("0"),
        "UTF8" | "UNICODE" => Some("6"),
        "LATIN1" | "ISO88591" => Some("8"),
        "LATIN9" | "ISO885915" => Some("16"),
        "WIN1252" => Some("24"),
        _ => None,
    }
}
