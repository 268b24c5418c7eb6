//! The capability `sql`.
//!
//! | subject | let pass |
//! |---|---|
//! | connection | one that is granted by name |
//! | reading | a granted relation of the [`READABLE`] ones, its harmless columns, in the maintenance database or a granted one |
//! | role | a granted name that is a plain one: see [`plain_name`] |
//! | database | the same |
//! | template of a new database | `template0`, `template1`, or a granted template or database |
//! | extension | granted by name, in a granted database |
//! | admission | lines for a granted role into a granted database, from networks in CIDR form |
//!
//! What is refused whatever the grant says: columns that hold passwords, relations that are not in the table, the
//! superuser's name and names that pg_hba.conf reads as something else than a name.

use super::{HbaQuestion, Marked, PasswordQuestion, SqlLogin, SqlQuery, SqlStep, Statement};
use crate::{
    capability::Gate,
    model::{
        Denial, Permit,
        denial::NEVER,
        desired::{Admission, Database, HbaEntry, IdentEntry},
    },
};

/// Relations that can be read at all, and their columns. No column holds a password or a connection string.
pub const READABLE: &[(&str, &[&str])] = &[
    ("pg_available_extensions", &["name", "default_version", "installed_version"]),
    (
        "pg_database",
        &["datname", "datdba", "encoding", "datcollate", "datctype", "datistemplate", "datallowconn", "datconnlimit"],
    ),
    ("pg_extension", &["extname", "extversion", "extrelocatable"]),
    ("pg_namespace", &["oid", "nspname", "nspowner"]),
    (
        "pg_roles",
        &[
            "oid",
            "rolname",
            "rolsuper",
            "rolinherit",
            "rolcreaterole",
            "rolcreatedb",
            "rolcanlogin",
            "rolreplication",
            "rolbypassrls",
            "rolconnlimit",
            "rolvaliduntil",
        ],
    ),
    ("pg_settings", &["name", "setting", "unit", "context", "source", "sourcefile", "sourceline", "pending_restart"]),
];

/// Settings that the plugins ask for by name; others may hold commands and connection strings.
const READABLE_SETTINGS: &[&str] = &[
    "listen_addresses",
    "port",
    "server_version",
    "server_version_num",
    "password_encryption",
    "ssl",
    "hba_file",
    "ident_file",
    "max_connections",
    "server_encoding",
];

/// Longest name that PostgreSQL keeps; it cuts longer ones without an error.
const LONGEST_NAME: usize = 63;

/// Why a line of this field could never match; none when it can.
pub(in crate::capability) fn unfit(field: &str, value: &str) -> Option<String> {
    match field {
        "roles" | "databases" => plain_name(value).err(),
        "relations" if !READABLE.iter().any(|(relation, _)| *relation == value) => {
            let readable: Vec<&str> = READABLE.iter().map(|(relation, _)| *relation).collect();
            Some(format!("`{value}` can't be read by plugins: only {} can", readable.join(", ")))
        }
        _ => None,
    }
}

/// Whether a role or database may be called so by a plugin; the error says why not.
///
/// A name is 1 to 63 bytes. PostgreSQL would cut a longer one, and `aaa…ab` would be another's `aaa…a`. Names that start
/// with `pg_` are the server's, `postgres` is its superuser's, and what starts with `+`, `@` or `/`, or is a keyword of
/// pg_hba.conf, means more than itself there.
pub fn plain_name(name: &str) -> Result<(), String> {
    const KEYWORDS: [&str; 9] =
        ["all", "sameuser", "samerole", "samegroup", "replication", "public", "none", "current_user", "session_user"];
    const SERVERS_OWN: [&str; 3] = ["postgres", "template0", "template1"];
    let refused = |why: &str| Err(format!("`{}` {why}", name.escape_debug()));
    if name.is_empty() {
        return Err("the name is empty".to_owned());
    }
    if name.len() > LONGEST_NAME {
        return refused(&format!(
            "is {} bytes long: PostgreSQL keeps {LONGEST_NAME} and cuts the rest without a word",
            name.len()
        ));
    }
    if name.chars().any(char::is_control) {
        return refused("holds a control character");
    }
    if name.starts_with(['+', '@', '/']) {
        return refused("starts with a character that makes it more than a name in pg_hba.conf");
    }
    let lower = name.to_lowercase();
    if KEYWORDS.contains(&lower.as_str()) {
        return refused("is a keyword of pg_hba.conf or of SQL");
    }
    if SERVERS_OWN.contains(&lower.as_str()) || lower.starts_with("pg_") {
        return refused("is the server's own");
    }
    Ok(())
}

