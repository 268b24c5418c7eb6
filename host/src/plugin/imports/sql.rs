//! `sql`: questions to PostgreSQL, typed statements, admission.

use wasmtime::component::Resource;

use super::ask::Answer;
use crate::{
    capability::{
        Condition, ConditionKind, Gate, Step, Vantage,
        sql::{
            HbaQuestion, HbaRules, PasswordQuestion, RevokeAdmission, SqlAnswer, SqlLogin, SqlQuery, SqlReload,
            SqlStep, Statement,
        },
    },
    model::{
        Sameness,
        desired::{Admission, Database, HbaEntry, IdentEntry},
    },
    plugin::{bindings::stackrun::plugin::sql as wit, call::Call},
    world::World,
};

impl wit::Host for Call {
    fn read(&mut self, queries: Vec<wit::Query>) -> wasmtime::Result<Vec<Answer<SqlAnswer>>> {
        let queries = queries.into_iter().map(query).collect();
        self.ask_each("sql.read", queries, Gate::sql_read, World::sql_read)
    }

    fn passwords(&mut self, questions: Vec<wit::PasswordQuestion>) -> wasmtime::Result<Vec<Answer<Sameness>>> {
        let questions = questions.into_iter().map(|wit::PasswordQuestion { connection, role, password }| {
            Ok(PasswordQuestion { connection, role, password: self.target(password)? })
        });
        let questions = questions.collect::<wasmtime::Result<_>>()?;
        self.ask_each("sql.passwords", questions, Gate::sql_password, World::sql_password)
    }

    fn hba(&mut self, connection: String) -> wasmtime::Result<Answer<HbaRules>> {
        self.ask("sql.hba", HbaQuestion { connection }, Gate::sql_hba, World::sql_hba)
    }

    fn compare_admission(&mut self, admission: Resource<Admission>) -> wasmtime::Result<Answer<Sameness>> {
        let admission = self.get(&admission)?;
        self.ask("sql.compare-admission", admission, Gate::sql_admission, World::sql_compare_admission)
    }

    fn admit(&mut self, admission: Resource<Admission>) -> wasmtime::Result<Resource<Step>> {
        let admission = self.get(&admission)?;
        self.step(Step::Admit(admission))
    }

    fn revoke_admission(&mut self, connection: String) -> wasmtime::Result<Resource<Step>> {
        self.step(Step::RevokeAdmission(RevokeAdmission { connection }))
    }

    fn create_role(&mut self, connection: String, role: String) -> wasmtime::Result<Resource<Step>> {
        self.statement(connection, Statement::CreateRole { role })
    }

    fn allow_login(&mut self, connection: String, role: String) -> wasmtime::Result<Resource<Step>> {
        self.statement(connection, Statement::AllowLogin { role })
    }

    fn set_password(&mut self, connection: String, role: String, verifier: u32) -> wasmtime::Result<Resource<Step>> {
        let verifier = self.target(verifier)?;
        self.statement(connection, Statement::SetPassword { role, verifier })
    }

    fn drop_role(&mut self, connection: String, role: String) -> wasmtime::Result<Resource<Step>> {
        self.statement(connection, Statement::DropRole { role })
    }

    fn create_database(&mut self, database: Resource<Database>) -> wasmtime::Result<Resource<Step>> {
        let database = self.get(&database)?;
        self.statement(database.connection.clone(), Statement::CreateDatabase(database))
    }

    fn set_owner(&mut self, connection: String, database: String, owner: String) -> wasmtime::Result<Resource<Step>> {
        self.statement(connection, Statement::SetOwner { database, owner })
    }

    fn drop_database(&mut self, connection: String, database: String) -> wasmtime::Result<Resource<Step>> {
        self.statement(connection, Statement::DropDatabase { database })
    }

    fn create_extension(
        &mut self,
        connection: String,
        database: String,
        extension: String,
    ) -> wasmtime::Result<Resource<Step>> {
        self.statement(connection, Statement::CreateExtension { database, extension })
    }

    fn reload(&mut self, connection: String) -> wasmtime::Result<Resource<Step>> {
        self.step(Step::SqlReload(SqlReload { connection }))
    }

    fn login(
        &mut self,
        connection: String,
        database: String,
        role: String,
        password: Option<u32>,
    ) -> wasmtime::Result<Resource<Condition>> {
        let password = password.map(|password| self.target(password)).transpose()?;
        let kind = ConditionKind::SqlLogin(SqlLogin { connection, database, role, password });
        self.condition(Condition { kind, vantage: Vantage::Host })
    }
}

impl Call {
    fn statement(&mut self, connection: String, statement: Statement) -> wasmtime::Result<Resource<Step>> {
        self.step(Step::Sql(SqlStep { connection, statement }))
    }
}

fn query(query: wit::Query) -> SqlQuery {
    let wit::Query { connection, database, relation, columns, where_equal } = query;
    let where_equal = where_equal.into_iter().map(|equal| (equal.column, equal.value)).collect();
    SqlQuery { connection, database, relation, columns, where_equal }
}

impl wit::HostAdmission for Call {
    fn new(&mut self, connection: String) -> wasmtime::Result<Resource<Admission>> {
        self.push(Admission { connection, ..Admission::default() })
    }

    fn host(
        &mut self,
        admission: Resource<Admission>,
        database: String,
        role: String,
        network: String,
        method: String,
    ) -> wasmtime::Result<()> {
        let entry = HbaEntry { database, role, network: Some(network), method, map: None };
        self.edit(&admission, |admission| admission.hba.push(entry))
    }

    fn local(
        &mut self,
        admission: Resource<Admission>,
        database: String,
        role: String,
        method: String,
        map: Option<String>,
    ) -> wasmtime::Result<()> {
        let entry = HbaEntry { database, role, network: None, method, map };
        self.edit(&admission, |admission| admission.hba.push(entry))
    }

    fn ident(
        &mut self,
        admission: Resource<Admission>,
        map: String,
        system_user: String,
        role: String,
    ) -> wasmtime::Result<()> {
        self.edit(&admission, |admission| admission.ident.push(IdentEntry { map, system_user, role }))
    }

    fn drop(&mut self, admission: Resource<Admission>) -> wasmtime::Result<()> {
        self.dropped(admission)
    }
}

impl wit::HostDatabase for Call {
    fn new(&mut self, connection: String, name: String, owner: String) -> wasmtime::Result<Resource<Database>> {
        self.push(Database { connection, name, owner, encoding: None, locale: None, template: None })
    }

    fn set_encoding(&mut self, database: Resource<Database>, encoding: String) -> wasmtime::Result<()> {
        self.edit(&database, |database| database.encoding = Some(encoding))
    }

    fn set_locale(&mut self, database: Resource<Database>, locale: String) -> wasmtime::Result<()> {
        self.edit(&database, |database| database.locale = Some(locale))
    }

    fn set_template(&mut self, database: Resource<Database>, template: String) -> wasmtime::Result<()> {
        self.edit(&database, |database| database.template = Some(template))
    }

    fn drop(&mut self, database: Resource<Database>) -> wasmtime::Result<()> {
        self.dropped(database)
    }
}
