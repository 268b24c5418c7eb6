//! Typed statements: carried out, and taken back.

use std::sync::Arc;

use anyhow::anyhow;
use serde::{Deserialize, Serialize};
use tokio_postgres::error::SqlState;

use super::client::{Postgresql, SqlError, identifier, literal};
use crate::{
    capability::{
        Acting, Destroys, Facts, Gate, Preview, PreviewLine, Repeat, Settles, Sign, StepFailure, StepKind, WrittenBy,
    },
    model::{Denial, Permit, desired::Database, value::Target},
};

/// A typed statement for a PostgreSQL connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SqlStep {
    pub connection: String,
    pub statement: Statement,
}

/// The statements that the host can render; each is documented by its constructor in the WIT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Statement {
    CreateRole { role: String },
    AllowLogin { role: String },
    SetPassword { role: String, verifier: Target },
    DropRole { role: String },
    CreateDatabase(Database),
    SetOwner { database: String, owner: String },
    DropDatabase { database: String },
    CreateExtension { database: String, extension: String },
}

/// What a statement found. A verifier is in it, so the journal seals it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SqlBefore {
    /// What the statement is about was not there.
    Missing,
    /// It was, and the statement does not change it.
    Present,
    /// The role.
    Role {
        /// Whether it may log in.
        login: bool,
        /// Its verifier, if it has a password.
        verifier: Option<String>,
    },
    /// The database's owner.
    Owner(String),
}

impl SqlStep {
    /// The statement, with the verifier by name.
    pub fn headline(&self) -> String {
        let verifier = match &self.statement {
            Statement::SetPassword { verifier, .. } => format!("({verifier})"),
            _ => String::new(),
        };
        self.statement.sql(&verifier)
    }
}

impl StepKind for SqlStep {
    type Before = SqlBefore;

    fn permit(&self, gate: &Gate) -> Result<(), Denial> {
        gate.sql_change(self.clone()).map(|_| ())
    }

    async fn preview(&self, _acting: &Acting<'_>) -> Preview {
        let place = match self.statement.database() {
            Some(database) => format!("on {}, in database {database}", self.connection),
            None => format!("on {}", self.connection),
        };
        let text = place.escape_debug().to_string();
        Preview { headline: self.headline(), lines: vec![PreviewLine { sign: Sign::Same, text }] }
    }

    async fn before(&self, acting: &Acting<'_>) -> Result<SqlBefore, StepFailure> {
        self.permit(acting.gate)?;
        let server = self.server(acting)?;
        self.guard(&server, acting).await?;
        Ok(match &self.statement {
            Statement::CreateRole { role } => presence(role_facts(&server, role, acting).await?.is_some()),
            Statement::AllowLogin { role } | Statement::SetPassword { role, .. } | Statement::DropRole { role } => {
                match role_facts(&server, role, acting).await? {
                    None => SqlBefore::Missing,
                    Some(role_facts) => {
                        let verifier = acting.world.sql_verifier(&self.connection, role).await?;
                        SqlBefore::Role { login: role_facts.login, verifier }
                    }
                }
            }
            Statement::CreateDatabase(database) => {
                presence(database_facts(&server, &database.name, acting).await?.is_some())
            }
            Statement::SetOwner { database, .. } | Statement::DropDatabase { database } => {
                let facts = database_facts(&server, database, acting).await?;
                facts.map_or(SqlBefore::Missing, |facts| SqlBefore::Owner(facts.owner))
            }
            Statement::CreateExtension { database, extension } => {
                presence(has_extension(&server, database, extension, acting).await?)
            }
        })
    }

    async fn carry_out(&self, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let permit = acting.gate.sql_change(self.clone())?;
        let SqlStep { connection, statement } = permit.subject();
        let server = self.server(acting)?;
        self.guard(&server, acting).await?;
        // Somebody was faster, or a run that was killed; an extension may have come with the template.
        if self.is_done(acting).await? {
            return Ok(());
        }
        match statement {
            Statement::SetPassword { role, verifier: of } => {
                let verifier = acting.world.vault.reveal(of)?;
                refuse_other_than_verifier(&verifier)?;
                run(&server, &permit, &statement.sql(&verifier), acting).await?;
                Ok(acting.world.sql_remember_password(connection, role, of, &verifier)?)
            }
            Statement::CreateExtension { .. } => {
                let made = server.create_extension(&permit, &statement.sql("")).await;
                made.map_err(|error| said(&error, acting))
            }
            Statement::DropDatabase { database } => {
                server.leave(database).await;
                run(&server, &permit, &statement.sql(""), acting).await
            }
            _ => run(&server, &permit, &statement.sql(""), acting).await,
        }
    }

