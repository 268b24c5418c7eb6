//! What the server has, asked in as few crossings as can be.

use stackrun_plugin::{
    Section, explain,
    sql::{self, Answer, Equal, PasswordQuestion, Query},
    types::{Connection, Diagnostic, Failure, Sameness},
};

use crate::{rules::Rule, wish::Wish};

/// The server, as far as this instance is concerned.
#[derive(Debug)]
pub struct Look {
    pub role: Option<Role>,
    pub database: Option<Database>,
    /// Those of the wanted extensions that are made.
    pub extensions: Vec<String>,
    /// Those of the wanted extensions that the server has not got.
    pub unavailable: Vec<String>,
    /// `listen_addresses`, and the file and line that say so.
    pub listen: (String, Option<String>),
    /// pg_hba.conf.
    pub file: String,
    pub rules: Vec<Rule>,
    /// Lines that do not parse: `FILE line N: why`.
    pub broken: Vec<String>,
}

#[derive(Debug)]
pub struct Role {
    pub login: bool,
    pub superuser: bool,
    /// What an application has no need of, by name.
    pub more_rights: Vec<&'static str>,
    /// Of its password; `same` where none is wanted.
    pub password: Sameness,
}

#[derive(Debug)]
pub struct Database {
    pub owner: String,
    /// Number of the encoding.
    pub encoding: String,
    pub locale: String,
    pub template: bool,
    /// Whether the owner may make tables in schema `public`; from PostgreSQL 15 on, PUBLIC may not.
    pub public_closed: bool,
}

struct Asked<'a> {
    connection: &'a str,
}

impl Asked<'_> {
    fn query(&self, relation: &str, columns: &[&str], equal: &[(&str, &str)]) -> Query {
        Query {
            connection: self.connection.to_owned(),
            database: None,
            relation: relation.to_owned(),
            columns: columns.iter().map(|column| (*column).to_owned()).collect(),
            where_equal: equal
                .iter()
                .map(|(column, value)| Equal { column: (*column).to_owned(), value: (*value).to_owned() })
                .collect(),
        }
    }
}

type Row = Vec<Option<String>>;

/// Looks. The error is for the person at the terminal. Into the database itself, which takes a session of its own, only
/// where that is needed: for its extensions, and before it is taken over.
pub fn look(connection: &Connection, wish: &Wish, is_ours: bool) -> Result<Look, Vec<Diagnostic>> {
    let place = Section::settings(connection);
    let failed = |failure: Failure| vec![place.error(explain(&failure))];
    let asked = Asked { connection: &connection.name };
    let setting = |name| asked.query("pg_settings", &["setting", "sourcefile", "sourceline"], &[("name", name)]);
    let inside = |query: Query| Query { database: Some(wish.database.clone()), ..query };
    let mut queries = vec![
        asked.query(
            "pg_roles",
            &["rolcanlogin", "rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls", "oid"],
            &[("rolname", &wish.role)],
        ),
        asked.query(
            "pg_database",
            &["datdba", "encoding", "datcollate", "datistemplate"],
            &[("datname", &wish.database)],
        ),
        setting("listen_addresses"),
    ];
    let fixed = queries.len();
    if !wish.extensions.is_empty() || !is_ours {
        queries.push(inside(asked.query("pg_extension", &["extname"], &[])));
        queries.push(inside(asked.query("pg_namespace", &["nspowner"], &[("nspname", "public")])));
        queries.push(asked.query("pg_settings", &["setting"], &[("name", "server_version_num")]));
    }
    let inner = queries.len();
    let available = |name: &String| asked.query("pg_available_extensions", &["name"], &[("name", name)]);
    queries.extend(wish.extensions.iter().map(available));
    let mut answers = Vec::new();
    for answer in sql::read(&queries) {
        answers.push(match answer.map_err(failed)? {
            Answer::Rows(rows) => rows,
            Answer::NoSuchDatabase => Vec::new(),
        });
    }
    let [role, database, listen] = &answers[..fixed] else {
        return Err(vec![place.error("the host did not answer every question")]);
    };
    let (extensions, public, version) = match &answers[fixed..inner] {
        [extensions, public, version] => (extensions.as_slice(), public.as_slice(), version.as_slice()),
        _ => (&[][..], &[][..], &[][..]),
    };
    let role_row = role.first();
    let unavailable = wish.extensions.iter().zip(&answers[inner..]).filter(|(_, rows)| rows.is_empty());
    let rules = sql::hba(&connection.name).map_err(failed)?;
    Ok(Look {
        role: role_row.map(|row| role_of(row, &asked, wish)).transpose().map_err(failed)?,
        database: match database.first() {
            Some(row) => Some(database_of(row, role_row, wish, &asked, public, version).map_err(failed)?),
            None => None,
        },
        extensions: extensions.iter().map(|row| cell(row, 0)).filter(|name| wish.extensions.contains(name)).collect(),
        unavailable: unavailable.map(|(name, _)| name.clone()).collect(),
        listen: listen.first().map(setting_of).unwrap_or_default(),
        file: rules.file,
        rules: rules.rules.into_iter().map(Rule::from).collect(),
        broken: rules
            .broken
            .into_iter()
            .map(|line| format!("{} line {}: {}", line.file, line.line, line.error))
            .collect(),
    })
}

