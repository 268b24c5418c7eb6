//! Typed statements as SQL text. This is the only place where a statement that changes something is written.

use super::{
    Statement,
    client::{identifier, literal},
};
use crate::model::desired::Database;

impl Statement {
    /// The statement, with `verifier` where it sets a password.
    pub(crate) fn sql(&self, verifier: &str) -> String {
        match self {
            Statement::CreateRole { role } => format!("CREATE ROLE {} LOGIN", identifier(role)),
            Statement::AllowLogin { role } => format!("ALTER ROLE {} LOGIN", identifier(role)),
            Statement::SetPassword { role, .. } => {
                format!("ALTER ROLE {} PASSWORD {}", identifier(role), literal(verifier))
            }
            Statement::DropRole { role } => format!("DROP ROLE {}", identifier(role)),
            Statement::CreateDatabase(database) => create_database(database),
            Statement::SetOwner { database, owner } => {
                format!("ALTER DATABASE {} OWNER TO {}", identifier(database), identifier(owner))
            }
            Statement::DropDatabase { database } => format!("DROP DATABASE {}", identifier(database)),
            Statement::CreateExtension { extension, .. } => format!("CREATE EXTENSION {}", identifier(extension)),
        }
    }

    /// The database that the statement is sent to; none is the connection's maintenance database.
    pub(crate) fn database(&self) -> Option<&str> {
        match self {
            Statement::CreateExtension { database, .. } => Some(database),
            _ => None,
        }
    }
}

fn create_database(Database { name, owner, encoding, locale, template, .. }: &Database) -> String {
    let mut sql = format!("CREATE DATABASE {} OWNER {}", identifier(name), identifier(owner));
    if let Some(template) = template {
        sql.push_str(&format!(" TEMPLATE {}", identifier(template)));
    }
    if let Some(encoding) = encoding {
        sql.push_str(&format!(" ENCODING {}", literal(encoding)));
    }
    if let Some(locale) = locale {
        sql.push_str(&format!(" LOCALE {}", literal(locale)));
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::{Address, Target};

    #[test]
    fn each_statement_is_quoted() {
        let role = || "it's \"M\"".to_owned();
        let verifier = Target::Made(Address::new("secret", "x"), "y".into());
        let database = Database {
            connection: "main".into(),
            name: "Media".into(),
            owner: role(),
            encoding: Some("UTF8".into()),
            locale: Some("C'".into()),
            template: Some("template0".into()),
        };
        for (statement, sql) in [
            (Statement::CreateRole { role: role() }, r#"CREATE ROLE "it's ""M""" LOGIN"#),
            (Statement::AllowLogin { role: role() }, r#"ALTER ROLE "it's ""M""" LOGIN"#),
            (Statement::SetPassword { role: "a".into(), verifier }, r#"ALTER ROLE "a" PASSWORD 'S$4''x'"#),
            (Statement::DropRole { role: role() }, r#"DROP ROLE "it's ""M""""#),
            (
                Statement::CreateDatabase(database),
                r#"CREATE DATABASE "Media" OWNER "it's ""M""" TEMPLATE "template0" ENCODING 'UTF8' LOCALE 'C'''"#,
            ),
            (
                Statement::SetOwner { database: "a\";--".into(), owner: role() },
                r#"ALTER DATABASE "a"";--" OWNER TO "it's ""M""""#,
            ),
            (Statement::DropDatabase { database: "a".into() }, r#"DROP DATABASE "a""#),
            (
                Statement::CreateExtension { database: "a".into(), extension: "uuid-ossp".into() },
                r#"CREATE EXTENSION "uuid-ossp""#,
            ),
        ] {
            assert_eq!(statement.sql("S$4'x"), sql);
        }
    }
}