    async fn revert(&self, before: &SqlBefore, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let permit = &acting.gate.sql_change(self.clone())?;
        let server = self.server(acting)?;
        let has_role = async |role| Ok::<_, StepFailure>(role_facts(&server, role, acting).await?.is_some());
        let has_database = async |name| Ok::<_, StepFailure>(database_facts(&server, name, acting).await?.is_some());
        // What is gone has nothing left to be taken back.
        match (&permit.subject().statement, before) {
            (Statement::CreateRole { role }, SqlBefore::Missing) => drop_new_role(&server, permit, role, acting).await,
            (Statement::AllowLogin { role }, SqlBefore::Role { login: false, .. }) if has_role(role).await? => {
                run(&server, permit, &format!("ALTER ROLE {} NOLOGIN", identifier(role)), acting).await
            }
            (Statement::SetPassword { role, .. }, SqlBefore::Role { verifier, .. }) if has_role(role).await? => {
                let old = verifier.as_deref().map_or("NULL".to_owned(), literal);
                run(&server, permit, &format!("ALTER ROLE {} PASSWORD {old}", identifier(role)), acting).await
            }
            (Statement::DropRole { role }, SqlBefore::Role { login, verifier }) if !has_role(role).await? => {
                let login = if *login { "LOGIN" } else { "NOLOGIN" };
                let password = verifier.as_deref().map(|old| format!(" PASSWORD {}", literal(old))).unwrap_or_default();
                run(&server, permit, &format!("CREATE ROLE {} {login}{password}", identifier(role)), acting).await
            }
            (Statement::CreateDatabase(database), SqlBefore::Missing) => {
                drop_new_database(&server, permit, &database.name, acting).await
            }
            (Statement::SetOwner { database, .. }, SqlBefore::Owner(owner)) if has_database(database).await? => {
                let sql = format!("ALTER DATABASE {} OWNER TO {}", identifier(database), identifier(owner));
                run(&server, permit, &sql, acting).await
            }
            (Statement::CreateExtension { database, extension }, SqlBefore::Missing)
                if has_database(database).await? =>
            {
                let session = server.session(Some(database)).await.map_err(|error| said(&error, acting))?;
                let sql = format!("DROP EXTENSION IF EXISTS {}", identifier(extension));
                session.run(permit, &sql).await.map_err(|error| said(&error, acting))
            }
            (Statement::DropDatabase { database }, SqlBefore::Owner(_)) if !has_database(database).await? => {
                Err(anyhow!("the database {database} is gone: a dropped database can't be brought back").into())
            }
            _ => Ok(()),
        }
    }

    fn repeat(&self) -> Repeat {
        match self.statement {
            Statement::AllowLogin { .. } | Statement::SetPassword { .. } | Statement::SetOwner { .. } => {
                Repeat::Repeatable
            }
            _ => Repeat::Detectable,
        }
    }

    async fn is_done(&self, acting: &Acting<'_>) -> Result<bool, StepFailure> {
        let server = self.server(acting)?;
        Ok(match &self.statement {
            // Exactly what the statement makes: whatever else has that name may be somebody else's.
            Statement::CreateRole { role } => {
                role_facts(&server, role, acting).await?.is_some_and(|facts| facts.login && !facts.more)
                    && acting.world.sql_verifier(&self.connection, role).await?.is_none()
            }
            Statement::DropRole { role } => role_facts(&server, role, acting).await?.is_none(),
            Statement::AllowLogin { role } => role_facts(&server, role, acting).await?.is_some_and(|role| role.login),
            Statement::CreateDatabase(Database { name, owner, .. }) => {
                database_facts(&server, name, acting).await?.is_some_and(|facts| facts.owner == *owner)
            }
            Statement::DropDatabase { database } => database_facts(&server, database, acting).await?.is_none(),
            Statement::SetOwner { database, owner } => {
                database_facts(&server, database, acting).await?.is_some_and(|facts| facts.owner == *owner)
            }
            Statement::CreateExtension { database, extension } => {
                database_facts(&server, database, acting).await?.is_some()
                    && has_extension(&server, database, extension, acting).await?
            }
            // Whoever knows whether it is the same password has had it decrypted; setting it again does no harm.
            Statement::SetPassword { .. } => false,
        })
    }

