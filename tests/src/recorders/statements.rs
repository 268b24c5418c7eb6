//! What PostgreSQL was told, and who logged in, by its own log: of every user, in every database.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};

use super::{Effect, question::is_question};
use crate::lab::{Lab, postgres};

/// The name that the application of a recorded stack gives its sessions. They are its own doing; all others are not.
pub const APPLICATION: &str = "the-application-itself";

/// The log of a lab's PostgreSQL.
pub struct Statements {
    log: PathBuf,
}

impl Statements {
    /// Of a lab that was started with `log_statements`.
    pub fn of(lab: &Lab) -> Self {
        Self { log: lab.postgres.log.clone() }
    }

    /// Where the log ends now.
    pub fn mark(&self) -> Result<usize> {
        Ok(self.read()?.len())
    }

    /// What was done since, without questions, and whose logins were tried beside the superuser's.
    pub fn since(&self, mark: usize) -> Result<Vec<Effect>> {
        let log = self.read()?;
        Ok(effects(log.get(mark..).context("the log of PostgreSQL became shorter")?))
    }

    fn read(&self) -> Result<String> {
        fs::read_to_string(&self.log).with_context(|| format!("can't read {}", self.log.display()))
    }
}

fn effects(log: &str) -> Vec<Effect> {
    // Lines of one message are indented from the second on.
    let log = log.replace("\n\t", "\u{0}");
    let entries: Vec<Entry<'_>> = log.lines().filter_map(Entry::read).collect();
    let effect = |(at, entry): (usize, &Entry<'_>)| {
        let detail = entries[at + 1..].iter().find(|next| next.process == entry.process);
        entry.effect(detail.and_then(|next| next.said.strip_prefix("DETAIL:  parameters: ")).unwrap_or_default())
    };
    entries.iter().enumerate().filter_map(effect).collect()
}

/// `2026-11-27 19:59:38.843 UTC [5853] postgres@media [stackrun] LOG:  execute s1: CREATE ROLE …`; without a session
/// the line goes on behind the process.
#[derive(Debug)]
struct Entry<'a> {
    process: &'a str,
    /// Role, database, and the name that the session gives itself.
    session: Option<(&'a str, &'a str, &'a str)>,
    said: &'a str,
}

impl<'a> Entry<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (process, rest) = line.split_once(" UTC [")?.1.split_once("] ")?;
        for level in ["LOG:  ", "DETAIL:  ", "FATAL:  "] {
            if rest.starts_with(level) {
                return Some(Self { process, session: None, said: rest });
            }
        }
        let (who, rest) = rest.split_once(" [")?;
        let (name, said) = rest.split_once("] ")?;
        let (role, database) = who.split_once('@')?;
        Some(Self { process, session: Some((role, database, name)), said })
    }

    fn effect(&self, parameters: &str) -> Option<Effect> {
        let Some((role, database, name)) = self.session else {
            let reloaded = self.said == "LOG:  received SIGHUP, reloading configuration files";
            return reloaded.then(|| Effect::Sql("the server reads its configuration again".to_owned()));
        };
        let login = || Some(Effect::Login(format!("{role} to {database}")));
        if self.said.starts_with("FATAL:  ") && role != postgres::USER {
            return login();
        }
        let said = self.said.strip_prefix("LOG:  ")?;
        if said.starts_with("connection received: ") || said.starts_with("connection authenticated: ") {
            return None;
        }
        if said.starts_with("connection authorized: ") {
            // The session's name is not yet in front of this line.
            let is_application = said.ends_with(&format!("application_name={APPLICATION}"));
            return if role == postgres::USER || is_application { None } else { login() };
        }
        if name == APPLICATION {
            return None;
        }
        let statement = match said.strip_prefix("statement: ") {
            Some(statement) => statement,
            // Whatever else a session does is told as it stands.
            None => said.strip_prefix("execute ").and_then(|said| said.split_once(": ")).map_or(said, |(_, said)| said),
        };
        let statement = statement.replace('\0', "\n");
        (!is_question(&statement, parameters)).then(|| Effect::sql(database, &statement))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(who: &str, said: &str) -> Vec<Effect> {
        effects(&format!("2026-11-27 19:59:38.843 UTC [5853] {who} {said}\n"))
    }

    #[test]
    fn what_counts() {
        let drop = vec![Effect::sql("media", "DROP ROLE \"a\"")];
        assert_eq!(of("postgres@media [stackrun]", "LOG:  execute s1: DROP ROLE \"a\""), drop);
        assert_eq!(of("media@media [stackrun check]", "LOG:  statement: DROP ROLE \"a\""), drop);
        assert_eq!(of("media@media [the-application-itself]", "LOG:  statement: DROP ROLE \"a\""), []);
        assert_eq!(of("media@media [stackrun check]", "LOG:  execute s0: SELECT 1"), []);
        let login = vec![Effect::Login("media to media".to_owned())];
        let authorized = "LOG:  connection authorized: user=media database=media application_name=";
        assert_eq!(of("media@media [[unknown]]", &format!("{authorized}stackrun check")), login);
        assert_eq!(of("media@media [[unknown]]", &format!("{authorized}the-application-itself")), []);
        assert_eq!(of("media@media [[unknown]]", "FATAL:  password authentication failed for user \"media\""), login);
    }

    #[test]
    fn parameters_belong_to_the_session_that_they_follow() {
        let line = |process: u32, said: &str| {
            format!("2026-11-27 19:59:38.843 UTC [{process}] postgres@postgres [stackrun] {said}\n")
        };
        let read = "LOG:  execute s1: SELECT path, pg_catalog.pg_read_binary_file(path, 0, 4194304, true) FROM (SELECT \
                    pg_catalog.current_setting($1::pg_catalog.text) AS path) AS setting";
        let detail = |of: &str| format!("DETAIL:  parameters: $1 = '{of}'");
        let of = |one: &str, other: &str| {
            effects(&[line(1, read), line(2, &detail(other)), line(1, &detail(one))].concat()).len()
        };
        assert_eq!(of("hba_file", "data_directory"), 0);
        assert_eq!(of("data_directory", "hba_file"), 1);
    }
}