fn role_of(row: &Row, asked: &Asked<'_>, wish: &Wish) -> Result<Role, Failure> {
    const MORE: [&str; 4] = ["CREATEROLE", "CREATEDB", "REPLICATION", "BYPASSRLS"];
    let password = match wish.password {
        None => Sameness::Same,
        Some(password) => {
            let question =
                PasswordQuestion { connection: asked.connection.to_owned(), role: wish.role.clone(), password };
            sql::passwords(&[question]).pop().unwrap_or(Err(Failure::TimedOut))?
        }
    };
    Ok(Role {
        login: is(row, 0),
        superuser: is(row, 1),
        more_rights: MORE.into_iter().zip(2..).filter(|(_, at)| is(row, *at)).map(|(name, _)| name).collect(),
        password,
    })
}

fn database_of(
    row: &Row,
    role: Option<&Row>,
    wish: &Wish,
    asked: &Asked<'_>,
    public: &[Row],
    version: &[Row],
) -> Result<Database, Failure> {
    let owner_oid = cell(row, 0);
    let owner = match role.is_some_and(|role| cell(role, 6) == owner_oid) {
        true => wish.role.clone(),
        false => name_of_role(asked, &owner_oid)?,
    };
    // `pg_database_owner`, of which the owner of the database is always a member, has this number everywhere.
    const DATABASE_OWNER: &str = "6171";
    let closes =
        version.first().and_then(|row| cell(row, 0).parse::<u32>().ok()).is_some_and(|number| number >= 150_000);
    let schema_owner = public.first().map(|row| cell(row, 0));
    let public_closed = closes && schema_owner.is_some_and(|oid| oid != DATABASE_OWNER && oid != owner_oid);
    Ok(Database { owner, encoding: cell(row, 1), locale: cell(row, 2), template: is(row, 3), public_closed })
}

fn name_of_role(asked: &Asked<'_>, oid: &str) -> Result<String, Failure> {
    match sql::read(&[asked.query("pg_roles", &["rolname"], &[("oid", oid)])]).pop() {
        Some(Ok(Answer::Rows(rows))) => Ok(rows.first().map(|row| cell(row, 0)).unwrap_or_default()),
        Some(Ok(Answer::NoSuchDatabase)) | None => Ok(String::new()),
        Some(Err(failure)) => Err(failure),
    }
}

fn setting_of(row: &Row) -> (String, Option<String>) {
    let place = match (row.get(1).cloned().flatten(), row.get(2).cloned().flatten()) {
        (Some(file), Some(line)) => Some(format!("{file} line {line}")),
        _ => None,
    };
    (cell(row, 0), place)
}

fn cell(row: &Row, at: usize) -> String {
    row.get(at).cloned().flatten().unwrap_or_default()
}

fn is(row: &Row, at: usize) -> bool {
    cell(row, at) == "true"
}

impl From<sql::Rule> for Rule {
    fn from(rule: sql::Rule) -> Self {
        Self {
            line: rule.line,
            kind: rule.kind,
            databases: rule.databases,
            users: rule.users,
            address: rule.address,
            method: rule.method,
            ours: rule.ours,
        }
    }
}