    fn facts(&self) -> Facts<'_> {
        let dropped = |kind, name| (Vec::new(), Destroys::Data, Some([self.connection.as_str(), kind, name]));
        let (fills, destroys, takes) = match &self.statement {
            Statement::SetPassword { verifier, .. } => (vec![verifier], Destroys::Nothing, None),
            Statement::DropRole { role } => dropped("role", role),
            Statement::DropDatabase { database } => dropped("database", database),
            Statement::CreateRole { .. }
            | Statement::AllowLogin { .. }
            | Statement::CreateDatabase(_)
            | Statement::SetOwner { .. }
            | Statement::CreateExtension { .. } => (Vec::new(), Destroys::Nothing, None),
        };
        Facts {
            fills,
            place: Some(format!("server {}", self.connection)),
            makes: Vec::new(),
            path: None,
            written_by: WrittenBy::Stackrun,
            destroys,
            settles: Settles::No,
            takes,
        }
    }
}

impl SqlStep {
    fn server(&self, acting: &Acting<'_>) -> Result<Arc<Postgresql>, StepFailure> {
        acting.world.connections.postgresql(&self.connection).map_err(StepFailure::from)
    }

    /// Whatever the grant says: a superuser is never changed, nor what new databases are copied from.
    async fn guard(&self, server: &Postgresql, acting: &Acting<'_>) -> Result<(), StepFailure> {
        let (roles, database): (Vec<&str>, _) = match &self.statement {
            Statement::CreateRole { .. } => (vec![], None),
            Statement::AllowLogin { role } | Statement::SetPassword { role, .. } | Statement::DropRole { role } => {
                (vec![role], None)
            }
            Statement::CreateDatabase(database) => (vec![&database.owner], None),
            Statement::SetOwner { database, owner } => (vec![owner], Some(database)),
            Statement::DropDatabase { database } | Statement::CreateExtension { database, .. } => {
                (vec![], Some(database))
            }
        };
        for role in roles {
            if role_facts(server, role, acting).await?.is_some_and(|facts| facts.superuser) {
                return Err(anyhow!("role {role} is a superuser of the server: stackrun leaves those alone").into());
            }
        }
        if let Some(database) = database
            && database_facts(server, database, acting).await?.is_some_and(|facts| facts.template)
        {
            return Err(anyhow!("database {database} is a template of the server: stackrun leaves those alone").into());
        }
        Ok(())
    }
}

struct RoleFacts {
    superuser: bool,
    login: bool,
    /// Whether it may do anything beside logging in.
    more: bool,
}

struct DatabaseFacts {
    owner: String,
    template: bool,
}

async fn role_facts(server: &Postgresql, role: &str, acting: &Acting<'_>) -> Result<Option<RoleFacts>, StepFailure> {
    const ASK: &str = "SELECT rolsuper, rolcanlogin, \
                       rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls FROM pg_catalog.pg_roles \
                       WHERE rolname OPERATOR(pg_catalog.=) $1::pg_catalog.text";
    let rows = ask(server, None, ASK, &[role], acting).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(RoleFacts { superuser: cell(row, 0)?, login: cell(row, 1)?, more: cell(row, 2)? }))
}

async fn database_facts(
    server: &Postgresql,
    database: &str,
    acting: &Acting<'_>,
) -> Result<Option<DatabaseFacts>, StepFailure> {
    const ASK: &str = "SELECT pg_catalog.pg_get_userbyid(datdba)::pg_catalog.text, datistemplate \
                       FROM pg_catalog.pg_database WHERE datname OPERATOR(pg_catalog.=) $1::pg_catalog.text";
    let rows = ask(server, None, ASK, &[database], acting).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(DatabaseFacts { owner: cell(row, 0)?, template: cell(row, 1)? }))
}

