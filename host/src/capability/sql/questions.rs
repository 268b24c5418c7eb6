//! Questions to PostgreSQL servers.

use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use tokio_postgres::error::SqlState;

use super::{
    ConfigHere,
    client::{SqlError, identifier},
    hba, verifier,
};
use crate::{
    document::block::Markers,
    model::{
        Failure, Permit, Presence, Sameness, WriteMode,
        desired::Admission,
        value::{Address, Target},
    },
    world::{Connections, World, state::PlaceRecord},
};

/// See `sql.query` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SqlQuery {
    pub connection: String,
    pub database: Option<String>,
    pub relation: String,
    pub columns: Vec<String>,
    pub where_equal: Vec<(String, String)>,
}

/// See `sql.answer` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum SqlAnswer {
    Rows(Vec<Vec<Option<String>>>),
    NoSuchDatabase,
}

/// See `sql.password-question` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct PasswordQuestion {
    pub connection: String,
    pub role: String,
    pub password: Target,
}

/// Rules of the named `postgresql` connection's server; see `sql.hba` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HbaQuestion {
    /// The connection.
    pub connection: String,
}

/// Something with the name of the stack and the instance that it is for: marker lines carry both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked<T> {
    /// Name of the stack.
    pub stack: String,
    /// The instance.
    pub instance: Address,
    /// What is asked or wanted.
    pub what: T,
}

impl<T> Marked<T> {
    /// The marker lines, in a file whose comments start with `#`.
    pub fn markers(&self) -> Markers {
        Markers::new("#", &self.stack, &self.instance)
    }
}

/// See `sql.rules` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct HbaRules {
    pub file: String,
    pub rules: Vec<HbaRule>,
    pub broken: Vec<HbaBroken>,
}

/// See `sql.rule` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct HbaRule {
    pub line: u32,
    pub kind: String,
    pub databases: Vec<String>,
    pub users: Vec<String>,
    pub address: Option<String>,
    pub method: String,
    pub options: Vec<String>,
    pub ours: bool,
}

/// See `sql.broken-line` in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct HbaBroken {
    pub file: String,
    pub line: u32,
    pub error: String,
}

impl World {
    /// Rows of a granted catalogue relation, in the order of their columns.
    pub async fn sql_read(&self, permit: &Permit<SqlQuery>) -> Result<SqlAnswer, Failure> {
        let query = permit.subject();
        self.memo.once(query.says(), async { Ok(self.servers().rows(query).await?.as_ref().clone()) }).await
    }

    /// Whether a role's password is the wanted one. Nothing is decrypted when state remembers that this very verifier was
    /// made of this very secret.
    pub async fn sql_password(&self, permit: &Permit<PasswordQuestion>) -> Result<Sameness, Failure> {
        let PasswordQuestion { connection, role, password } = permit.subject();
        self.memo
            .once(format!("sql {connection} password of {role} is {password}"), async {
                let stored = self.servers().verifier(connection, role).await?;
                let Some(stored) = stored.as_ref() else { return Ok(Sameness::Absent) };
                let fingerprint = match self.vault.presence(password.source())? {
                    Presence::Present(fingerprint) => fingerprint,
                    Presence::Absent => return Ok(Sameness::NotYetKnown),
                    Presence::Lost(why) => return Err(Failure::Other(why)),
                };
                let (place, record) = verifier::record(connection, role, fingerprint, stored);
                let remembered = self.state.place(&place).map_err(|error| Failure::Other(format!("{error:#}")))?;
                if remembered.as_ref() == Some(&record) {
                    return Ok(Sameness::Same);
                }
                if !verifier::is_of(stored, self.vault.reveal(password.source())?.as_bytes()) {
                    return Ok(Sameness::Different);
                }
                self.remember(&place, &record)?;
                Ok(Sameness::Same)
            })
            .await
    }

    /// The rules as the server parses its file now.
    pub async fn sql_hba(&self, permit: &Permit<Marked<HbaQuestion>>) -> Result<HbaRules, Failure> {
        let marked = permit.subject();
        let Marked { stack, instance, what: HbaQuestion { connection } } = marked;
        self.memo
            .once(format!("sql {connection} pg_hba.conf, {stack} {instance}"), async {
                hba::known_rules(self.servers(), connection, Some(&marked.markers())).await
            })
            .await
    }

    /// Whether the instance's blocks are as wanted.
    pub async fn sql_compare_admission(&self, permit: &Permit<Marked<Admission>>) -> Result<Sameness, Failure> {
        let marked = permit.subject();
        let Marked { stack, instance, what } = marked;
        let wanted = [(hba::ConfigFile::Hba, what.hba_text()), (hba::ConfigFile::Ident, what.ident_text())];
        // What is wanted makes the question another one, and is too long to be told.
        let digest =
            self.vault.digest(format!("{wanted:?}").as_bytes()).map_err(|why| Failure::Other(why.to_string()))?;
        let question =
            format!("sql {}: the rules of {stack} {instance} ({})", what.connection, &digest[..8.min(digest.len())]);
        self.memo
            .once(question, async {
                let server = self.connections.postgresql(&what.connection)?;
                let (mut absent, mut same) = (true, true);
                let files = wanted.iter().map(|(which, _)| self.servers().config_file(&what.connection, *which));
                let files = try_join_all(files).await?;
                for (file, (_, text)) in files.iter().zip(&wanted) {
                    let found = marked.markers().find(&file.bytes).map_err(|damage| file.damaged(&damage))?;
                    absent &= found.is_none();
                    if found.unwrap_or_default() != text.as_bytes() {
                        same = false;
                        refuse_unwritable(file, server.settings().write)?;
                    }
                }
                Ok(match (same, absent) {
                    (true, _) => Sameness::Same,
                    (false, true) => Sameness::Absent,
                    (false, false) => Sameness::Different,
                })
            })
            .await
    }