impl Gate {
    /// Reading rows of a catalogue relation.
    pub fn sql_read(&self, query: SqlQuery) -> Result<Permit<SqlQuery>, Denial> {
        const CAPABILITY: &str = "sql.read";
        self.sql_connection(CAPABILITY, &query.connection)?;
        let never = |what: String| self.deny(CAPABILITY, what, NEVER);
        let Some((_, columns)) = READABLE.iter().find(|(relation, _)| *relation == query.relation) else {
            return Err(never(format!("the relation `{}`, which can't be read by plugins", query.relation)));
        };
        if !self.grants().sql.relations.contains(&query.relation) {
            let asked = format!("the relation `{}`", query.relation);
            return Err(self.deny(CAPABILITY, asked, Gate::line("sql.relations", &query.relation)));
        }
        let asked = query.columns.iter().chain(query.where_equal.iter().map(|(column, _)| column));
        if let Some(column) = asked.into_iter().find(|column| !columns.contains(&column.as_str())) {
            return Err(never(format!("the column `{column}` of `{}`, which plugins can't read", query.relation)));
        }
        if query.relation == "pg_settings" {
            let named = query.where_equal.iter().find(|(column, _)| column == "name");
            if !named.is_some_and(|(_, value)| READABLE_SETTINGS.contains(&value.as_str())) {
                let asked = named.map_or("all settings".to_owned(), |(_, value)| format!("the setting `{value}`"));
                return Err(never(format!("{asked}; these can be read, by name: {}", READABLE_SETTINGS.join(", "))));
            }
        }
        if let Some(database) = &query.database {
            self.sql_database(CAPABILITY, database)?;
        }
        Ok(Permit::new(query))
    }

    /// Asking whether a role's password is the wanted one.
    pub fn sql_password(&self, question: PasswordQuestion) -> Result<Permit<PasswordQuestion>, Denial> {
        self.sql_connection("sql.passwords", &question.connection)?;
        self.sql_role("sql.passwords", &question.role)?;
        Ok(Permit::new(question))
    }

    /// Reading the parsed rules of pg_hba.conf.
    pub fn sql_hba(&self, question: HbaQuestion) -> Result<Permit<Marked<HbaQuestion>>, Denial> {
        self.sql_admitting("sql.hba", &question.connection)?;
        Ok(Permit::new(self.marked(question)))
    }

    /// Comparing and writing the instance's admission blocks.
    pub fn sql_admission(&self, admission: Admission) -> Result<Permit<Marked<Admission>>, Denial> {
        const CAPABILITY: &str = "sql.admission";
        self.sql_admitting(CAPABILITY, &admission.connection)?;
        let never = |what: String| self.deny(CAPABILITY, what, NEVER);
        for HbaEntry { database, role, network, method, map } in &admission.hba {
            self.sql_database(CAPABILITY, database)?;
            self.sql_role(CAPABILITY, role)?;
            match (network, method.as_str(), map) {
                (Some(network), "scram-sha-256" | "trust", None) => {
                    if network.parse::<ipnet::IpNet>().is_err() {
                        return Err(never(format!("the network `{}`; one is `10.88.0.0/16`", network.escape_debug())));
                    }
                }
                (None, "scram-sha-256" | "trust", None) | (None, "peer", None) => {}
                (None, "peer", Some(map)) => plain_name(map).map_err(|why| never(format!("a map, but {why}")))?,
                (_, method, _) => {
                    let place = if network.is_some() { "host" } else { "local" };
                    return Err(never(format!("a `{place}` rule with the method `{}`", method.escape_debug())));
                }
            }
        }
        for IdentEntry { map, system_user, role } in &admission.ident {
            self.sql_role(CAPABILITY, role)?;
            plain_name(map).map_err(|why| never(format!("a map, but {why}")))?;
            // Any name of a user will do, `postgres` as well: it is let in as the granted role, not the other way round.
            if system_user.is_empty() || system_user.starts_with('/') || system_user.chars().any(char::is_control) {
                return Err(never(format!("the system user `{}`, which is no plain name", system_user.escape_debug())));
            }
        }
        Ok(Permit::new(self.marked(admission)))
    }

    /// Removing the instance's admission blocks.
    pub fn sql_revoke(&self, connection: String) -> Result<Permit<Marked<Admission>>, Denial> {
        self.sql_admission(Admission { connection, ..Admission::default() })
    }