async fn has_extension(
    server: &Postgresql,
    database: &str,
    extension: &str,
    acting: &Acting<'_>,
) -> Result<bool, StepFailure> {
    const ASK: &str = "SELECT 1 FROM pg_catalog.pg_extension \
                       WHERE extname OPERATOR(pg_catalog.=) $1::pg_catalog.text";
    Ok(!ask(server, Some(database), ASK, &[extension], acting).await?.is_empty())
}

/// A role that this run has made. What has come to own something in the meantime stays, as a database with data in it
/// does: the next run adopts it.
async fn drop_new_role(
    server: &Postgresql,
    permit: &Permit<SqlStep>,
    role: &str,
    acting: &Acting<'_>,
) -> Result<(), StepFailure> {
    let session = server.session(None).await.map_err(|error| said(&error, acting))?;
    match session.run(permit, &format!("DROP ROLE IF EXISTS {}", identifier(role))).await {
        Err(error) if error.is(&SqlState::DEPENDENT_OBJECTS_STILL_EXIST) => {
            tracing::warn!("role {role} stays: something belongs to it by now");
            Ok(())
        }
        done => done.map_err(|error| said(&error, acting)),
    }
}

/// A database that this run has made; one that holds anything by now stays.
async fn drop_new_database(
    server: &Postgresql,
    permit: &Permit<SqlStep>,
    database: &str,
    acting: &Acting<'_>,
) -> Result<(), StepFailure> {
    const COUNT: &str = "SELECT 1 FROM pg_catalog.pg_class c \
                         JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
                         WHERE n.nspname OPERATOR(pg_catalog.<>) ALL (ARRAY['pg_catalog', 'information_schema']) \
                         AND n.nspname OPERATOR(pg_catalog.!~) '^pg_toast' \
                         AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.objid OPERATOR(pg_catalog.=) c.oid \
                         AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass \
                         AND d.deptype OPERATOR(pg_catalog.=) 'e') LIMIT 1";
    if database_facts(server, database, acting).await?.is_none() {
        return Ok(());
    }
    if !ask(server, Some(database), COUNT, &[], acting).await?.is_empty() {
        tracing::warn!("database {database} stays: it holds data by now");
        return Ok(());
    }
    server.leave(database).await;
    run(server, permit, &format!("DROP DATABASE {}", identifier(database)), acting).await
}

/// The only thing that ever stands in a password statement: no plugin can have a password itself sent.
fn refuse_other_than_verifier(verifier: &str) -> Result<(), StepFailure> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '$' | ':' | '-');
    match verifier.starts_with("SCRAM-SHA-256$") && verifier.chars().all(plain) {
        true => Ok(()),
        false => Err(anyhow!("what should be set as a password is no SCRAM-SHA-256 verifier").into()),
    }
}

async fn ask(
    server: &Postgresql,
    database: Option<&str>,
    sql: &str,
    parameters: &[&str],
    acting: &Acting<'_>,
) -> Result<Vec<tokio_postgres::Row>, StepFailure> {
    let session = server.session(database).await.map_err(|error| said(&error, acting))?;
    session.ask(sql, parameters).await.map_err(|error| said(&error, acting))
}

async fn run(server: &Postgresql, permit: &Permit<SqlStep>, sql: &str, acting: &Acting<'_>) -> Result<(), StepFailure> {
    let session = server.session(None).await.map_err(|error| said(&error, acting))?;
    session.run(permit, sql).await.map_err(|error| said(&error, acting))
}

fn cell<'r, T: tokio_postgres::types::FromSql<'r>>(row: &'r tokio_postgres::Row, at: usize) -> Result<T, StepFailure> {
    row.try_get(at).map_err(|error| anyhow!("PostgreSQL's answer can't be read: {error}").into())
}

fn presence(there: bool) -> SqlBefore {
    if there { SqlBefore::Present } else { SqlBefore::Missing }
}

fn said(error: &SqlError, acting: &Acting<'_>) -> StepFailure {
    anyhow!("{}", acting.world.vault.redact(&error.to_string())).into()
}