    /// What the server keeps of a role's password; none when the role is absent or has none. Never leaves the host.
    pub(crate) async fn sql_verifier(&self, connection: &str, role: &str) -> Result<Option<String>, Failure> {
        verifier(&self.connections, connection, role).await
    }

    /// Remembers what a role's password was set to, so that telling sameness decrypts nothing.
    pub(crate) fn sql_remember_password(
        &self,
        connection: &str,
        role: &str,
        password: &Target,
        verifier: &str,
    ) -> Result<(), Failure> {
        let Presence::Present(fingerprint) = self.vault.presence(password.source())? else { return Ok(()) };
        let (place, record) = verifier::record(connection, role, fingerprint, verifier);
        self.remember(&place, &record)
    }

    fn remember(&self, place: &str, record: &PlaceRecord) -> Result<(), Failure> {
        self.state.set_place(place, Some(record)).map_err(|error| Failure::Other(format!("{error:#}")))
    }
}

pub(crate) async fn rows(connections: &Connections, query: &SqlQuery) -> Result<SqlAnswer, Failure> {
    let server = connections.postgresql(&query.connection)?;
    let session = match server.session(query.database.as_deref()).await {
        Ok(session) => session,
        Err(SqlError::NoSuchDatabase(_)) if query.database.is_some() => return Ok(SqlAnswer::NoSuchDatabase),
        Err(error) => return Err(error.into()),
    };
    let values: Vec<&str> = query.where_equal.iter().map(|(_, value)| value.as_str()).collect();
    let rows = session.ask(&query.sql(), &values).await?;
    let cell = |row: &tokio_postgres::Row, at: usize| {
        row.try_get(at).map_err(|error| Failure::Other(format!("PostgreSQL's answer can't be read: {error}")))
    };
    let row = |row: &tokio_postgres::Row| (0..query.columns.len()).map(|at| cell(row, at)).collect();
    Ok(SqlAnswer::Rows(rows.iter().map(row).collect::<Result<_, Failure>>()?))
}

pub(crate) async fn verifier(connections: &Connections, server: &str, role: &str) -> Result<Option<String>, Failure> {
    let connection = connections.postgresql(server)?;
    let session = connection.session(None).await?;
    const ASK: &str = "SELECT rolpassword FROM pg_catalog.pg_authid \
                       WHERE rolname OPERATOR(pg_catalog.=) $1::pg_catalog.text";
    let rows = session.ask(ASK, &[role]).await.map_err(|error| match error.is(&SqlState::INSUFFICIENT_PRIVILEGE) {
        true => Failure::Other(format!(
            "role {} may not see whether {role}'s password is the right one: only a superuser may (connection `{server}`)",
            connection.settings().role
        )),
        false => error.into(),
    })?;
    Ok(rows.first().and_then(|row| row.try_get(0).ok().flatten()))
}

/// What apply could not write is said when the plan is made.
fn refuse_unwritable(file: &hba::ServerFile, write: WriteMode) -> Result<(), Failure> {
    match write {
        WriteMode::Print => Ok(()),
        WriteMode::Files => match ConfigHere::open(file) {
            Ok(_) => Ok(()),
            Err(error) => Err(Failure::Other(format!("{error:#}"))),
        },
    }
}

impl SqlQuery {
    /// Every value is compared and answered in its text form, and the rows come in a fixed order.
    fn sql(&self) -> String {
        let columns: Vec<_> =
            self.columns.iter().map(|column| format!("{}::pg_catalog.text", identifier(column))).collect();
        let order: Vec<_> = (1..=columns.len()).map(|at| at.to_string()).collect();
        let mut sql = format!("SELECT {} FROM pg_catalog.{}", columns.join(", "), identifier(&self.relation));
        for (at, (column, _)) in self.where_equal.iter().enumerate() {
            let word = if at == 0 { "WHERE" } else { "AND" };
            sql.push_str(&format!(
                " {word} {}::pg_catalog.text OPERATOR(pg_catalog.=) ${}",
                identifier(column),
                at + 1
            ));
        }
        sql.push_str(&format!(" ORDER BY {}", order.join(", ")));
        sql
    }

    /// One line, unique for what is asked.
    fn says(&self) -> String {
        let Self { connection, database, relation, columns, where_equal } = self;
        let database = database.as_deref().map(|name| format!(" in {}", name.escape_debug())).unwrap_or_default();
        let equal = |(column, value): &(String, String)| format!("{column} is `{}`", value.escape_debug());
        let equal: Vec<String> = where_equal.iter().map(equal).collect();
        format!("sql {connection}{database} {relation}: {} where {}", columns.join(", "), equal.join(" and "))
    }
}