    /// A typed statement.
    pub fn sql_change(&self, step: SqlStep) -> Result<Permit<SqlStep>, Denial> {
        const CAPABILITY: &str = "sql.change";
        self.sql_connection(CAPABILITY, &step.connection)?;
        match &step.statement {
            Statement::CreateRole { role }
            | Statement::AllowLogin { role }
            | Statement::SetPassword { role, .. }
            | Statement::DropRole { role } => self.sql_role(CAPABILITY, role)?,
            Statement::CreateDatabase(database) => self.sql_new_database(CAPABILITY, &step.connection, database)?,
            Statement::SetOwner { database, owner } => {
                self.sql_database(CAPABILITY, database)?;
                self.sql_role(CAPABILITY, owner)?;
            }
            Statement::DropDatabase { database } => self.sql_database(CAPABILITY, database)?,
            Statement::CreateExtension { database, extension } => {
                self.sql_database(CAPABILITY, database)?;
                if !self.grants().sql.extensions.contains(extension) {
                    let asked = format!("the extension `{}`", extension.escape_debug());
                    return Err(self.deny(CAPABILITY, asked, Gate::line("sql.extensions", extension)));
                }
            }
        }
        Ok(Permit::new(step))
    }

    /// A reload of the server's configuration.
    pub fn sql_reload(&self, connection: String) -> Result<Permit<String>, Denial> {
        self.sql_admitting("sql.reload", &connection)?;
        Ok(Permit::new(connection))
    }

    /// A login as a granted role.
    pub fn sql_login(&self, login: SqlLogin) -> Result<Permit<SqlLogin>, Denial> {
        self.sql_connection("sql.login", &login.connection)?;
        self.sql_database("sql.login", &login.database)?;
        self.sql_role("sql.login", &login.role)?;
        Ok(Permit::new(login))
    }

    // ---- parts ---------------------------------------------------------------------------------------------

    fn marked<T>(&self, what: T) -> Marked<T> {
        Marked { stack: self.stack().to_owned(), instance: self.instance().clone(), what }
    }

    fn sql_connection(&self, capability: &'static str, connection: &str) -> Result<(), Denial> {
        match self.grants().sql.connections.iter().any(|granted| granted == connection) {
            true => Ok(()),
            false => Err(self.deny(
                capability,
                format!("the connection `{}`", connection.escape_debug()),
                Gate::line("sql.connections", connection),
            )),
        }
    }

    fn sql_admitting(&self, capability: &'static str, connection: &str) -> Result<(), Denial> {
        self.sql_connection(capability, connection)?;
        match self.grants().sql.admission {
            true => Ok(()),
            false => Err(self.deny(capability, "the rules of pg_hba.conf", "sql.admission = true")),
        }
    }

    fn sql_role(&self, capability: &'static str, role: &str) -> Result<(), Denial> {
        self.sql_name(capability, "role", "roles", role, &[&self.grants().sql.roles])
    }

    fn sql_database(&self, capability: &'static str, database: &str) -> Result<(), Denial> {
        self.sql_name(capability, "database", "databases", database, &[&self.grants().sql.databases])
    }

    fn sql_new_database(&self, capability: &'static str, connection: &str, new: &Database) -> Result<(), Denial> {
        // The step's own connection counts; a definition that names another one is no slip.
        if new.connection != connection {
            self.sql_connection(capability, &new.connection)?;
        }
        self.sql_database(capability, &new.name)?;
        self.sql_role(capability, &new.owner)?;
        match new.template.as_deref() {
            None | Some("template0" | "template1") => Ok(()),
            // A copy of a database holds its data.
            Some(template) => {
                let granted = [&*self.grants().sql.templates, &*self.grants().sql.databases];
                self.sql_name(capability, "template", "templates", template, &granted)
            }
        }
    }

    fn sql_name(
        &self,
        capability: &'static str,
        what: &str,
        field: &str,
        name: &str,
        granted: &[&[String]],
    ) -> Result<(), Denial> {
        let asked = format!("the {what} `{}`", name.escape_debug());
        if let Err(why) = plain_name(name) {
            return Err(self.deny(capability, format!("{asked}, but {why}"), NEVER));
        }
        match granted.iter().copied().flatten().any(|granted| granted == name) {
            true => Ok(()),
            false => Err(self.deny(capability, asked, Gate::line(&format!("sql.{field}"), name))),
        }
    }
}

#[cfg(test)]
#[path = "grant_tests.rs"]
mod tests;
